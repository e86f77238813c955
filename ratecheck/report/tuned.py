"""Tuned errors: what ``ratecheck run`` says and draws of a scenario in which a constant is tuned, against M and K."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ratecheck.report import style
from ratecheck.report.panels import legend
from ratecheck.report.tables import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: what the lines of one panel share
PLACE = ("problem", "noise", "output")
NAMES = {"M": "workers $M$", "K": "gradients $K$"}
UNIT = r"$\sigma B/\sqrt{K}$"
#: slopes drawn for comparison, where errors grow with M
SLOPES = {0.5: "½", 1.0: "1"}


@dataclass(frozen=True)
class Panel:
    """One panel: a problem, the variable of its horizontal axis, the value of the other, and its rows."""

    problem: str
    variable: str
    other: str
    value: int
    rows: Sequence[Row]

    @property
    def values(self) -> list[int]:
        """The values of the variable, in order."""
        return sorted({r[self.variable] for r in self.rows})

    @property
    def title(self) -> str:
        """What stands above it: the problem, and the value that is the same for all its rows."""
        return f"{self.problem}, {self.other} = {self.value}"

    def lines(self) -> dict[tuple[str, str], list[Row]]:
        """Return the rows of each line (method, delays), in order."""
        found: dict[tuple[str, str], list[Row]] = {}
        for row in sorted(self.rows, key=lambda r: r[self.variable]):
            found.setdefault((row["method"], row["delays"]), []).append(row)
        return found


def panels(rows: Sequence[Row]) -> list[Panel]:
    """Return, for each problem, errors against M at the K that has most M (the largest), and against K likewise.

    Of three values of M, or of K, or more; where a problem has so many of neither, of two, or else one M for each K.
    """
    found = []
    for problem in dict.fromkeys(r["problem"] for r in rows):
        own, made = [r for r in rows if r["problem"] == problem], []
        for variable, other in (("M", "K"), ("K", "M")):
            count = {v: len({r[variable] for r in own if r[other] == v}) for v in {r[other] for r in own}}
            value = max(count, key=lambda v: (count[v], v))
            made.append(Panel(problem, variable, other, value, [r for r in own if r[other] == value]))
        lone = [Panel(problem, "M", "K", k, [r for r in own if r["K"] == k]) for k in sorted({r["K"] for r in own})]
        found += _of(made, 3) or _of(made, 2) or lone
    return found


def _of(made: Sequence[Panel], values: int) -> list[Panel]:
    """Return those with so many values at least."""
    return [p for p in made if len(p.values) >= values]


def drawn(document: Mapping[str, Any]) -> list[Panel]:
    """Return the panels that are drawn: of more than one value."""
    return _of(panels(rows_of(document)), 2)


def rows_of(document: Mapping[str, Any]) -> list[Row]:
    """Return one row a tuned error, in units of sigma B/sqrt(K), with one standard error, and the lower bound."""
    return [
        {**r, "ratio": r["mean"] / r["unit"], "low": (r["mean"] - r["se"]) / r["unit"],
         "high": (r["mean"] + r["se"]) / r["unit"], "bound": None if r["floor"] is None else r["floor"] / r["unit"]}
        for r in document["tuned"]
    ]  # fmt: skip


def lines(document: Mapping[str, Any]) -> list[str]:
    """Return the table for the terminal: a block a panel, a line a method and delay model, its exponent at the end."""
    rows, name = rows_of(document), document["constant"]
    slopes = {(e["problem"], e["variable"], e["method"], e["delays"]): e for e in document["exponents"]}
    said = [
        f"error/(sigma B/sqrt(K)) with the best {name} of up to {max(r['tried'] for r in rows)}, over "
        f"{max(r['n'] for r in rows)} runs: chosen on one half and measured on the other, and the other way round"
    ]
    for panel in panels(rows):
        values = panel.values
        fitted = any((e["problem"], e["variable"]) == (panel.problem, panel.variable) for e in document["exponents"])
        width = max(len(f"{m}, {d}") for m, d in panel.lines())
        head = " ".join(f"{v:>7}" for v in values)
        last = f"   exponent of the error in {panel.variable}" if fitted else ""
        said += ["", panel.title, f"  {panel.variable:<{width}} {head}{last}"]
        for (method, delays), line in panel.lines().items():
            shown = {r[panel.variable]: _shown(r["ratio"]) + ("*" if r["edge"] else " ") for r in line}
            slope = slopes.get((panel.problem, panel.variable, method, delays))
            told = "" if slope is None else f"{slope['slope']:+.2f} [{slope['low']:+.2f}, {slope['high']:+.2f}]"
            cells = " ".join(f"{shown.get(v, ''):>7}" for v in values)
            said.append(f"  {f'{method}, {delays}':<{width}} {cells}   {told}".rstrip())
        bound = {r[panel.variable]: r["bound"] for r in panel.rows if r["bound"] is not None}
        if bound:
            cells = " ".join(f"{_shown(bound[v]) + ' ' if v in bound else '':>7}" for v in values)
            said.append(f"  {'lower bound':<{width}} {cells}".rstrip())
    worst = max((r["se"] / r["mean"] for r in rows if 0 < r["mean"] < math.inf), default=0.0)
    edge = f"; *: the best {name} is the least or the largest one tried" if any(r["edge"] for r in rows) else ""
    said += ["", f"standard errors at most {worst:.1%} of the error{edge}"]
    if any(r["stale"] > 1 and r["policy"] == "independent" for r in rows):
        said.append("exponents where delays do not look leave out cells with M L B^2/K above sigma B/sqrt(K)")
    lone = [panel.title for panel in panels(rows) if len(panel.values) < 2]
    if lone:
        said.append(f"not drawn, for it takes two M at one K, or two K at one M: {'; '.join(lone)}")
    return said


def _shown(value: float) -> str:
    return format(value, ".3g") if 1e-3 < value < 1e4 else format(value, ".1e")


def caption(document: Mapping[str, Any]) -> str:
    """Return what is drawn in plain sentences."""
    above = "Above: exponents of the error itself, one a method. " if document["exponents"] else ""
    return (
        f"mean error of the output over sigma B/sqrt(K), with the best {document['constant']} of each method; bars: "
        f"one standard error. {above}Level is an error that falls as "
        "1/sqrt(K) and has no M; triangles: slopes 1/2 and 1. One colour a delay model: blind ones have the same "
        "durations, of an independent copy of the samples."
    )


def draw(document: Mapping[str, Any]) -> Figure:
    """Draw the panels side by side on one vertical log axis, a colour a delay model and a marker a method.

    There must be one that is ``drawn``.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    shown = drawn(document)
    points = [r for p in shown for r in p.rows]
    with style.context():
        layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06)
        figure = Figure((0.6 + 2.3 * len(shown), 3.3), layout=layout, dpi=style.DPI)
        grid = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
        colours = dict(zip(dict.fromkeys(r["delays"] for r in points), _COLOURS, strict=False))
        looks = {m: {"marker": style.MARKERS[i], "linestyle": style.DASHES[i], **(_HOLLOW if i % 2 else {})}
                 for i, m in enumerate(dict.fromkeys(r["method"] for r in points))}  # fmt: skip
        seen = [v for r in points for v in (r["ratio"], r["bound"]) if v and 0 < v < math.inf]
        for axes, panel in zip(grid, shown, strict=True):
            low, high = style.widened([*seen, 1.0], 1.6)
            _panel(axes, panel, (low / 3, 4 * high), colours, looks)
            _slopes(axes, panel, colours, document["exponents"])
        grid[0].set_ylabel(f"tuned error / ({UNIT})")
        policies = {r["delays"]: r["policy"] for r in points}
        keys = [(f"{d}: {policies[d]}", {"color": c, "linewidth": 3}) for d, c in colours.items()]
        kinds: list[tuple[str, dict[str, Any]]] = list(looks.items())
        if any(r["bound"] for r in points):
            kinds.append(("lower bound", _BOUND))
        columns = len(keys) + len(kinds)
        if columns > ABREAST:  # colours on a line of their own
            columns = max(len(keys), len(kinds))
            keys += [(" ", {"linestyle": "none"})] * (columns - len(keys))
        legend(figure, keys, kinds, columns=columns)
    return figure


