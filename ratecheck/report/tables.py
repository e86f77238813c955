"""The numbers behind each plot, as rows: a plot draws these rows and its CSV holds them. No statistic is made here.

Everywhere in ``report`` a *result* is one entry of ``results`` in a run's results.json, as plain data; keys that a
run has not reached yet may be missing.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
Row = dict[str, Any]

PLACE = ("problem", "noise", "delays", "sigma", "output")  #: with M, what the cells of one series share
BROKEN = ("REFUTED", "DIVERGED")
PANELS = 6
COLUMNS = 3
HEAT_ROWS = 40
HEAT_COLUMNS = 24


def number(value: Any) -> float | None:
    """Return a finite float, or None for what is missing, not a number, or not finite (JSON has those as texts)."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def digits(value: float, count: int = 3) -> str:
    """Return a number with this many significant digits: 0.0123, 1.07, 1,800; powers of ten only when far from 1."""
    return f"{float(f'{value:.{count}g}'):,.{max(count, 6)}g}"


def span(low: float, high: float, form: str = ".2f") -> str:
    """Return 'a to b', or 'a' alone when both look the same."""
    a, b = format(low, form), format(high, form)
    return a if a == b else f"{a} to {b}"


def cells(result: Result) -> list[Mapping[str, Any]]:
    """Return the cells of a Monte Carlo result (none for other evidence)."""
    return list(result.get("details", {}).get("cells", ()))


def inequality(cell: Mapping[str, Any], name: str = "bound") -> Mapping[str, Any]:
    """Return what was found on one inequality of a cell; empty when there is nothing."""
    found: Mapping[str, Any] = cell.get("inequalities", {}).get(name, {})
    return found


def of_bound(cell: Mapping[str, Any]) -> str:
    """Return the verdict on the inequalities of a cell: the cell's, unless it is only an identity that fails there."""
    found = cell.get("inequalities", {})
    identity = cell["verdict"] == "REFUTED" and found and all(i["verdict"] != "REFUTED" for i in found.values())
    return str(found["bound"]["verdict"] if identity else cell["verdict"])


