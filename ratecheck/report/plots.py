"""The four plots of a Monte Carlo result, and their files: PDF, SVG, PNG and the CSV behind each.

Figures are made without pyplot, so nothing global changes and equal results give equal bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratecheck.report import style, tables
from ratecheck.report.captions import caption, quantity
from ratecheck.report.heat import tightness
from ratecheck.report.tables import Result, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("rate", "slack", "delays", "tightness")
SUFFIXES = ("pdf", "svg", "png")
TITLES = {
    "rate": "Error against K", "slack": "Measured over bound", "delays": "Delays", "tightness": "How loose the bound is",
}  # fmt: skip


def rate(result: Result) -> Figure:
    """Draw measured means with their band, bound, conditional bound and fit against K, on log axes."""
    return _against_steps(tables.rate_rows(result), quantity(result).symbol, "measured, 95 % band")


def _against_steps(rows: Sequence[Row], symbol: str, points: str) -> Figure:
    panels = tables.by_panel(rows)
    drawn = [r for panel in panels for r in panel]
    with style.context():
        figure, grid = _grid(panels, 2.2)
        colours, markers = (style.looks([r["M"] for r in drawn], of) for of in (style.COLOURS, style.MARKERS))
        for axes, panel, line in zip(grid, panels, _lines(panels), strict=True):
            seen = [v for r in line for v in (r["mean"], r["bound"], r["conditional"]) if v is not None and v > 0]
            low, high = style.widened(seen or [1.0], 1.6)
            style.log_axis(axes, "x", *style.widened([r["K"] for r in panel]))
            style.log_axis(axes, "y", low / 3, high * _headroom(line))
            for series in tables.by_series(panel).values():
                _rate_series(axes, series, colours[series[0]["M"]], markers[series[0]["M"]])
            _triangles(axes)
        _label(figure, grid, panels, "server steps $K$", f"mean of {symbol}")
        workers = [(f"M = {m}", {"color": c, "marker": markers[m], "linestyle": "none"}) for m, c in colours.items()]
        styles = [(points, {"marker": "o", "linestyle": "none"})] + [
            (text, look) for name, text, look in (
                ("fit", "fit", {"linestyle": (0, (5, 2))}),
                ("bound", "bound", {"linestyle": (0, (1, 1.5)), "linewidth": 1.4}),
                ("conditional", "bound of this schedule", {"linewidth": 0.6}),
            ) if any(r[name] is not None for r in drawn)
        ]  # fmt: skip
        _legend(figure, workers, styles)
    return figure


def slack(result: Result) -> Figure:
    """Draw measured over bound against K with the margin's wedge: level means that the rate is the theorem's."""
    panels = tables.by_panel(tables.slack_rows(result))
    with style.context():
        figure, grid = _grid(panels, 2.0)
        drawn = [r for rows in panels for r in rows]
        colours, widths = (style.looks([r["M"] for r in drawn], of) for of in (style.COLOURS, style.WIDTHS))
        markers = style.looks([r["branch"] for r in drawn], style.MARKERS)
        dashes = style.looks([r["sigma"] for r in drawn], style.DASHES)
        for axes, rows, shared in zip(grid, panels, _lines(panels), strict=True):
            seen = [r["slack"] for r in shared if r["slack"] > 0]
            style.log_axis(axes, "x", *style.widened([r["K"] for r in rows]))
            low, high = style.widened([*seen, 1.0], 1.6)
            style.log_axis(axes, "y", low, high * _headroom(shared))
            axes.axhline(1, color=style.INK, linewidth=0.8)
            axes.annotate("bound", (1, 1), (-2, 2), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                          ha="right", fontsize=6.5)  # fmt: skip
            for series in tables.by_series(rows).values():
                line = {"color": colours[series[0]["M"]], "linewidth": widths[series[0]["M"]]}
                _slack_series(axes, series, markers, {**line, "linestyle": dashes[series[0]["sigma"]]})
        _label(figure, grid, panels, "server steps $K$", "measured / bound")
        keys = [(f"branch {b}", {"marker": m, "linestyle": "none"}) for b, m in markers.items()]
        keys += [(tables.words({"sigma": s}, ["sigma"]), {"linestyle": d}) for s, d in dashes.items()]
        keys += [(f"slope within ±{_margin(result):g}", {"linewidth": 6, "alpha": 0.25})] if _margin(result) else []
        workers = [(f"M = {m}", {"color": c, "linewidth": widths[m]}) for m, c in colours.items()]
        _legend(figure, workers, keys)
    return figure


def delays(result: Result) -> Figure:
    """Draw histograms of delays, log bins and log counts, with M and the mean marked."""
    panels = tables.by_panel(tables.delay_rows(result))
    with style.context():
        figure, grid = _grid(panels, 1.7)
        for axes, rows in zip(grid, panels, strict=True):
            _histogram(axes, rows)
        _label(figure, grid, panels, "delay (server steps)", "deliveries")
    return figure


DRAW: Mapping[str, Callable[[Result], Figure]] = {
    "rate": rate, "slack": slack, "delays": delays, "tightness": tightness,
}  # fmt: skip


def kinds(result: Result) -> list[str]:
    """Return the plots that this result has data for."""
    some = bool(tables.measured(result))
    return [k for k in KINDS if (bool(tables.delay_rows(result)) if k == "delays" else some)]


def save(result: Result, folder: Path) -> list[Path]:
    """Write every plot of a result as PDF, SVG and PNG with the CSV behind it; return the files.

    The caption is in each file's own metadata. Raises OSError when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in kinds(result):
        rows = tables.ROWS[kind](result)
        written += _files(DRAW[kind](result), rows, folder / kind, TITLES[kind], caption(kind, result))
    return written


