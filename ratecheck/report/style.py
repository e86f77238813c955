"""The look of the plots: colours that the colour-blind and a grey printer tell apart, readable log axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#1a1a1b"  #: text and axes; a page that follows the reader's colour scheme replaces it
PAPER = "#fffffd"  #: behind text that lies on a hatch; a page replaces it, too
SOFT = "#7f7f80"  #: grids, triangles, what is secondary; readable on white and on black
# Okabe & Ito (2008), without black (that is INK) and yellow (too faint on white), from dark to light
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
WIDTHS = (0.7, 1.2, 1.8, 2.4)  #: of lines, from few workers to many
DPI = 200
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))

_RC: Any = {
    "font.family": "DejaVu Sans", "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7.5,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "mathtext.fontset": "dejavusans", "text.color": INK,
    "axes.edgecolor": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.linewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.minor.width": 0.4, "ytick.minor.width": 0.4,
    "xtick.minor.size": 1.5, "ytick.minor.size": 1.5, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": SOFT, "grid.alpha": 0.25, "grid.linewidth": 0.5, "lines.linewidth": 1.1,
    "lines.markersize": 4, "legend.frameon": False, "hatch.linewidth": 0.4, "figure.facecolor": "none",
    "axes.facecolor": "none", "savefig.facecolor": "none", "pdf.fonttype": 42, "svg.fonttype": "path",
    "svg.hashsalt": "ratecheck", "axes.axisbelow": True, "axes.titlepad": 4,
}  # fmt: skip


@contextmanager
def context() -> Iterator[None]:
    """Return a context in which figures get this look, whatever the user's matplotlib settings are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def looks(values: Sequence[Any], of: Sequence[Any]) -> dict[Any, Any]:
    """Give each value (sorted) one of the looks; they repeat when there are more values."""
    return {v: of[i % len(of)] for i, v in enumerate(sorted(set(values), key=lambda v: (v is None, v)))}


def log_ticks(low: float, high: float, most: int = 5, least: int = 2) -> list[float]:
    """Return few ticks on a log axis: decades where at least ``least`` fit, else 1-2-5, else round numbers."""
    decades = [10.0**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    inside = [t for t in decades if low <= t <= high]
    if len(inside) < least:
        inside = [m * t for t in decades for m in (1, 2, 5) if low <= m * t <= high]
    if len(inside) < 2:
        inside = [m * t for t in decades for m in range(1, 10) if low <= m * t <= high]
    return inside[:: max(1, math.ceil(len(inside) / most))] or [low, high]


def tick_text(value: float) -> str:
    """Return a tick's label: 1, 20, 500, and powers of ten beyond 1 % and 1000."""
    exponent = math.floor(math.log10(value) + 1e-9)
    lead = round(value / 10.0**exponent)
    if -2 <= exponent <= 2:
        return f"{value:g}"
    return rf"$10^{{{exponent}}}$" if lead == 1 else rf"${lead}\cdot10^{{{exponent}}}$"


def log_axis(axes: Axes, which: str, low: float, high: float, most: int = 5) -> None:
    """Make an axis logarithmic from ``low`` to ``high`` with few labelled ticks."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    ticks = log_ticks(low, high, most)
    axis.set_ticks(ticks, [tick_text(t) for t in ticks])
    axis.set_ticks([], minor=True)


def widened(values: Sequence[float], by: float = 1.25) -> tuple[float, float]:
    """Return the range of positive values, wider by a factor at both ends and never narrower than a factor of 3."""
    low, high = min(values), max(values)
    by = max(by, math.sqrt(3 * low / high) if high < 3 * low else by)
    return low / by, high * by


def triangle(axes: Axes, slope: float, corner: tuple[float, float], width: float, label: str) -> None:
    """Draw a right triangle whose hypotenuse falls with this log-log slope; ``corner`` is its lower left point."""
    x, y = corner
    right, top = x * width, y * width**-slope
    axes.fill([x, x, right], [y, top, y], facecolor=SOFT, alpha=0.25, edgecolor="none")
    axes.plot([x, x, right, x], [y, top, y, y], color=SOFT, linewidth=0.7)
    axes.annotate(label, (x, math.sqrt(y * top)), (-2, 0), textcoords="offset points", ha="right", va="center",
                  fontsize=6.5, color=INK)  # fmt: skip