def _once(found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out a cell that a scenario names twice: it was measured once and would be drawn over itself."""
    return list({(*place(c).values(), c["M"], c["K"]): c for c in found}.values())


def measured(result: Result) -> list[Mapping[str, Any]]:
    """Return the cells with a measured left side and a bound above zero."""
    sides = [(c, number(inequality(c).get("lhs")), number(inequality(c).get("rhs"))) for c in _once(cells(result))]
    return [c for c, lhs, rhs in sides if lhs is not None and rhs is not None and rhs > 0]


def from_below(result: Result) -> bool:
    """True when the claim is a lower bound: then what is measured is to lie above it."""
    return bool(result.get("details", {}).get("kind") == "lower")


def factor(cell: Mapping[str, Any]) -> float | None:
    """Return bound over measured of one cell: inf for a measured 0, None when nothing was measured."""
    lhs, rhs = number(inequality(cell).get("lhs")), number(inequality(cell).get("rhs"))
    if lhs is None or rhs is None:
        return None
    return rhs / lhs if lhs > 0 else math.inf


def place(cell: Mapping[str, Any]) -> Row:
    """Return problem, noise, delays, sigma and output rule of a cell: with M, the name of its series."""
    return {name: cell.get(name) for name in PLACE}


def rate_rows(result: Result) -> list[Row]:
    """Return one row a measured cell: mean, simultaneous band, bound, conditional bound, value of the fitted line.

    ``panel`` is the number of the panel it is drawn in; empty when it is not drawn.
    """
    fits = result.get("details", {}).get("rate", {}).get("fits", ())
    rows = []
    for cell in measured(result):
        bound = inequality(cell)
        rows.append({
            "panel": None, **place(cell), "M": cell["M"], "K": cell["K"], "verdict": cell.get("verdict"),
            "branch": cell.get("branch"), "n": cell.get("n"), "mean": number(bound["lhs"]),
            "se": number(bound.get("se")), "low": number(bound.get("low")), "high": number(bound.get("high")),
            "bound": number(bound["rhs"]), "conditional": number(inequality(cell, "conditional").get("rhs")),
            "fit": _fitted(cell, fits),
        })  # fmt: skip
    return _sorted(_panelled(rows, ("problem", "noise", "sigma", "output")))


def slack_rows(result: Result) -> list[Row]:
    """Return one row a measured cell: measured over bound, its band, and the wedge of its series at this K.

    The wedge lies between the lines of log-log slope +margin and -margin through the middle of the points that one
    slope is judged from (one series, one branch of the stepsize, vacuous cells left out): a straight series that
    stays inside has a slope within the margin.
    """
    margin = number(result.get("details", {}).get("rate", {}).get("margin"))
    rows = []
    for cell in measured(result):
        bound = inequality(cell)
        rhs = float(bound["rhs"])
        low, high = number(bound.get("low")), number(bound.get("high"))
        rows.append({
            "panel": None, **place(cell), "M": cell["M"], "K": cell["K"], "verdict": cell.get("verdict"),
            "branch": cell.get("branch"), "slack": float(bound["lhs"]) / rhs,
            "low": None if low is None else low / rhs, "high": None if high is None else high / rhs,
            "wedge_a": None, "wedge_b": None,
        })  # fmt: skip
    for series in by_series(rows).values():
        usable = [r for r in series if r["slack"] > 0 and r["verdict"] not in ("VACUOUS", *BROKEN)]
        for branch in {r["branch"] for r in usable}:
            _wedge([r for r in usable if r["branch"] == branch], margin)
    return _sorted(_panelled(rows, ("problem", "noise", "output")))


def delay_rows(result: Result) -> list[Row]:
    """Return one row a bin of a delay table.

    Drawn is, for each scheduler and delay model, the table of the largest M, then K.
    """
    tables = result.get("details", {}).get("delay_tables", ())
    largest: dict[tuple[Any, str], Mapping[str, Any]] = {}
    for t in tables:
        key = (t.get("scheduler"), t["delays"])
        kept = largest.setdefault(key, t)
        if (t["M"], t["K"]) > (kept["M"], kept["K"]):
            largest[key] = t
    panels = {id(t): panel for panel, t in enumerate(list(largest.values())[:PANELS], 1)}
    return [
        {"panel": panels.get(id(t)), "scheduler": t.get("scheduler"), "delays": t["delays"], "M": t["M"], "K": t["K"],
         "mean": number(t.get("mean")), "max": t.get("max"), "low": b["low"], "high": b["high"], "count": b["count"]}
        for t in tables for b in t.get("bins", ())
    ]  # fmt: skip


def tightness_rows(result: Result) -> list[Row]:
    """Return one row a cell: bound over measured, or why there is no such number.

    ``drawn`` is false for series of which no cell was measured, and beyond the HEAT_ROWS series and HEAT_COLUMNS
    pairs (M, K) with most measured cells.
    """
    rows: list[Row] = [
        {"drawn": False, **place(c), "M": c["M"], "K": c["K"], "verdict": c.get("verdict"), "factor": factor(c),
         "reason": c.get("reason")} for c in _once(cells(result))
    ]  # fmt: skip

    def most(key: Callable[[Row], Any], limit: int) -> set[Any]:
        counts = Counter(key(r) for r in rows if r["factor"] is not None)
        return {k for k, _ in counts.most_common(limit)}

    down = most(lambda r: tuple(r[n] for n in PLACE), HEAT_ROWS)
    across = most(lambda r: (r["M"], r["K"]), HEAT_COLUMNS)
    for row in rows:
        row["drawn"] = tuple(row[n] for n in PLACE) in down and (row["M"], row["K"]) in across
    return rows


ROWS = {"rate": rate_rows, "slack": slack_rows, "delays": delay_rows, "tightness": tightness_rows}


def as_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV text with a header; empty fields for what is missing."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else ["empty"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: "" if v is None else v for k, v in row.items()} for row in rows)
    return out.getvalue()


def by_series(rows: Iterable[Row]) -> dict[tuple[Any, ...], list[Row]]:
    """Group rows that differ only in K, each group by increasing K, groups by increasing M."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda r: (r["M"], r["K"])):
        groups.setdefault((*(row[n] for n in PLACE), row["M"]), []).append(row)
    return groups


def by_panel(rows: Iterable[Row]) -> list[list[Row]]:
    """Group the rows that are drawn by panel, in order."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        if row["panel"] is not None:
            groups.setdefault(row["panel"], []).append(row)
    return [groups[p] for p in sorted(groups)]


def varying(rows: Sequence[Row], names: Sequence[str] = (*PLACE, "scheduler")) -> list[str]:
    """Return the names that have more than one value in these rows: what titles must tell apart."""
    return [n for n in names if len({r.get(n) for r in rows}) > 1]


def words(row: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return the values of these names as one phrase: 'quadratic, pareto(shape=1.5), sigma = 1'."""
    return ", ".join(_word(n, row[n]) for n in names if row.get(n) is not None or n == "sigma")


def _word(name: str, value: Any) -> str:
    if name == "sigma":
        return "row sampling" if value is None else f"σ = {value:.4g}"
    return {"none": "no noise"}.get(value, str(value)) if name == "noise" else str(value)


def _sorted(rows: list[Row]) -> list[Row]:
    """Panels first, by number, then what is not drawn; inside by M and K."""
    return sorted(rows, key=lambda r: (r["panel"] is None, r["panel"] or 0, r["M"], r["K"]))


def _panelled(rows: list[Row], across: tuple[str, ...]) -> list[Row]:
    """Number the panels: at most COLUMNS delay models times the kinds of rows (``across``) with most values of K.

    Of equal kinds the first found wins; a second row of another noise level (zero or not) goes before one of the
    same, so that both terms of a bound are seen. Panels with single points are drawn only where there are no lines.
    """
    longest = max((len(series) for series in by_series(rows).values()), default=0)
    lines = [r for series in by_series(rows).values() if len(series) > 1 or longest == 1 for r in series]
    models = _longest(lines, lambda r: r["delays"])
    kinds = _longest(lines, lambda r: tuple(r[n] for n in across))
    models = models[: COLUMNS if len(kinds) > 1 else PANELS]
    kinds = _mixed(kinds, "sigma" in across and across.index("sigma"))[: PANELS // max(len(models), 1)]
    panels = {(kind, model): None for kind in kinds for model in models}
    found = {(tuple(r[n] for n in across), r["delays"]) for r in lines}
    numbers = {key: i for i, key in enumerate((key for key in panels if key in found), 1)}
    for row in rows:
        row["panel"] = numbers.get((tuple(row[n] for n in across), row["delays"]))
    return rows


def _longest(rows: list[Row], key: Any) -> list[Any]:
    """Return the values of ``key``, those with the longest series (most values of K) first, then most rows."""
    lengths: dict[Any, tuple[int, int]] = {}
    for series in by_series(rows).values():
        k = key(series[0])
        longest, total = lengths.get(k, (0, 0))
        lengths[k] = (max(longest, len(series)), total + len(series))
    first = list(dict.fromkeys(key(r) for r in rows))
    return sorted(first, key=lambda k: (-lengths[k][0], -lengths[k][1], first.index(k)))


def _mixed(kinds: list[Any], at: int | bool) -> list[Any]:
    if at is False or len(kinds) < 2:
        return kinds
    other = [k for k in kinds[1:] if (k[at] == 0) != (kinds[0][at] == 0)]
    chosen = [kinds[0], *other[:1]]
    return chosen + [k for k in kinds if k not in chosen]


def _wedge(series: list[Row], margin: float | None) -> None:
    if margin is None or len(series) < 3:
        return
    centre_x = sum(math.log10(r["K"]) for r in series) / len(series)
    centre_y = sum(math.log10(r["slack"]) for r in series) / len(series)
    for row in series:
        away = margin * (math.log10(row["K"]) - centre_x)
        row["wedge_a"], row["wedge_b"] = 10 ** (centre_y - away), 10 ** (centre_y + away)


def _fitted(cell: Mapping[str, Any], fits: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the value at K of the fitted line of this cell's series and branch."""
    for fit in fits:
        same = all(fit.get(a) == cell.get(b) for a, b in (("regime", "branch"), ("M", "M"), ("output", "output")))
        if same and _is_series(cell, fit["series"]):
            low, high = fit["K"]
            if low <= cell["K"] <= high:
                return float(10 ** (fit["intercept"] + fit["slope"] * math.log10(cell["K"])))
    return None


def _is_series(cell: Mapping[str, Any], series: str) -> bool:
    """True when ``series``, 'problem | noise | delays | M | sigma', is the one of this cell."""
    problem, noise, delays, _, sigma = ([p.strip() for p in series.split("|")] + [""] * 5)[:5]
    if (problem, noise, delays) != (cell.get("problem"), cell.get("noise"), cell.get("delays")):
        return False
    level = number(sigma.rpartition("=")[2])
    return level == cell.get("sigma") if cell.get("sigma") is not None else level is None
