"""Learning curves: what a simulation measured along its runs, one panel a setting, against gradients or time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ratecheck.report import style, tables
from ratecheck.report.curves import PANEL, against, error, hows
from ratecheck.report.panels import grid_of, legend
from ratecheck.report.tables import Row, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXES = {"": "K", "_time": "time"}
NAMES = {"K": "gradients applied $k$", "time": "simulated time"}


def quantities(document: Mapping[str, Any]) -> list[str]:
    """Return what was measured along the runs: F, then the scores of the problem; empty when nothing was."""
    curves = [c.get("curve", {}) for c in document.get("cells", ())]
    return list(dict.fromkeys(n for curve in curves for n in curve if n not in ("K", "time")))


def rows_of(document: Mapping[str, Any], quantity: str) -> list[Row]:
    """Return one row a cell and point of its curve, finite ones: panel, line, M, K, time, mean, one standard error."""
    cells = [c for c in document.get("cells", ()) if quantity in c.get("curve", {})]
    names = hows(document.get("cells", ()))
    lines = [how for how, c in zip(names, document.get("cells", ()), strict=True) if quantity in c.get("curve", {})]
    places = sorted({(c["M"], *(str(c.get(n)) for n in PANEL)) for c in cells})
    rows: list[Row] = []
    for cell, how in zip(cells, lines, strict=True):
        panel = places.index((cell["M"], *(str(cell.get(n)) for n in PANEL))) + 1
        curve = cell["curve"]
        for i, k in enumerate(curve["K"]):
            mean, se = (number(curve[quantity][n][i]) for n in ("mean", "se"))
            if mean is not None:
                rows.append({
                    "panel": panel if panel <= tables.PANELS else None, **tables.place(cell),
                    "above": cell.get("above", "F*"), "how": how, "M": cell["M"], "K": k,
                    "time": number(curve["time"][i]) if curve["time"] else None, "n": cell["n"],
                    "median_time": bool(cell.get("time_range")),
                    "mean": mean, "se": se or 0.0, "low": mean - (se or 0.0), "high": mean + (se or 0.0),
                })  # fmt: skip
    return sorted(rows, key=lambda r: (r["panel"] is None, r["panel"] or 0))


def drawn(rows: Sequence[Row], axis: str) -> bool:
    """Return whether there is something to draw."""
    return bool(rows) and all(r[axis] for r in rows)


def caption(rows: Sequence[Row], quantity: str, axis: str) -> str:
    """Return one plain sentence on what is drawn."""
    what = f"mean of {_words(quantity, rows)[0]} over {max(r['n'] for r in rows)} runs"
    return f"{what} against {against(rows, axis)}; bands: one standard error."


def _words(quantity: str, rows: Sequence[Row]) -> tuple[str, str]:
    """Return what is measured, in plain text and for an axis."""
    return error("F", "F(x_k)", rows) if quantity == "F" else (quantity, quantity)


def draw(rows: Sequence[Row], quantity: str, axis: str, labels: Mapping[str, str] | None = None) -> Figure:
    """Draw the means along the runs with a band of one standard error; F on a log axis, scores as they are.

    ``labels`` are words for the quantity, and for values in the titles.
    """
    said = labels or {}
    panels = tables.by_panel(rows)
    methods = list(dict.fromkeys(r["how"] for panel in panels for r in panel))
    looks = {
        how: {"color": style.COLOURS[i % len(style.COLOURS)], "linestyle": style.DASHES[i // len(style.COLOURS)]}
        for i, how in enumerate(methods)
    }
    with style.context():
        figure, grid = grid_of(panels, 2.0)
        first = [panel[0] for panel in panels]
        differing = [n for n in ("M", *tables.PLACE) if len({r[n] for r in first}) > 1]
        for axes, panel in zip(grid, panels, strict=True):
            _axes(axes, panel, axis, log=quantity == "F")
            for how in dict.fromkeys(r["how"] for r in panel):
                line = sorted((r for r in panel if r["how"] == how), key=lambda r: r["K"])
                _line(axes, line, axis, looks[how])
            values = {n: str(panel[0][n]) for n in differing}
            named = [f"M = {v}" if n == "M" else said.get(v, v) for n, v in values.items()]
            axes.set_title(", ".join(named), fontsize=7.5)
        figure.supxlabel(NAMES[axis], fontsize=8)
        figure.supylabel(f"mean of {said.get(quantity) or _words(quantity, rows)[1]}", fontsize=8)
        legend(figure, list(looks.items()), columns=2)
    return figure


def _axes(axes: Axes, rows: Sequence[Row], axis: str, *, log: bool) -> None:
    if axis == "time":
        style.log_axis(axes, "x", *style.widened([r["time"] for r in rows], 1.05))
    if log:
        positive = [r["mean"] for r in rows if r["mean"] > 0] or [1.0]
        style.log_axis(axes, "y", *style.widened([min(positive), min(max(positive), 1e3 * min(positive))]))


def _line(axes: Axes, line: Sequence[Row], axis: str, look: Mapping[str, Any]) -> None:
    x, low, high = ([r[n] for r in line] for n in (axis, "low", "high"))
    axes.fill_between(x, low, high, color=look["color"], alpha=0.2, linewidth=0)
    axes.plot(x, [r["mean"] for r in line], linewidth=1, **look)
