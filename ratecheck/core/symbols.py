"""Symbols with units: every letter of the theory, once.

A unit is a pair ``(f, x)``: the symbol scales like ``F**f * x**x`` when the objective is measured in units of F
and the model in units of x. Counts have unit ``(0, 0)``. The names in ``proofs`` are those of the papers.
"""

from __future__ import annotations

import sympy as sp

Unit = tuple[int, int]

_UNITS: dict[str, Unit] = {}
_MEANING: dict[str, str] = {}


def symbol(name: str, meaning: str, *, f: int = 0, x: int = 0, latex: str | None = None) -> sp.Symbol:
    """Declare a positive symbol with unit ``F**f * x**x`` and return it; the same name twice must agree.

    ``latex`` is kept for printing; default is sympy's own rendering of the name.
    """
    unit = (f, x)
    if _UNITS.setdefault(name, unit) != unit:
        from ratecheck.errors import FormulaError

        raise FormulaError(f"symbol {name!r} has unit {_UNITS[name]} already; it cannot have {unit} too.")
    _MEANING.setdefault(name, meaning)
    if latex:
        LATEX[name] = latex
    return sp.Symbol(name, positive=True)


def unit_of(s: sp.Symbol) -> Unit | None:
    """Return the unit of a declared symbol, or None for an undeclared one."""
    return _UNITS.get(s.name)


def meaning_of(name: str) -> str:
    """Return what a declared symbol stands for, in words ('' when undeclared)."""
    return _MEANING.get(name, "")


LATEX: dict[str, str] = {}

# counts
M = symbol("M", "number of workers")
K = symbol("K", "number of counted server steps")
k = symbol("k", "server step, 1..K")
tau = symbol("tau", "delay of a delivery, 1 is no delay", latex=r"\tau")
# constants of the problem and the noise
L = symbol("L", "smoothness: the gradient is L-Lipschitz", f=1, x=-2)
mu = symbol("mu", "strong convexity", f=1, x=-2, latex=r"\mu")
G = symbol("G", "Lipschitz constant of every stochastic objective", f=1, x=-1)
sigma = symbol("sigma", "sigma^2 bounds the total variance of a stochastic gradient", f=1, x=-1, latex=r"\sigma")
B = symbol("B", "B^2 bounds the squared distance from the start to a minimiser", x=1)
Delta = symbol("Delta", "bounds F(x_0) - F*", f=1, latex=r"\Delta")
zeta = symbol("zeta", "dissimilarity of the workers' objectives", f=1, x=-1, latex=r"\zeta")
stepsize = symbol("stepsize", "a constant stepsize", f=-1, x=2, latex=r"\gamma")
# numbers of one schedule with its stepsizes (schedule-conditional bounds)
W = symbol("W", "sum of the output weights", f=-1, x=2, latex=r"\sum_k\hat\gamma_k")
Q = symbol("Q", "sum over hand-outs of the squared final stepsize", f=-2, x=4, latex=r"\sum\hat\gamma^2")
tau_max = symbol("tau_max", "largest delay of the schedule", latex=r"\tau_{\max}")
# what a run measures (averages over the output weights; the expectation is over runs)
output_gap = symbol("output_gap", "F(output) - F*", f=1, latex=r"F(\tilde x_K)-F^*")
mean_gap = symbol("mean_gap", "weighted mean of F(x_k) - F*", f=1, latex=r"\overline{F(x_k)-F^*}")
mean_gradient_sq = symbol(
    "mean_gradient_sq", "weighted mean of the squared gradient norm", f=2, x=-2,
    latex=r"\overline{\|\nabla F(x_k)\|^2}",
)  # fmt: skip
virtual_sq = symbol(
    "virtual_sq", "squared distance of the last virtual iterate to a minimiser", x=2,
    latex=r"\|\hat x_{K+1}-x^*\|^2",
)  # fmt: skip
last_sq = symbol("last_sq", "squared distance of the last iterate to a minimiser", x=2, latex=r"\|x_K-x^*\|^2")

MEASURED = ("output_gap", "mean_gap", "mean_gradient_sq", "virtual_sq", "last_sq")
OF_SCHEDULE = ("W", "Q", "tau_max")
