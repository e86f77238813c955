"""The tuned rate of ordered momentum where the noise in flight costs at most 16/3 size^2 beta^2: two of the theorems.

With beta = 4 L stepsize the right side is 16 Delta/(3 g K) + 64/3 L sigma^2 g + 256/3 L^2 size^2 g^2 at the stepsize g;
the branches of the stepsize make the first term about as large as the second, and as the third.
"""

from __future__ import annotations

from sympy import Expr, Rational, fraction, sqrt, together

from ratecheck.core.claim import Inequality as Says
from ratecheck.core.claim import Statement
from ratecheck.core.formula import Formula
from ratecheck.core.proof import Inequality, Proof, Rule, Step, le
from ratecheck.core.setting_ordered import ORDERED, gamma
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, beta, mean_gradient_sq, sigma

from ._nonconvex_proof import SECTIONS, SLOPES, chosen, steps

_THIRD = Rational(1, 3)
_ROOT = sqrt(L * Delta * sigma**2 / K)
_LEAST = {"noise": sqrt(Delta / (L * sigma**2 * K)) / 2}


def _in_flight(size: Expr) -> Expr:
    return (Delta / (L**2 * size**2 * K)) ** _THIRD / 3


def _third(size: Expr) -> Expr:
    return (L * size * Delta / K) ** (2 * _THIRD)


def tuned(size: Expr) -> tuple[Stepsize, Statement]:
    """Return the stepsize, with beta = 4 L stepsize, and the rate."""
    rule = Stepsize(cap=1 / (32 * M * L), **_LEAST, in_flight=_in_flight(size)).choosing(beta=4 * L * gamma)
    rate = Formula(
        optimisation=Rational(512, 3) * M * L * Delta / K, noise=Rational(64, 3) * _ROOT,
        noise_in_flight=26 * _third(size),
    )  # fmt: skip
    return rule, Statement(bound=Says(Formula(mean_gradient_sq), rate))


def _below(branch: Expr) -> tuple[Expr, Expr]:
    """Return numerator and denominator, as the rule's fact has them."""
    top, bottom = fraction(together(branch))
    return top, bottom


def tuned_proof(how: tuple[Step, ...], size: Expr, many: Expr) -> Proof:
    """Return the derivation; ``how`` says that the mean noise in flight is at most ``many`` beta^2 <= size^2 beta^2."""
    slower = {"cap": 32 * M * L, "noise": 2 * sigma * sqrt(L * K / Delta),
              "in_flight": 3 * (L**2 * size**2 * K / Delta) ** _THIRD}  # fmt: skip
    top, bottom = _below(_in_flight(size))
    _, under = _below(_LEAST["noise"])
    cost = Rational(256, 3) * L**2 * size**2
    last = (
        Inequality(
            "in gamma",
            le(mean_gradient_sq, Rational(16, 3) * Delta / (gamma * K) + Rational(64, 3) * L * gamma * sigma**2
               + cost * gamma**2),
            ((Rational(4, 3) / K, "gradients"), (Rational(16, 3) / K, "noise in all"), (-1 / K, "mean_gradient_sq"),
             (Rational(4, 3) / K * SLOPES, "LEFT"), (Rational(32, 3) * L * Delta / K,),
             (Rational(32, 3) * L * Delta / K / (4 * L * gamma * beta), "chosen"),
             (-Rational(16, 3) * (sigma**2 + size**2 * (beta + 4 * L * gamma)), "chosen"),
             (Rational(16, 3) * (size**2 - many) * beta**2,)),
        ),
        Rule(
            "1/gamma", gamma, says=le(1 / gamma, sum(slower.values())),
            cases={name: tuple((other,) for n, other in slower.items() if n != name) for name in slower},
        ),
        Rule("noise", gamma, below="noise"),
        Rule("in flight", gamma, below="in_flight"),
        Inequality(
            "bound",
            le(mean_gradient_sq, Rational(512, 3) * M * L * Delta / K + Rational(64, 3) * _ROOT + 26 * _third(size)),
            (("in gamma",), (Rational(16, 3) * Delta / K, "1/gamma"),
             (Rational(64, 3) * L * sigma**2 / under, "noise"),
             (cost * gamma / bottom + cost * top / bottom**2, "in flight"), (Rational(14, 27) * _third(size),)),
        ),
    )  # fmt: skip
    within = {name: title for name, title in SECTIONS.items() if name not in ("beta", "master")}
    return Proof(
        ORDERED, (*chosen(), *steps(how), *last), proves={"uniform": {"bound": "bound"}},
        sections={"chosen": SECTIONS["beta"], **within, "in gamma": "The rate"},
    )  # fmt: skip
