"""The tuned rate of ordered momentum where the noise has a moment of order r > 2.

With beta = 4 L g the right side is 16 Delta/(3 g K) + 64/3 L sigma^2 g + 16/3 M^p (4 L g)^p sigma_r^2 at the stepsize
g, p = 2 - 2/r; the branches of the stepsize make the first term as large as the second, and as the third: that is
beta^(p + 1) = 4 L Delta/(M^p sigma_r^2 K). With beta smaller by p^(1/(p + 1)) the two would be least together: by less
than 6 %. The lemma on what is in flight is used with this largest beta, so that no power of the stepsize is taken.
"""

from __future__ import annotations

from sympy import Rational, apart, fraction, sqrt, together

from ratecheck.core.claim import Inequality as Says
from ratecheck.core.claim import Statement
from ratecheck.core.formula import Formula
from ratecheck.core.proof import Inequality, Proof, Rule, le
from ratecheck.core.setting_ordered import ORDERED, gamma
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, beta, excess, mean_gradient_sq, sigma, sigma_r

from ._nonconvex_noise import ORDER, moment_steps
from ._nonconvex_proof import SECTIONS, SLOPES, chosen, steps

#: 1/(p + 1) = r/(3r - 2), as the kernel writes it
_TO = apart(ORDER / (3 * ORDER - 2), excess)
#: the largest beta, and what each of two terms costs with it, in units of 16/3
_MOST = (4 * L * Delta / K) ** _TO * M ** (_TO - 1) / sigma_r ** (2 * _TO)
_TERM = (4 * M * L * Delta / K) ** (1 - _TO) * sigma_r ** (2 * _TO)
_ROOT = sqrt(L * Delta * sigma**2 / K)
_LEAST = sqrt(Delta / (L * sigma**2 * K)) / 2
_SHARE = Rational(16, 3)

STEPSIZE = Stepsize(cap=1 / (32 * M * L), noise=_LEAST, in_flight=_MOST / (4 * L)).choosing(beta=4 * L * gamma)
STATEMENT = Statement(
    bound=Says(
        Formula(mean_gradient_sq),
        Formula(
            optimisation=Rational(512, 3) * M * L * Delta / K, noise=Rational(64, 3) * _ROOT,
            noise_in_flight=2 * _SHARE * _TERM,
        ),
    )
)  # fmt: skip


def tuned_proof() -> Proof:
    """Return the derivation."""
    slower = {"cap": 32 * M * L, "noise": 2 * sigma * sqrt(L * K / Delta), "in_flight": 4 * L / _MOST}
    (_, below), (_, under) = (fraction(together(branch)) for branch in (_MOST / (4 * L), _LEAST))
    first = (
        Rule("in flight", gamma, below="in_flight"),
        Inequality("beta below", le(beta, _MOST), ((-1, "chosen"), (4 * L / below, "in flight"))),
    )
    last = (
        Inequality(
            "in gamma",
            le(mean_gradient_sq, _SHARE * Delta / (gamma * K) + 4 * _SHARE * L * gamma * sigma**2 + _SHARE * _TERM),
            ((Rational(4, 3) / K, "gradients"), (_SHARE / K, "noise in all"), (-1 / K, "mean_gradient_sq"),
             (Rational(4, 3) / K * SLOPES, "LEFT"), (2 * _SHARE * L * Delta / K,),
             (2 * _SHARE * L * Delta / K / (4 * L * gamma * beta), "chosen"), (-_SHARE * sigma**2, "chosen")),
        ),
        Rule(
            "1/gamma", gamma, says=le(1 / gamma, sum(slower.values())),
            cases={name: tuple((other,) for n, other in slower.items() if n != name) for name in slower},
        ),
        Rule("noise", gamma, below="noise"),
        Inequality(
            "bound", le(mean_gradient_sq, STATEMENT.bound.rhs.expr),
            (("in gamma",), (_SHARE * Delta / K, "1/gamma"), (4 * _SHARE * L * sigma**2 / under, "noise")),
        ),
    )  # fmt: skip
    within = {name: title for name, title in SECTIONS.items() if name not in ("beta", "master")}
    return Proof(
        ORDERED, (*chosen(), *first, *steps(moment_steps(_MOST, above="beta below")), *last),
        proves={"uniform": {"bound": "bound"}}, sections={"chosen": SECTIONS["beta"], **within, "in gamma": "The rate"},
    )  # fmt: skip
