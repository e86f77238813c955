"""The plot of the largest stable stepsizes: against M, and against beta in units of what a gradient does in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratecheck.report import style, tables
from ratecheck.report.panels import legend
from ratecheck.report.plots import SUFFIXES, as_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
TITLE = "Largest stable stepsizes"


def panels_of(document: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Return the rows against M (for the first beta) and against beta (for the first M), where there are several."""
    rows = [r for r in document["rows"] if r["largest"] is not None]
    if not rows:
        return {}
    first = rows[0]
    found = {"M": [r for r in rows if r["beta"] == first["beta"]], "beta": [r for r in rows if r["M"] == first["M"]]}
    return {axis: sorted(of, key=lambda r: r[axis]) for axis, of in found.items() if len({r[axis] for r in of}) > 1}


def caption(document: Mapping[str, Any]) -> str:
    """Return one plain sentence on what is drawn."""
    return (
        f"first loss of stability on F = L x^2/2, delays {document['delays']}, scheduler {document['scheduler']}; "
        "effective: M L gamma times what one gradient moves the model by in the end, in units of gamma."
    )


def draw(panels: Mapping[str, Sequence[Row]]) -> Figure:
    """Draw one panel an axis and one line a method."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    methods = list(dict.fromkeys(r["method"] for of in panels.values() for r in of))
    colours = {m: style.COLOURS[i % len(style.COLOURS)] for i, m in enumerate(methods)}
    markers = {m: style.MARKERS[i % len(style.MARKERS)] for i, m in enumerate(methods)}
    dashes = {m: style.DASHES[i % len(style.DASHES)] for i, m in enumerate(methods)}
    with style.context():
        size = (max(4.2, 3.1 * len(panels)), 3.2)
        figure = Figure(size, layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06), dpi=style.DPI)
        for axes, (axis, rows) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
            height = "largest" if axis == "M" else "effective"
            _axes(axes, axis, rows, height)
            for m in methods:
                line = [r for r in rows if r["method"] == m]
                axes.plot([r[axis] for r in line], [r[height] for r in line], color=colours[m], marker=markers[m],
                          linestyle=dashes[m])  # fmt: skip
        keys = [(m, {"color": colours[m], "marker": markers[m], "linestyle": dashes[m]}) for m in methods]
        legend(figure, keys, columns=3)
    return figure


def _axes(axes: Axes, axis: str, rows: Sequence[Row], height: str) -> None:
    style.log_axis(axes, "y", *style.widened([r[height] for r in rows], 1.3))
    if axis == "M":
        counts = sorted({r["M"] for r in rows})
        axes.set_xscale("log")
        axes.set_xlim(counts[0] / 1.15, counts[-1] * 1.15)
        axes.set_xticks(counts, [str(m) for m in counts])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("workers $M$")
        axes.set_ylabel(r"largest stable $ML\gamma$")
        axes.set_title(rf"$\beta={rows[0]['beta']:g}$")
    else:
        axes.set_xlabel(r"momentum $\beta$")
        axes.set_ylabel(r"largest stable $ML\gamma$, effective")
        axes.set_title(f"$M={rows[0]['M']}$")


def save(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the plot as PDF, SVG and PNG with the CSV behind it; return the files, none when nothing varies."""
    panels = panels_of(document)
    if not panels:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    figure, written = draw(panels), []
    for suffix in SUFFIXES:
        written.append(folder / f"stability.{suffix}")
        written[-1].write_bytes(as_bytes(figure, suffix, TITLE, caption(document)))
    written.append(folder / "stability.csv")
    written[-1].write_text(tables.as_csv(list(document["rows"])))
    return written
