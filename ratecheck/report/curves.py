"""Curves: what a simulation without a claim measured, one line a method and stepsize, against steps or against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ratecheck.report import style, tables
from ratecheck.report.panels import grid_of, label, legend
from ratecheck.report.tables import Row, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: name of the plot: the column on its horizontal axis
AXES = {"simulation": "K", "time": "time"}
NAMES = {"K": "gradients applied $K$", "time": "simulated time"}
#: what the cells of one panel share
PANEL = ("problem", "noise", "delays", "sigma", "output")


def rows_of(document: Mapping[str, Any]) -> list[Row]:
    """Return one row a cell: panel, line (``how`` and M), K, time (None without a clock), mean, one standard error."""
    cells = [c for c in document.get("cells", ()) if number(c.get("mean")) is not None]
    places = list(dict.fromkeys(tuple(c.get(n) for n in PANEL) for c in cells))
    rows: list[Row] = []
    for cell, how in zip(cells, hows(cells), strict=True):
        panel = places.index(tuple(cell.get(n) for n in PANEL)) + 1
        mean, se = float(cell["mean"]), number(cell.get("se")) or 0.0
        rows.append({
            "panel": panel if panel <= tables.PANELS else None, **tables.place(cell), "above": cell.get("above", "F*"),
            "how": how, "M": cell["M"], "K": cell["K"], "time": number(cell.get("time")), "n": cell.get("n"),
            "median_time": bool(cell.get("time_range")),
            "mean": mean, "se": se, "low": mean - se, "high": mean + se,
        })  # fmt: skip
    return sorted(rows, key=lambda r: (r["panel"] is None, r["panel"] or 0, r["M"], r["K"]))


def hows(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what each cell's line is called: method, stepsize, the scheduler and the constants that tell lines apart.

    A scheduler other than async does where the method runs under several; constants do that are declared by hand and
    not the same number in all cells of the same M.
    """
    schedulers = others(cells)
    names = dict.fromkeys(n for c in cells for n in c.get("constants", {}))
    values = {n: {(c["M"], c.get("constants", {}).get(n)) for c in cells} for n in names}
    differing = [n for n, found in values.items() if len(found) > len({c["M"] for c in cells})]
    return [_how(cell, scheduler, differing) for cell, scheduler in zip(cells, schedulers, strict=True)]


def others(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each cell's scheduler where its method runs under several and this is not async, else ''."""
    of = {(c["method"], c.get("scheduler")) for c in cells}
    several = {m for m, s in of if (m, "async") in of and s != "async"}
    return [str(c["scheduler"]) if c["method"] in several and c["scheduler"] != "async" else "" for c in cells]


def _how(cell: Mapping[str, Any], scheduler: str, names: Sequence[str]) -> str:
    declared = cell.get("constants", {})
    numbers = [f"{n} = {declared[n]:.4g}" for n in names if n in declared]
    named = [str(cell[n]) for n in ("method", "stepsize") if cell.get(n)]
    return ", ".join([*named, *([scheduler] if scheduler else []), *numbers])


def drawn(rows: Sequence[Row], axis: str) -> bool:
    """Return whether there is something to draw: against time, every row needs one, and a line two points."""
    if axis == "K":
        return True
    return all(r["time"] for r in rows) and max(len(s) for s in _lines(rows).values()) > 1


def caption(rows: Sequence[Row], axis: str) -> str:
    """Return one plain sentence on what is drawn."""
    return f"mean of {_error(rows)[0]} against {against(rows, axis)}; bars: one standard error."


def against(rows: Sequence[Row], axis: str) -> str:
    """Return what is on the horizontal axis; the time is a median where every run has a schedule of its own."""
    own = any(r["median_time"] for r in rows)
    time = "simulated time (the median over runs: each has a schedule of its own)" if own else "simulated time"
    return {"K": "the number of gradients applied", "time": time}[axis]


def _error(rows: Sequence[Row]) -> tuple[str, str]:
    """Return what is measured, in plain text and for an axis."""
    if {r["output"] for r in rows} == {"last"}:
        return error("F(x_K)", "F(x_K)", rows)
    return error("F(output)", r"F(\tilde x_K)", rows)


def error(words: str, symbol: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return what is measured of F at a point, in plain text and for an axis: less F*, or what is known of it.

    A row or cell says in ``above`` what was subtracted from F; '' is nothing.
    """
    found = {r.get("above", "F*") for r in rows}
    above = found.pop() if len(found) == 1 else "a lower bound"
    minus = {"F*": "-F^*", "": ""}.get(above, rf"-\mathrm{{{above}}}".replace(" ", r"\ "))
    return f"{words} - {above}" if above else words, f"${symbol}{minus}$"


def _lines(rows: Sequence[Row]) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda r: (r["M"], r["K"])):
        groups.setdefault((*(row[n] for n in PANEL), row["how"], row["M"]), []).append(row)
    return groups


def draw(rows: Sequence[Row], axis: str) -> Figure:
    """Draw means with one standard error against K or time, on log axes; a panel for each setting."""
    panels = tables.by_panel(rows)
    seen = [r for panel in panels for r in panel]
    with style.context():
        figure, grid = grid_of(panels, 2.2)
        methods = list(dict.fromkeys(r["how"] for r in seen))
        colours = {how: style.COLOURS[i % len(style.COLOURS)] for i, how in enumerate(methods)}
        dashes = {how: style.DASHES[i % len(style.DASHES)] for i, how in enumerate(methods)}
        markers = style.looks([r["M"] for r in seen], style.MARKERS)
        for axes, panel in zip(grid, panels, strict=True):
            _axes(axes, panel, axis)
            for line in _lines(panel).values():
                how = line[0]["how"]
                _line(axes, line, axis, colours[how], markers[line[0]["M"]], dashes[how])
        label(figure, grid, panels, NAMES[axis], f"mean of {_error(seen)[1]}")
        keys = [(how, {"color": colours[how], "linestyle": dashes[how]}) for how in methods]
        workers = [(f"M = {m}", {"marker": k, "linestyle": "none"}) for m, k in markers.items()]
        legend(figure, keys, workers if len(workers) > 1 else [], columns=1 if len(methods) < 5 else 2)
    return figure


def _axes(axes: Axes, rows: Sequence[Row], axis: str) -> None:
    values = [v for r in rows for v in (r["low"], r["mean"], r["high"]) if v > 0] or [1.0]
    means = [r["mean"] for r in rows if r["mean"] > 0] or [1.0]
    low = max(min(values), min(means) / 10)  # a bar down to nothing would take the whole axis
    room = max(1.4, (max(values) / low) ** 0.06)  # for the markers at both ends
    style.log_axis(axes, "x", *style.widened([r[axis] for r in rows]))
    style.log_axis(axes, "y", *style.widened([low, max(values)], room))


def _line(axes: Axes, line: Sequence[Row], axis: str, colour: str, marker: str, dash: Any) -> None:
    shown = [r for r in line if r["mean"] > 0]
    floor = axes.get_ylim()[0]
    x, y = [r[axis] for r in shown], [r["mean"] for r in shown]
    below = [r["mean"] - max(r["low"], min(r["mean"], floor)) for r in shown]
    axes.errorbar(x, y, yerr=[below, [r["high"] - r["mean"] for r in shown]], color=colour, marker=marker,
                  linestyle=dash, elinewidth=0.9, capsize=2, capthick=0.7)  # fmt: skip
