"""Marks: what is drawn inside one panel: lines and points of a series, slope triangles, a histogram of delays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ratecheck.report import style, tables
from ratecheck.report.tables import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: around points that are broken
RINGS: dict[str, dict[str, Any]] = {
    word: {"marker": marker, "markersize": 10, "markerfacecolor": "none", "color": style.INK, "linestyle": "none"}
    for word, marker in zip(tables.BROKEN, ("o", "s"), strict=True)
}


def rate_series(axes: Axes, series: Sequence[Row], colour: str, marker: str) -> None:
    """Draw one series of the rate plot: bound, conditional bound, one fitted line a branch, measured points."""
    x = [r["K"] for r in series]
    # through a single point there is no line
    alone: dict[str, Any] = {"marker": "_", "markersize": 14} if len(series) == 1 else {}
    if all(r["bound"] is not None for r in series):
        dotted = {"linestyle": (0, (1, 1.5)), "linewidth": 1.4, "markeredgewidth": 1.4, **alone}
        axes.plot(x, [r["bound"] for r in series], color=colour, **dotted)
    conditional = [(r["K"], r["conditional"]) for r in series if r["conditional"]]
    if conditional:
        axes.plot(*zip(*conditional, strict=True), color=colour, linewidth=0.6, markeredgewidth=0.6, **alone)
    for branch in dict.fromkeys(r["branch"] for r in series):
        fitted = [(r["K"], r["fit"]) for r in series if r["branch"] == branch and r["fit"] is not None]
        if fitted:
            axes.plot(*zip(*fitted, strict=True), color=colour, linestyle=(0, (5, 2)), linewidth=0.9)
    _points(axes, series, "mean", colour, marker)


def _points(axes: Axes, series: Sequence[Row], name: str, colour: str, marker: str) -> None:
    """Draw points with their band as bars; hollow where the bound is vacuous, ringed where it is refuted."""
    floor = axes.get_ylim()[0]
    for row in series:
        y = row[name]
        if y is None or y <= 0:
            continue
        low, high = row["low"] if row["low"] is not None else y, row["high"] if row["high"] is not None else y
        hollow = row["verdict"] == "VACUOUS"
        axes.errorbar([row["K"]], [y], yerr=[[y - max(low, min(y, floor))], [high - y]], color=colour, marker=marker,
                      markerfacecolor="none" if hollow else colour,
                      elinewidth=0.9, capsize=2, capthick=0.7)  # fmt: skip
        if row["verdict"] in tables.BROKEN:
            axes.plot([row["K"]], [y], **RINGS[row["verdict"]])


def slack_series(axes: Axes, series: Sequence[Row], markers: Mapping[Any, Any], line: Mapping[str, Any]) -> None:
    """Draw one series of the slack plot: the wedge of each branch, the line, its points with a marker a branch."""
    for branch in dict.fromkeys(r["branch"] for r in series):
        wedge = [r for r in series if r["branch"] == branch and r["wedge_a"] is not None]
        one, other = ([r[n] for r in wedge] for n in ("wedge_a", "wedge_b"))
        axes.fill_between([r["K"] for r in wedge], one, other, color=line["color"], alpha=0.14, linewidth=0)
    seen = [r for r in series if r["slack"] > 0]
    axes.plot([r["K"] for r in seen], [r["slack"] for r in seen], **line)
    for row in seen:
        _points(axes, [row], "slack", line["color"], markers[row["branch"]])


def rings(rows: Sequence[Row]) -> list[tuple[str, dict[str, Any]]]:
    """Return the legend entries of the broken points among these rows."""
    found = {r["verdict"] for r in rows}
    return [(word, {**look, "markersize": 7}) for word, look in RINGS.items() if word in found]


def triangles(axes: Axes) -> None:
    """Draw the slopes of M/K and of sigma/sqrt(K) in the lower left corner, away from falling curves."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    width = min((right / left) ** 0.16, (top / bottom) ** 0.3)
    for slope, name, at in ((-1.0, "−1", 0.10), (-0.5, "−½", 0.38)):
        corner = (left * (right / left) ** at, bottom * (top / bottom) ** 0.05)
        style.triangle(axes, slope, corner, width, name)


def histogram(axes: Axes, rows: Sequence[Row]) -> None:
    """Draw one histogram of delays, with M and the mean as labelled lines."""
    first = rows[0]
    seen = [r for r in rows if r["count"] > 0]
    edges = [e for r in rows for e in (r["low"] - 0.5, r["high"] + 0.5)]
    # room for the label of a line at the right end
    style.log_axis(axes, "x", 0.45, max(1.15 * max(edges), first["M"] * (first["M"] / 0.45) ** 0.28))
    style.log_axis(axes, "y", 0.5, 6 * max(r["count"] for r in seen), 4)
    axes.bar([r["low"] - 0.5 for r in seen], [r["count"] for r in seen], [r["high"] - r["low"] + 1 for r in seen],
             align="edge", color=style.COLOURS[5], edgecolor=style.COLOURS[0], linewidth=0.4)  # fmt: skip
    lines = [(first["M"], f"M = {first['M']}", "-"), (first["mean"], f"mean {first['mean']:.3g}", (0, (2, 1.5)))]
    for (x, text, dash), side in zip(sorted(lines, key=lambda one: one[0]), ("right", "left"), strict=True):
        axes.axvline(x, color=style.INK, linewidth=0.9, linestyle=dash)
        axes.annotate(text, (x, 1), (-3 if side == "right" else 3, -2), xycoords=axes.get_xaxis_transform(),
                      textcoords="offset points", ha=side, va="top", fontsize=6.5)  # fmt: skip
