"""The four plots of a Monte Carlo result, and their files: PDF, SVG, PNG and the CSV behind each.

Figures are made without pyplot, so nothing global changes and equal results give equal bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratecheck.report import curves, learning, marks, style, tables, tuned
from ratecheck.report.captions import caption, quantity
from ratecheck.report.heat import tightness
from ratecheck.report.panels import grid_of, label, legend, lines_of
from ratecheck.report.tables import Result, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("rate", "slack", "delays", "tightness")
SUFFIXES = ("pdf", "svg", "png")
TITLES = {
    "rate": "Error against K", "slack": "Measured over bound", "delays": "Delays",
    "tightness": "How loose the bound is",
}  # fmt: skip


def rate(result: Result) -> Figure:
    """Draw measured means with their band, bound, conditional bound and fit against K, on log axes."""
    panels = tables.by_panel(tables.rate_rows(result))
    drawn = [r for panel in panels for r in panel]
    with style.context():
        figure, grid = grid_of(panels, 2.2)
        colours, markers = (style.looks([r["M"] for r in drawn], of) for of in (style.COLOURS, style.MARKERS))
        for axes, panel, line in zip(grid, panels, lines_of(panels), strict=True):
            seen = [v for r in line for v in (r["mean"], r["bound"], r["conditional"]) if v is not None and v > 0]
            low, high = style.widened(seen or [1.0], 1.6)
            style.log_axis(axes, "x", *style.widened([r["K"] for r in panel]))
            style.log_axis(axes, "y", low / 3, high)
            for series in tables.by_series(panel).values():
                marks.rate_series(axes, series, colours[series[0]["M"]], markers[series[0]["M"]])
            marks.triangles(axes)
        label(figure, grid, panels, "server steps $K$", f"mean of {quantity(result).symbol}")
        workers = [(f"M = {m}", {"color": c, "marker": markers[m], "linestyle": "none"}) for m, c in colours.items()]
        points = "measured" if tables.from_below(result) else "measured, 95 % band"  # the caption says what bars are
        styles = [(points, {"marker": "o", "linestyle": "none"})] + [
            (text, look) for name, text, look in (
                ("fit", "fit", {"linestyle": (0, (5, 2))}),
                ("bound", _bound(result), {"linestyle": (0, (1, 1.5)), "linewidth": 1.4}),
                ("conditional", "bound of this schedule", {"linewidth": 0.6}),
            ) if any(r[name] is not None for r in drawn)
        ]  # fmt: skip
        legend(figure, workers, styles, marks.rings(drawn))
    return figure


def _bound(result: Result) -> str:
    return "lower bound" if tables.from_below(result) else "bound"


def slack(result: Result) -> Figure:
    """Draw measured over bound against K with the margin's wedge: level means that the rate is the theorem's."""
    panels = tables.by_panel(tables.slack_rows(result))
    with style.context():
        figure, grid = grid_of(panels, 2.0)
        drawn = [r for rows in panels for r in rows]
        colours, widths = (style.looks([r["M"] for r in drawn], of) for of in (style.COLOURS, style.WIDTHS))
        markers = style.looks([r["branch"] for r in drawn], style.MARKERS)
        dashes = style.looks([r["sigma"] for r in drawn], style.DASHES)
        for axes, rows, shared in zip(grid, panels, lines_of(panels), strict=True):
            seen = [r["slack"] for r in shared if r["slack"] > 0]
            style.log_axis(axes, "x", *style.widened([r["K"] for r in rows]))
            style.log_axis(axes, "y", *style.widened([*seen, 1.0], 1.6))
            axes.axhline(1, color=style.INK, linewidth=0.8)
            axes.annotate(_bound(result), (1, 1), (-2, 2), xycoords=axes.get_yaxis_transform(),
                          textcoords="offset points", ha="right", fontsize=6.5)  # fmt: skip
            for series in tables.by_series(rows).values():
                line = {"color": colours[series[0]["M"]], "linewidth": widths[series[0]["M"]]}
                marks.slack_series(axes, series, markers, {**line, "linestyle": dashes[series[0]["sigma"]]})
        label(figure, grid, panels, "server steps $K$", "measured / bound")
        keys = [(f"branch {b}", {"marker": m, "linestyle": "none"}) for b, m in markers.items()]
        keys += [(tables.words({"sigma": s}, ["sigma"]), {"linestyle": d}) for s, d in dashes.items()]
        keys += [(f"slope within ±{_margin(result):g}", {"linewidth": 6, "alpha": 0.25})] if _margin(result) else []
        workers = [(f"M = {m}", {"color": c, "linewidth": widths[m]}) for m, c in colours.items()]
        legend(figure, workers, keys, marks.rings(drawn))
    return figure


def delays(result: Result) -> Figure:
    """Draw histograms of delays, log bins and log counts, with M and the mean marked."""
    panels = tables.by_panel(tables.delay_rows(result))
    with style.context():
        figure, grid = grid_of(panels, 1.7)
        for axes, rows in zip(grid, panels, strict=True):
            marks.histogram(axes, rows)
        label(figure, grid, panels, "delay (server steps)", "deliveries")
    return figure


DRAW: Mapping[str, Callable[[Result], Figure]] = {
    "rate": rate, "slack": slack, "delays": delays, "tightness": tightness,
}  # fmt: skip


def kinds(result: Result) -> list[str]:
    """Return the plots that this result has data for."""
    some = bool(tables.measured(result))
    if tables.from_below(result):  # how tight a bound is says what a check of an upper one would miss
        return [k for k in KINDS if k != "tightness" and (bool(tables.delay_rows(result)) if k == "delays" else some)]
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
    """Draw the cells of a simulation without a claim: means against K, against simulated time, and the delays.

    Return the files: none where there is nothing to draw a line through.
    """
    rows = curves.rows_of(document)
    if not rows:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    if document.get("tuned"):
        if not tuned.drawn(document):
            return []
        text = f"{document['scenario']}: {tuned.caption(document)}"
        return _files(tuned.draw(document), tuned.rows_of(document), folder / "tuned", "Tuned errors", text)
    written = _along(document, folder)
    for name, axis in curves.AXES.items() if not written else ():
        if curves.drawn(rows, axis):
            text = f"{document.get('scenario', 'Simulation')}: {curves.caption(rows, axis)}"
            written += _files(curves.draw(rows, axis), rows, folder / name, "Simulation", text)
    result = {"details": {"delay_tables": document.get("delay_tables", ())}}
    if tables.delay_rows(result):
        text = caption("delays", result)
        written += _files(delays(result), tables.delay_rows(result), folder / "delays", TITLES["delays"], text)
    return written


def _along(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw what was measured along the runs, each number against gradients and against time."""
    written = []
    for measured in learning.quantities(document):
        rows = learning.rows_of(document, measured)
        for suffix, axis in learning.AXES.items():
            if learning.drawn(rows, axis):
                text = f"{document.get('scenario', 'Simulation')}: {learning.caption(rows, measured, axis)}"
                figure = learning.draw(rows, measured, axis, document.get("labels"))
                written += _files(figure, rows, folder / f"{measured}{suffix}", "Simulation", text)
    return written


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
        figure.set_dpi(style.DPI)  # printing as PDF or SVG leaves another one behind
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


def _margin(result: Result) -> float | None:
    return tables.number(result.get("details", {}).get("rate", {}).get("margin"))
