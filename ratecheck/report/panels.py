"""Panels: how several axes share one figure, what each is called, and one legend above them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ratecheck.report import style, tables
from ratecheck.report.tables import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _full(panels: Sequence[Sequence[Row]]) -> int:
    """Return the number of delay models when panels are a full grid of models (across) and kinds (down), else 0."""
    first = [rows[0] for rows in panels]
    models = [row["delays"] for row in first]
    count = len(set(models))
    others = [n for n in tables.varying(first) if n != "delays"]
    full = bool(others) and 1 < count <= tables.COLUMNS and models == models[:count] * (len(models) // count)
    return count if full else 0


def grid_of(panels: Sequence[Sequence[Row]], height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with one axes a panel; the panels of one line of a full grid share their y axis."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    count, models = len(panels), _full(panels)
    columns = models or (2 if count == 4 else min(tables.COLUMNS, count)) or 1
    lines = -(-count // columns) or 1
    size = (max(4.2, 0.4 + 2.35 * columns), 0.7 + height * lines)
    figure = Figure(size, layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06), dpi=style.DPI)
    found = figure.subplots(lines, columns, squeeze=False, sharey="row" if models else False)
    for axes in found.flat[count:]:
        axes.set_visible(False)
    return figure, list(found.flat[:count])


def lines_of(panels: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """Return, for each panel, the rows of all panels that share its y axis."""
    models = _full(panels) or 1
    return [[r for p in panels[i - i % models : i - i % models + models] for r in p] for i in range(len(panels))]


def legend(figure: Figure, *keys: Sequence[tuple[str, dict[str, Any]]], columns: int = 0) -> None:
    """Put one legend above the panels, read line by line: first what colours mean, then what lines mean.

    ``columns`` is how many entries stand on a line; 0: as many as short words allow.
    """
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=text, **{"color": style.SOFT, **look}) for key in keys for text, look in key]
    most = columns or (7 if figure.get_size_inches()[0] > 6 else 4)
    lines = -(-len(handles) // most)
    columns = -(-len(handles) // lines)
    handles += [Line2D([], [], label=" ", linestyle="none")] * (lines * columns - len(handles))
    down = [handles[line * columns + column] for column in range(columns) for line in range(lines)]
    figure.legend(handles=down, loc="outside upper center", ncols=columns, handlelength=2.2, columnspacing=1.2)


def label(figure: Figure, grid: Sequence[Axes], panels: Sequence[Sequence[Row]], below: str, left: str) -> None:
    """Say what differs between panels, and name the axes once.

    In a full grid of delay models (across) and kinds of cells (down) each is said once, above and at the right.
    """
    first = [rows[0] for rows in panels]
    names = tables.varying(first)
    others = [n for n in names if n != "delays"]
    models = _full(panels)
    for i, (axes, row) in enumerate(zip(grid, first, strict=True)):
        kind = tables.words(row, others)
        if not models:
            axes.set_title("\n".join(t for t in (kind, str(row["delays"]) if "delays" in names else "") if t))
            continue
        if i < models:
            axes.set_title(str(row["delays"]))
        if (i + 1) % models == 0:
            axes.annotate(kind, (1, 0.5), (5, 0), xycoords="axes fraction", textcoords="offset points", rotation=270,
                          va="center", ha="left", fontsize=7)  # fmt: skip
    figure.supxlabel(below, fontsize=8)
    figure.supylabel(left, fontsize=8)
