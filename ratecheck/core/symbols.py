"""Symbols with units: every letter of the theory, once.

A unit is a pair ``(f, x)``: the symbol scales like ``F**f * x**x`` when the objective is measured in units of F
and the model in units of x. Counts have unit ``(0, 0)``. The names in ``proofs`` are those of the papers.
"""

from __future__ import annotations

import sympy as sp

Unit = tuple[int, int]

_UNITS: dict[str, Unit] = {}
_MEANING: dict[str, str] = {}
#: symbols that a cell may have 0 for; derivations know it (``Context.may_vanish``)
MAY_BE_0: set[str] = set()

#: letters of the settings of derivations (``core.setting*``), which no constant may be called
RESERVED = frozenset({"i", "j", "m", "p", "r", "gap", "delta0", "full"})


def symbol(
    name: str, meaning: str, *, f: int = 0, x: int = 0, latex: str | None = None, zero: bool = False
) -> sp.Symbol:  # fmt: skip
    """Declare a positive symbol with unit ``F**f * x**x`` and return it; the same name twice must agree.

    ``latex`` is kept for printing; default is sympy's own rendering of the name. ``zero``: a cell may have 0 for it
    all the same. Raises FormulaError for a name that is a letter of derivations, and for another unit.
    """
    from ratecheck.errors import FormulaError

    unit = (f, x)
    if name in RESERVED:
        raise FormulaError(f"symbol {name!r} is a letter of derivations; call the constant by another name.")
    if _UNITS.setdefault(name, unit) != unit:
        raise FormulaError(f"symbol {name!r} has unit {_UNITS[name]} already; it cannot have {unit} too.")
    _MEANING.setdefault(name, meaning)
    if zero:
        MAY_BE_0.add(name)
    if latex:
        LATEX[name] = latex
    return sp.Symbol(name, positive=True)


def unit_of(s: sp.Symbol) -> Unit | None:
    """Return the unit of a declared symbol, or None for an undeclared one."""
    return _UNITS.get(s.name)


def symbol_of(name: str) -> sp.Symbol:
    """Return the symbol of this name, as they are all declared."""
    return sp.Symbol(name, positive=True)


def meaning_of(name: str) -> str:
    """Return what a declared symbol stands for, in words ('' when undeclared)."""
    return _MEANING.get(name, "")


LATEX: dict[str, str] = {}
#: constants that are shares, whatever a method does with them: from 0 to 1
SHARES = frozenset({"beta"})

# counts
M = symbol("M", "number of workers")
K = symbol("K", "number of counted server steps")
k = symbol("k", "server step, 1..K")
tau = symbol("tau", "delay of a delivery, 1 is no delay", latex=r"\tau")
# constants of the problem and the noise
L = symbol("L", "smoothness: the gradient is L-Lipschitz", f=1, x=-2)
mu = symbol("mu", "strong convexity", f=1, x=-2, latex=r"\mu", zero=True)
G = symbol("G", "Lipschitz constant of every stochastic objective", f=1, x=-1)
G_F = symbol("G_F", "Lipschitz constant of F itself, without noise", f=1, x=-1)
sigma = symbol(
    "sigma", "sigma^2 bounds the total variance of a stochastic gradient", f=1, x=-1, latex=r"\sigma", zero=True
)  # fmt: skip
sigma_mu = symbol(
    "sigma_mu", "sigma_mu^2 bounds the variance of what a job's duration tells of its noise, E[noise | duration]",
    f=1, x=-1, latex=r"\sigma_\mu", zero=True,
)  # fmt: skip
sigma_L = symbol(
    "sigma_L", "sigma_L^2 |x - y|^2 bounds the variance of how the noise of a sample differs at x and y (additive: 0)",
    f=1, x=-2, latex=r"\sigma_L", zero=True,
)  # fmt: skip
sigma_inf = symbol("sigma_inf", "no noise is longer", f=1, x=-1, latex=r"\sigma_\infty", zero=True)
sigma_r = symbol(
    "sigma_r", "sigma_r^(2 + excess) bounds E||noise||^(2 + excess)", f=1, x=-1, latex=r"\sigma_r", zero=True
)  # fmt: skip
excess = symbol("excess", "the noise has a moment of order 2 + excess", latex="(r-2)")
level = symbol("level", "any length of a noise", f=1, x=-1, latex="a")
B = symbol("B", "B^2 bounds the squared distance from the start to a minimiser", x=1, zero=True)
D = symbol("D", "diameter of the convex set that the method projects on, which has a minimiser", x=1)
Delta = symbol("Delta", "bounds F(x_0) - F*", f=1, latex=r"\Delta", zero=True)
zeta = symbol("zeta", "dissimilarity of the workers' objectives", f=1, x=-1, latex=r"\zeta", zero=True)
stepsize = symbol("stepsize", "a constant stepsize", f=-1, x=2, latex=r"\gamma")
beta = symbol(
    "beta", "momentum: what is left of a gradient one step, or group, later; in ordered momentum a new one's weight",
    latex=r"\beta", zero=True,
)  # fmt: skip
damping = symbol("damping", "factor on stepsizes of gradients with long delays, times the delay", latex="c")
# numbers of one schedule with its stepsizes (schedule-conditional bounds)
W = symbol("W", "sum of the output weights", f=-1, x=2, latex=r"\sum_k\hat\gamma_k")
Q = symbol("Q", "sum over hand-outs of the squared final stepsize", f=-2, x=4, latex=r"\sum\hat\gamma^2")
S = symbol(
    "S", "sum over hand-outs of the squared final stepsize times the growth of the weights", f=-2, x=4,
    latex=r"\sum w\hat\gamma^2",
)  # fmt: skip
V = symbol(
    "V", "sum over iterates of the output weight times the squared final stepsizes of the others in flight", f=-3, x=6,
    latex=r"\sum_kw_k\hat\gamma_k\sum_{m\ne m_k}\gamma_{\mathrm{next}}^2",
)  # fmt: skip
Gamma_0 = symbol(
    "Gamma_0", "sum of the final stepsizes of the initial hand-outs", f=-1, x=2, latex=r"\Gamma_0"
)  # fmt: skip
decay = symbol("decay", "1 over the growth of the output weights from start to end", latex=r"w_K^{-1}")
tau_max = symbol("tau_max", "largest delay of the schedule", latex=r"\tau_{\max}")
tau_closed = symbol(
    "tau_closed", "largest delay, gradients in flight at K back at K + 1 (initial ones left out)",
    latex=r"\bar\tau_{\max}",
)  # fmt: skip
tau_cap = symbol(
    "tau_cap", "no gradient is out for longer, those of x_0 included: a cap on every delay, back or not",
    latex=r"\tau_{\mathrm{cap}}",
)  # fmt: skip
rho = symbol("rho", "a stepsize over the smallest one of a window of stepsizes, less 1", latex=r"\rho")
weight = symbol("weight", "output weight of one iterate before it grows", f=-1, x=2, latex=r"\hat\gamma_k")
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
virtual_gap = symbol("virtual_gap", "F(last virtual iterate) - F*", f=1, latex=r"F(\hat x_{K+1})-F^*")
last_gap = symbol("last_gap", "F(last iterate) - F*", f=1, latex=r"F(x_K)-F^*")

MEASURED = ("output_gap", "mean_gap", "mean_gradient_sq", "virtual_sq", "last_sq", "virtual_gap", "last_gap")
OF_SCHEDULE = ("W", "Q", "S", "V", "Gamma_0", "decay", "tau_max", "tau_closed")
