"""Ordered momentum keeps gradients of (M - 1) beta sigma^2, for every K, when delays of O(1/beta) see samples. Ours.

Mean E||grad F(x_k)||^2 >= (M - 1) beta sigma^2/10 in the worse of two worlds, for M >= 33, beta <= 1/(8M), stepsizes of
at most beta/(4L) and every K >= M. In a class of small L Delta it is min{L Delta, that}. Delays that do not look at
samples leave about beta sigma^2/8, without M, once K is far above 1/beta (``parked`` with blind = 1).

The worlds are those of ``two_worlds``, flags with probability p = (M - 1)/(2n), n = ceil(log(32)/beta). A flagged
gradient is parked for n deliveries, unless M - 1 are parked already: delays are at most n + M <= 3.5/beta + M. Why:
the difference e of the two runs obeys the recursion of the method without noise, driven by what flagged gradients that
come n late, or could not be parked, bring: 2b/p each, with weight at most beta (1 - beta)^n <= beta/32 if late. So the
mean of (L e)^2 is at most 16/3 times that of the squared drive, which is at most 8 b^2 (1/32^2 + q) (1 + beta/p), q <=
5e-4 being the chance that M - 1 are parked (a Poisson tail, evaluated for M = 33..399 and bounded by Chernoff's
inequality beyond). And |f_A'|^2 + |f_B'|^2 >= (2b + L e)^2/2, of mean at least 1.48 b^2, where b^2 is at least
sigma^2 (M - 1)/(2n). The chain is in words: what is checked here is its end, on runs.
"""

from collections.abc import Mapping
from math import ceil, log
from typing import Any

from sympy import Rational

from ratecheck.core.assumption import Assumption
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim, Inequality, Statement, above_zero, at_least, at_most, fraction, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.symbols import L, M, beta, mean_gradient_sq, sigma

from ._two_worlds import NOTES, OWN_CONSTANTS, SOURCE, looking

#: fewest workers for which the Poisson tail is small enough
FEWEST = 33


def parts(workers: int, momentum: float) -> tuple[Part, Part]:
    """Return the problem and the delays for M and beta: p = (M - 1)/(2n), and flagged gradients parked for n."""
    length = ceil(log(32) / momentum)
    return Part("two_worlds", {"deliveries": 2 * length - workers + 1}), Part("parked", {"wait": length})


def own(facts: Mapping[str, Any]) -> str | None:
    """Return None for the claim's own instance, else what is different."""
    if facts["M"] < FEWEST:
        return f"M = {facts['M']} < {FEWEST}"
    problem, delays = parts(facts["M"], facts["beta"])
    if (facts["problem"], facts.get("delays"), facts["noise"]) == (problem.label, delays.label, "rows"):
        return None
    return f"a lower bound is about its own instance: problem {problem.label} with noise rows and delays {delays.label}"


def cell(workers: int, part: int = 8, times: int = 4) -> Cell:
    """Return the cell with beta = 1/(part M), the largest stepsize, and K = times/beta."""
    momentum = 1 / (part * workers)
    problem, delays = parts(workers, momentum)
    length = problem.par["deliveries"]
    smooth = ((workers - 1) / length) ** 0.5  # b/R for sigma = R = 1
    numbers = {"beta": momentum, "stepsize": momentum / (4 * smooth)}
    return Cell(problem, Part("rows"), delays, workers, times * part * workers, None, constants=numbers)


CLAIM = Claim(
    title="Ordered momentum, delays that look at samples: a lower bound",
    source=SOURCE,
    statement=(
        "For $M\\ge33$, $\\beta\\le1/(8M)$, $\\gamma\\le\\beta/(4L)$ and every $K\\ge M$ the mean of "
        "$\\mathbb{E}\\|\\nabla F(x_k)\\|^2$ is at least $(M-1)\\beta\\sigma^2/10$ in the worse of two worlds, "
        "with delays of at most $3.5/\\beta+M$."
    ),
    assumptions=(
        of_class("two worlds"),
        OWN_CONSTANTS,
        of_class("smooth"),
        Assumption("delays that look", "delays depend on the samples", looking),
        at_least("K", "M"),
        fraction("beta"),
        at_most("beta", 1 / (8 * M)),
        above_zero("stepsize"),
        at_most("stepsize", beta / (4 * L)),
        Assumption("its own instance", "two worlds, flagged gradients parked", own),
    ),
    stepsize="constant",
    method="ordered_momentum",
    policy="clairvoyant",
    outputs={
        "R1": Statement(
            Inequality(Formula(mean_gradient_sq), Formula(hidden=Rational(1, 10) * (M - 1) * beta * sigma**2))
        )
    },
    kind="lower",
    cells=(cell(33), cell(33, times=1), cell(65)),
    notes=NOTES[:1],
)