#: entries of a legend that one line holds
ABREAST = 5
_COLOURS = (style.COLOURS[1], style.COLOURS[0], *style.COLOURS[2:])
_HOLLOW: dict[str, Any] = {"markerfacecolor": "none", "markersize": 6}  # seen where it lies on another one
_BOUND: dict[str, Any] = {"color": style.INK, "linewidth": 1.4, "linestyle": (0, (1, 1.5))}


def _panel(axes: Axes, panel: Panel, limits: tuple[float, float], colours: Any, looks: Any) -> None:
    style.log_axis(axes, "x", *style.widened([r[panel.variable] for r in panel.rows], 1.4))
    style.log_axis(axes, "y", *limits)
    axes.set_title(panel.title)
    axes.set_xlabel(NAMES[panel.variable])
    axes.axhline(1, color=style.SOFT, linewidth=0.8)
    for (method, delays), line in panel.lines().items():
        good = [r for r in line if 0 < r["ratio"] < math.inf]
        x, y = [r[panel.variable] for r in good], [r["ratio"] for r in good]
        low = [r["ratio"] - max(r["low"], limits[0]) for r in good]
        axes.errorbar(x, y, yerr=[low, [r["high"] - r["ratio"] for r in good]], color=colours[delays],
                      elinewidth=0.9, capsize=2, capthick=0.7, **looks[method])  # fmt: skip
    floor = {r[panel.variable]: r["bound"] for r in panel.rows if r["bound"]}
    if floor:
        axes.plot(sorted(floor), [floor[v] for v in sorted(floor)], **_BOUND)
    if panel.variable == "M":
        for i, (slope, text) in enumerate(SLOPES.items()):
            _rising(axes, slope, text, 0.5 + 0.26 * i)


def _slopes(axes: Axes, panel: Panel, colours: Mapping[str, str], exponents: Sequence[Mapping[str, Any]]) -> None:
    """Write the fitted exponents above the lines, in their colours: one a method, in the order of the legend."""
    for i, (delays, colour) in enumerate(colours.items()):
        place = (panel.problem, panel.variable, delays)
        own = [e for e in exponents if (e["problem"], e["variable"], e["delays"]) == place]
        if own:
            text = ", ".join(f"{e['slope']:+.2f}" for e in own).replace("-", "−")
            axes.annotate(f"exponents in ${panel.variable}$: {text}", (0.03, 0.98 - 0.065 * i), va="top",
                          xycoords="axes fraction", fontsize=6.5, color=colour)  # fmt: skip


def _rising(axes: Axes, slope: float, text: str, at: float) -> None:
    """Draw a right triangle whose hypotenuse rises with this log-log slope, at this part of the width, at the foot."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, width, y = left * (right / left) ** at, (right / left) ** 0.16, bottom * (top / bottom) ** 0.04
    end, high = x * width, y * width**slope
    axes.fill([x, end, end], [y, y, high], facecolor=style.SOFT, alpha=0.25, edgecolor="none")
    axes.plot([x, end, end, x], [y, y, high, y], color=style.SOFT, linewidth=0.7)
    axes.annotate(text, (end, math.sqrt(y * high)), (2, 0), textcoords="offset points", va="center", fontsize=6.5)
