"""Theorem 3, strongly convex case, with 16/3 for the printed 504: the noise constant falls from 380 to about 4.

The setting and the method are those of Mishchenko, Bach, Even & Woodworth (2022), Theorem 3; the constants are ours,
and K >= 3M is not needed. With gcap = min{1/(8ML), noise branch} and y = 3 mu K gcap/16 the master inequality of
``theorem3_strongly_convex`` gives, for every number C in the noise branch and every K,
E F(xtilde) - F* <= (mu B^2/8)/(e^y - 1) + sigma^2 gcap (17/32 + 2M/(3K)).
C = 16/3 is the least for which the noise branch makes e^y as large as e + mu^2 K^2 B^2/sigma^2, so that the first term
is at most sigma^2/(8 mu K^2) there; the bound below adds the two cases of gcap.
"""

from sympy import E, Integer, Rational, exp, log

from ratecheck.core.claim import Claim, Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import B, K, L, M, mu, output_gap, sigma

from ._theorem3_strongly_convex_short_proof import PROOF
from .lemma1 import IDENTITIES
from .theorem3_strongly_convex import ASSUMPTIONS, CONDITIONAL, GROWTH, MASTER

_LOG = log(E + mu**2 * K**2 * B**2 / sigma**2)

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Delay-adaptive asynchronous SGD, strongly convex smooth objectives, 16/3 for 504",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 3 (strongly convex); constants ours",
    statement=(
        "With $16/3$ for 504 in the stepsizes and any $K$ the weighted average has expected suboptimality at most "
        "$\\frac{\\mu B^2/8}{e^{3\\mu K/(128ML)}-1}+\\frac{\\sigma^2}{\\mu K}\\left(\\frac1{8K}+"
        "\\left(\\frac{17}6+\\frac{32M}{9K}\\right)\\log(e+\\mu^2K^2B^2/\\sigma^2)\\right)$."
    ),
    assumptions=ASSUMPTIONS,
    stepsize="delay_adaptive_strongly_convex_short",
    policy="independent",
    growth=GROWTH,
    outputs={
        "R1": Statement(
            Inequality(
                Formula(output_gap),
                Formula(
                    optimisation=mu * B**2 / 8 / (exp(3 * mu * K / (128 * M * L)) - 1),
                    noise=sigma**2 / (mu * K) * (Rational(17, 6) + Rational(32, 9) * M / K) * _LOG,
                    start=sigma**2 / (Integer(8) * mu * K**2),
                ),
            ),
            CONDITIONAL,
            MASTER,
        )
    },
    trivial=Formula(L * B**2 / 2),
    identities=IDENTITIES,
    notes=("All constants are ours; the printed theorem is theorem3_strongly_convex.",),
)