def simulated(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw the cells of a simulation without a claim: means against K; return the files."""
    rows = tables.simulated_rows(document)
    if not rows:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    text = f"{document.get('scenario', 'Simulation')}: mean of F(output) - F* against the server steps K; bars: one standard error."
    figure = _against_steps(rows, r"$F(\tilde x_K)-F^*$", "measured, ± 1 standard error")
    return _files(figure, rows, folder / "simulation", "Simulation", text)


def _files(figure: Figure, rows: Sequence[Row], stem: Path, title: str, text: str) -> list[Path]:
    """Write one figure in every format, and the CSV with the numbers drawn."""
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in (*SUFFIXES, "csv")]
    for path in paths[:-1]:
        path.write_bytes(as_bytes(figure, path.suffix[1:], title, text))
    paths[-1].write_text(tables.as_csv(rows))
    return paths


def histogram(table: Mapping[str, Any], path: Path) -> Path:
    """Draw one delay table to a .pdf, .svg or .png file; return it. Raises RunError for another suffix."""
    result = {"details": {"delay_tables": [table]}}
    return _write(delays(result), path, "Delays", caption("delays", result))


def as_bytes(figure: Figure, suffix: str, title: str, text: str) -> bytes:
    """Return the figure in one format, the same bytes for the same figure, with title and caption as metadata."""
    metadata: dict[str, dict[str, str | None]] = {
        "pdf": {"Title": title, "Subject": text, "CreationDate": None, "Producer": None, "Creator": "ratecheck"},
        "svg": {"Title": title, "Description": text, "Date": None, "Creator": "ratecheck"},
        "png": {"Title": title, "Description": text, "Software": "ratecheck"},
    }
    out = io.BytesIO()
    with style.context():
        layout = figure.get_layout_engine()
        if layout is not None:  # worked out once, for all formats
            layout.execute(figure)
            figure.set_layout_engine("none")
        figure.set_facecolor("white" if suffix == "png" else "none")
        canvas, method = _canvas(suffix)
        getattr(canvas(figure), method)(out, metadata=metadata[suffix])  # savefig would draw everything twice
    return out.getvalue()


def _canvas(suffix: str) -> tuple[Any, str]:
    if suffix == "pdf":
        from matplotlib.backends.backend_pdf import FigureCanvasPdf

        return FigureCanvasPdf, "print_pdf"
    if suffix == "svg":
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        return FigureCanvasSVG, "print_svg"
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    return FigureCanvasAgg, "print_png"


def _write(figure: Figure, path: Path, title: str, text: str) -> Path:
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in SUFFIXES:
        from ratecheck.errors import RunError

        raise RunError(f"{path} cannot be drawn: the name of a plot ends in .pdf, .svg or .png.")
    path.write_bytes(as_bytes(figure, suffix, title, text))
    return path


def _full(panels: Sequence[Sequence[Row]]) -> int:
    """Return the number of delay models when panels are a full grid of models (across) and kinds (down), else 0."""
    first = [rows[0] for rows in panels]
    models = [row["delays"] for row in first]
    count = len(set(models))
    others = [n for n in tables.varying(first) if n != "delays"]
    full = bool(others) and 1 < count <= tables.COLUMNS and models == models[:count] * (len(models) // count)
    return count if full else 0


def _grid(panels: Sequence[Sequence[Row]], height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with one axes a panel; the panels of one line of a full grid share their y axis."""
    from matplotlib.figure import Figure

    count, models = len(panels), _full(panels)
    columns = models or min(tables.COLUMNS, count) or 1
    lines = -(-count // columns) or 1
    figure = Figure((max(4.2, 0.4 + 2.35 * columns), 0.7 + height * lines), layout="constrained", dpi=style.DPI)
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)  # type: ignore[union-attr]
    found = figure.subplots(lines, columns, squeeze=False, sharey="row" if models else False)
    for axes in found.flat[count:]:
        axes.set_visible(False)
    return figure, list(found.flat[:count])


def _lines(panels: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """Return, for each panel, the rows of all panels that share its y axis."""
    models = _full(panels) or 1
    return [[r for p in panels[i - i % models : i - i % models + models] for r in p] for i in range(len(panels))]


def _legend(figure: Figure, *keys: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Put one legend above the panels, read line by line: first what colours mean, then what lines mean."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=text, **{"color": style.SOFT, **look}) for key in keys for text, look in key]
    lines = -(-len(handles) // (7 if figure.get_size_inches()[0] > 6 else 4))
    columns = -(-len(handles) // lines)
    handles += [Line2D([], [], label=" ", linestyle="none")] * (lines * columns - len(handles))
    down = [handles[line * columns + column] for column in range(columns) for line in range(lines)]
    figure.legend(handles=down, loc="outside upper center", ncols=columns, handlelength=2.2, columnspacing=1.2)


def _label(figure: Figure, grid: Sequence[Axes], panels: Sequence[Sequence[Row]], below: str, left: str) -> None:
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


def _rate_series(axes: Axes, series: Sequence[Row], colour: str, marker: str) -> None:
    x = [r["K"] for r in series]
    if all(r["bound"] is not None for r in series):
        axes.plot(x, [r["bound"] for r in series], color=colour, linestyle=(0, (1, 1.5)), linewidth=1.4)
    conditional = [(r["K"], r["conditional"]) for r in series if r["conditional"]]
    if conditional:
        axes.plot(*zip(*conditional, strict=True), color=colour, linewidth=0.6)
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
                      markerfacecolor="none" if hollow else colour, elinewidth=0.9, capsize=2, capthick=0.7)  # fmt: skip
        if row["verdict"] in tables.BROKEN:
            axes.plot([row["K"]], [y], marker="o", markersize=10, markerfacecolor="none", color=style.INK)
            axes.annotate(row["verdict"], (row["K"], y), (0, 7), textcoords="offset points", ha="center", fontsize=6)


def _slack_series(axes: Axes, series: Sequence[Row], markers: Mapping[Any, Any], line: Mapping[str, Any]) -> None:
    for branch in dict.fromkeys(r["branch"] for r in series):
        wedge = [r for r in series if r["branch"] == branch and r["wedge_a"] is not None]
        sides = [[r[n] for r in wedge] for n in ("wedge_a", "wedge_b")]
        axes.fill_between([r["K"] for r in wedge], *sides, color=line["color"], alpha=0.14, linewidth=0)  # type: ignore[arg-type]
    seen = [r for r in series if r["slack"] > 0]
    axes.plot([r["K"] for r in seen], [r["slack"] for r in seen], **line)
    for row in seen:
        _points(axes, [row], "slack", line["color"], markers[row["branch"]])


def _headroom(rows: Sequence[Row]) -> float:
    """Return the factor by which the top of an axis is raised, for the words at broken points."""
    return 3.0 if any(r["verdict"] in tables.BROKEN for r in rows) else 1.0


def _triangles(axes: Axes) -> None:
    """Draw the slopes of M/K and of sigma/sqrt(K) in the lower left corner, away from falling curves."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    width = min((right / left) ** 0.16, (top / bottom) ** 0.3)
    for slope, name, at in ((-1.0, "−1", 0.10), (-0.5, "−½", 0.38)):
        corner = (left * (right / left) ** at, bottom * (top / bottom) ** 0.05)
        style.triangle(axes, slope, corner, width, name)


def _histogram(axes: Axes, rows: Sequence[Row]) -> None:
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


def _margin(result: Result) -> float | None:
    return tables.number(result.get("details", {}).get("rate", {}).get("margin"))
