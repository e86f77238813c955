"""Asynchronous mu^2-SGD, convex, independent delays: one bound for every stepsize of a wide window. Ours.

Every gamma = min{1/(2LK), (1 + rho) D/(sigma K^(3/2))} with 0 < rho <= K has the same bound: the noise branches are up
to a factor K + 1 apart. The noise enters as gamma sum k sigma^2, about gamma sigma^2 K^2, and as D sum sqrt(k) sigma,
about D sigma K^(3/2), whatever gamma is; the first is no larger than the second up to gamma = D/(sigma sqrt K). So
every gamma from D/(sigma K^(3/2)) to min{1/(2LK), D/(sigma sqrt K)} is covered.
"""

from sympy import Rational

from ratecheck.core.claim import Claim, above_zero, at_most
from ratecheck.core.symbols import K, M, rho

from ._cells import BLIND, STEPS, convex
from ._convex import ASSUMPTIONS, ENOUGH, NOTES, SOURCE, TRIVIAL, bound, stepsize
from ._convex_proof import WINDOW as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex: a window of stepsizes (ours)",
    source=SOURCE,
    statement=(
        "For every $\\rho$ in $(0,K]$, with $\\gamma=\\min\\{1/(2LK),(1+\\rho)D/(\\sigma K^{3/2})\\}$ the last iterate "
        "has expected suboptimality at most $24MLD^2/K+\\frac92\\sigma D/\\sqrt K$ under delays that are independent "
        "of the samples."
    ),
    assumptions=(*ASSUMPTIONS, ENOUGH, above_zero("rho"), at_most("rho", K)),
    outputs={"last": bound(24 * M, Rational(9, 2))},
    stepsize=stepsize(1, 1 + rho),
    method="async_mu2_sgd_box",
    policy="independent",
    trivial=TRIVIAL,
    cells=(*convex(BLIND, rho=1), *convex(BLIND, rho=STEPS)),
    notes=NOTES,
)
