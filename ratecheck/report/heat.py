"""The tightness heat map: bound over measured in every cell, as a number and as a colour."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ratecheck.report import style, tables
from ratecheck.report.tables import Result, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LETTERS = {"NOT APPLICABLE": "n", "VACUOUS": "v", "DIVERGED": "D", "INCONCLUSIVE": "i", "REFUTED": "R"}
WIDTH, HEIGHT = 0.31, 0.18  #: of one cell, inches
BAR = 1.8  #: height of the colour bar, inches


def tightness(result: Result) -> Figure:
    """Draw bound over measured: a row a series without M, under its problem; a column a pair (M, K); dark is tight."""
    from matplotlib.figure import Figure

    rows = [r for r in tables.tightness_rows(result) if r["drawn"]]
    across = sorted({(r["M"], r["K"]) for r in rows})
    lines = _lines(rows)
    with style.context():
        room = 0.065 * max((len(text) for text, _ in lines), default=1)
        size = (0.9 + room + WIDTH * len(across), 0.9 + HEIGHT * len(lines))
        figure = Figure(size, layout="constrained", dpi=style.DPI)
        axes = figure.subplots()
        norm = _norm([r["factor"] for r in rows])
        down = {series: i for i, (_, series) in enumerate(lines) if series}
        for row in rows:
            _cell(axes, (across.index((row["M"], row["K"])), down[_series(row)]), row, norm)
        axes.set(xlim=(0, len(across)), ylim=(len(lines), 0), xlabel="server steps $K$")
        axes.set_yticks([i + 0.5 for i in range(len(lines))], [text for text, _ in lines])
        for label, (_, series) in zip(axes.get_yticklabels(), lines, strict=True):
            label.set_fontweight("normal" if series else "bold")
        _columns(axes, across)
        axes.grid(False)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        if len(lines) * HEIGHT > BAR:  # the numbers in the cells say the same
            _bar(figure, axes, norm, BAR / (len(lines) * HEIGHT))
    return figure


def usual_output(rows: Sequence[Row]) -> Any:
    """Return the output rule of most rows: labels name only other ones."""
    return Counter(r["output"] for r in rows).most_common(1)[0][0] if rows else None


def _series(row: Row) -> tuple[Any, ...]:
    return tuple(row[n] for n in tables.PLACE)


def _lines(rows: Sequence[Row]) -> list[tuple[str, tuple[Any, ...] | None]]:
    """Return (label, series) from top to bottom; the series is None for the head of a group (problem and noise)."""
    usual, groups = usual_output(rows), dict[str, list[Row]]()
    for row in rows:
        groups.setdefault(tables.words(row, ("problem", "noise")), []).append(row)
    lines: list[tuple[str, tuple[Any, ...] | None]] = []
    for head, group in groups.items():
        lines.append((head, None))
        for row in {_series(r): r for r in group}.values():
            names = ("delays", "sigma") if row["output"] == usual else ("delays", "sigma", "output")
            lines.append((tables.words(row, names), _series(row)))
    return lines


def factor_text(factor: float) -> str:
    """Return a factor in at most four characters: 6e-4, .46, 1.07, 5.9, 57, 812, 1e4."""
    if math.isinf(factor):
        return "∞"
    if factor < 0.0095:
        return f"{factor:.0e}".replace("e-0", "e-")
    if factor < 0.995:
        return f"{factor:.2f}"[1:]
    if factor < 1.995:
        return f"{factor:.2f}"
    if factor < 9.95:
        return f"{factor:.1f}"
    return f"{factor:.0f}" if factor < 9999.5 else f"{factor:.0e}".replace("e+0", "e").replace("e+", "e")


def _norm(factors: Sequence[float | None]) -> Any:
    from matplotlib.colors import LogNorm

    finite = [f for f in factors if f is not None and 0 < f < math.inf] or [1.0]
    return LogNorm(max(0.5, min(1.0, *finite)), max(10.0, *finite), clip=True)


def _cell(axes: Axes, place: tuple[int, int], row: Mapping[str, Any], norm: Any) -> None:
    """Draw one cell: coloured with its number, or hatched with a letter; broken ones framed."""
    import matplotlib
    from matplotlib.patches import Rectangle

    x, y = place
    factor, verdict = row["factor"], row["verdict"]
    if factor is None or verdict == "VACUOUS":
        axes.add_patch(Rectangle((x, y), 1, 1, facecolor="none", edgecolor=style.SOFT, hatch="////", linewidth=0.3))
        axes.text(x + 0.5, y + 0.52, LETTERS.get(verdict, "?"), ha="center", va="center", fontsize=6.5,
                  bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.6})  # fmt: skip
        return
    colour = matplotlib.colormaps["cividis"](norm(min(factor, norm.vmax)))
    light = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 0.5
    axes.add_patch(Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, facecolor=colour, edgecolor="none"))
    broken = verdict in tables.BROKEN
    if broken:
        axes.add_patch(
            Rectangle((x + 0.06, y + 0.06), 0.88, 0.88, fill=False, edgecolor=style.COLOURS[1], linewidth=1.8)
        )
    said = factor_text(factor) + (LETTERS[verdict] if broken else "")
    axes.text(x + 0.5, y + 0.53, said, ha="center", va="center", fontsize=6 if broken else 6.5,
              fontweight="bold" if broken else "normal", color="#000001" if light else "#fffffe")  # fmt: skip


def _columns(axes: Axes, across: Sequence[tuple[int, int]]) -> None:
    """Label columns by K, and groups of columns by M above them."""
    axes.set_xticks([i + 0.5 for i in range(len(across))], [f"{k}" for _, k in across], rotation=45, ha="right",
                    rotation_mode="anchor")  # fmt: skip
    for workers in sorted({m for m, _ in across}):
        group = [i for i, (m, _) in enumerate(across) if m == workers]
        axes.plot([group[0] + 0.1, group[-1] + 0.9], [-0.12, -0.12], color=style.INK, linewidth=0.8, clip_on=False)
        axes.annotate(f"M = {workers}", ((group[0] + group[-1] + 1) / 2, -0.12), (0, 3), textcoords="offset points",
                      ha="center", annotation_clip=False)  # fmt: skip


def _bar(figure: Figure, axes: Axes, norm: Any, part: float) -> None:
    import matplotlib
    from matplotlib.cm import ScalarMappable

    scale = ScalarMappable(norm, matplotlib.colormaps["cividis"].resampled(24))
    bar = figure.colorbar(scale, ax=axes, location="right", fraction=0.03, pad=0.01, aspect=12, shrink=part,
                          anchor=(0, 1))  # fmt: skip
    ticks = style.log_ticks(norm.vmin, norm.vmax, 6, least=3)
    bar.set_ticks(ticks, labels=[style.tick_text(t) for t in ticks])
    bar.ax.minorticks_off()
    bar.ax.grid(False)
    bar.outline.set_visible(False)
    bar.set_label("bound / measured")
