"""What the theorems on ordered momentum and smooth functions share: assumptions, inequalities, proofs."""

from __future__ import annotations

from sympy import Expr, Rational, sqrt

from ratecheck.core.claim import Inequality, Statement, above_zero, at_most, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.proof import Class, Proof, Step
from ratecheck.core.setting_ordered import ORDERED
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, beta, mean_gradient_sq, sigma, stepsize

from ._nonconvex_proof import LEFT, SECTIONS, chosen, ends, rate, steps

KNOWN = (of_class("smooth"), has("L"), has("Delta"), has("sigma"))
ASSUMPTIONS = (
    *KNOWN, above_zero("beta"), at_most("beta", 1 / (8 * M)),
    above_zero("stepsize"), at_most("stepsize", beta / (4 * L)),
)  # fmt: skip
NOTES = (
    "The paper's: the method, as far as fragments show it, and beta <= 1/(8M). Ours: the statement, the proof, all "
    "constants; its theorems were not available to us.",
    "Delivery k = 1..K finds x_(k-1): the paper's t, T and x_t are k, K and x_(k-1).",
    "Initial gradients count 1/M each. A run that a cell ends at K has its first K deliveries.",
)
MOMENT_NOTES = (
    "excess is r - 2. A cell declares it, and sigma_r where the noise law does not say how long its moment is.",
)


def statement(noise: Expr, rounded: Expr) -> Statement:
    """Return bound and master inequality: ``noise`` bounds the mean of E||z||^2, ``rounded`` is more."""
    share = 1 / LEFT
    return Statement(
        bound=Inequality(
            Formula(mean_gradient_sq),
            Formula(
                descent=Rational(8, 3) * Delta / (stepsize * K),
                start=Rational(32, 3) * L * Delta / (beta * K),
                noise=Rational(16, 3) * beta * sigma**2,
                noise_in_flight=Rational(16, 3) * rounded,
            ),
        ),
        master=Inequality(
            Formula(mean_gradient_sq),
            Formula(
                descent=share * 2 * Delta / (stepsize * K),
                start=share * 8 * (1 / beta - 1) * L * Delta / K,
                noise=share * 4 * beta * sigma**2,
                noise_in_flight=share * 4 * noise,
            ),
        ),
    )


def proof(
    how: tuple[Step, ...], noise: Expr, rounded: Expr, *rest: tuple[object, ...], by: str = "noise in all"
) -> Proof:
    """Return the derivation for beta and stepsize that the cell declares."""
    numbers = (
        Class("beta", "assumed", ("beta <= 1/(8*M)",)),
        Class("stepsize", "assumed", ("stepsize <= beta/(4*L)",)),
    )
    return Proof(
        ORDERED, (*numbers, *steps(how), *ends(noise, rounded, *rest, by=by)),
        proves={"uniform": {"bound": "bound", "master": "master"}}, sections=SECTIONS,
    )  # fmt: skip


def _rate_noise(per_beta: Expr, root: Expr) -> tuple[Expr, Expr]:
    """Return the noise branch of the stepsize and the noise term, where noise costs ``per_beta`` sigma^2 a beta.

    16 Delta/(3 stepsize K) + 4 L per_beta sigma^2 stepsize is least at ``root`` sqrt(Delta/(L sigma^2 K)).
    """
    return root * sqrt(Delta / (L * sigma**2 * K)), 8 * per_beta * root * sqrt(L * Delta * sigma**2 / K)


def tuned(per_beta: Expr, root: Expr) -> tuple[Stepsize, Statement]:
    """Return the stepsize, with beta = 4 L stepsize, and the rate; see ``_rate_noise``."""
    branch, noise = _rate_noise(per_beta, root)
    rule = Stepsize(cap=1 / (32 * M * L), noise=branch).choosing(beta=4 * L * stepsize)
    rate = Formula(optimisation=Rational(512, 3) * M * L * Delta / K, noise=noise)
    return rule, Statement(bound=Inequality(Formula(mean_gradient_sq), rate))


def tuned_proof(how: tuple[Step, ...], per_beta: Expr, root: Expr, *rest: tuple[object, ...]) -> Proof:
    """Return the derivation for the tuned stepsize; ``rest`` says that the noise costs at most ``per_beta``."""
    within = {name: title for name, title in SECTIONS.items() if name not in ("beta", "master")}
    return Proof(
        ORDERED, (*chosen(), *steps(how), *rate(per_beta, root, *rest)), proves={"uniform": {"bound": "bound"}},
        sections={"chosen": SECTIONS["beta"], **within, "in gamma": "The rate"},
    )  # fmt: skip
