"""Captions in words: what a plot shows, said from the same rows that it draws."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ratecheck.report import tables
from ratecheck.report.heat import LETTERS, factor_text, usual_output
from ratecheck.report.tables import Result, Row

#: what a slope of -1/2 stands for in upper bounds
TERM = " (the term sigma/sqrt K)"


class Quantity(NamedTuple):
    """What a claim bounds: in words, and as text with mathematics for an axis."""

    words: str
    symbol: str


def quantity(result: Result) -> Quantity:
    """Return what the claim's bound is about, as stored with the result; F(output) - F* where nothing is stored."""
    told = result["details"].get("quantity", {"words": "F(output) - F*", "latex": r"F(\tilde x_K)-F^*"})
    return Quantity(str(told["words"]), f"${told['latex']}$")


def caption(kind: str, result: Result) -> str:
    """Return the caption of one of the plots (rate, slack, delays, tightness), a few sentences of plain text."""
    sentences = {"rate": _rate, "slack": _slack, "delays": _delays, "tightness": _tightness}[kind](result)
    return " ".join(s for s in sentences if s)


def slope_words(slope: Mapping[str, Any]) -> str:
    """Return one slope of the slack with its interval: 'K, cap, huber: +0.052 [+0.024, +0.080] MATCHES'."""
    where = ", ".join(filter(None, (slope["variable"], slope["regime"], slope.get("problem"))))
    return f"{where}: {slope['slope']:+.3f} [{slope['low']:+.3f}, {slope['high']:+.3f}] {slope['verdict']}"


def _rate(result: Result) -> Iterable[str]:
    rows = tables.rate_rows(result)
    drawn = [r for r in rows if r["panel"] is not None]
    band = result.get("details", {}).get("band", 0.95)
    yield (
        f"Measured means of the {quantity(result).words} (points; bars: band that holds in all {len(rows)} cells at "
        f"once with {band:.0%} confidence, none where there is no noise) against the number of server steps K."
    )
    lower = tables.from_below(result)
    yield _above(drawn) if lower else _below(drawn)
    if any(r["conditional"] is not None for r in drawn):
        yield "Thin lines: the bound with the stepsizes and delays of the schedule itself."
    yield _fits(result)
    yield f"The triangles have slopes -1 {'' if lower else '(the term M/K) '}and -1/2{'' if lower else TERM}."
    if any(r["verdict"] == "VACUOUS" for r in drawn):
        yield "Hollow points: there the bound is vacuous, above one that needs no theorem."
    yield _rings(drawn)
    yield _choice(rows, drawn)


def _rings(rows: Sequence[Row]) -> str:
    counts = Counter(r["verdict"] for r in rows)
    parts = [f"{counts[word]} {word}" for word in tables.BROKEN if counts[word]]
    return f"Ringed: {' and '.join(parts)}." if parts else ""


def _below(rows: Sequence[Row]) -> str:
    above = [r for r in rows if r["mean"] > r["bound"]]
    if above:
        most = tables.digits(max(r["mean"] / r["bound"] for r in above))
        where = f"in {len(above)} of {len(rows)} points drawn"
        return f"They lie ABOVE the bound (dotted) {where}, by a factor of up to {most}."
    factors = [r["bound"] / r["mean"] for r in rows if r["mean"] > 0]
    if not factors:
        return "The measured means are exactly zero."
    least, most = (tables.digits(pick(factors)) for pick in (min, max))
    return f"They lie below the bound (dotted) by a factor of at least {least} and at most {most}."


def _above(rows: Sequence[Row]) -> str:
    """Say how points lie to a bound from below."""
    factors = [r["mean"] / r["bound"] for r in rows]
    least, most = (tables.digits(pick(factors, default=1.0)) for pick in (min, max))
    broken = sum(f < 1 for f in factors)
    if broken:
        where = f"in {broken} of {len(rows)} points drawn"
        return f"They lie BELOW the lower bound (dotted) {where}, at {least} times it."
    return f"They lie above the lower bound (dotted): at {least} to {most} times it."


def _fits(result: Result) -> str:
    by_branch: dict[str, list[float]] = {}
    for fit in result.get("details", {}).get("rate", {}).get("fits", ()):
        by_branch.setdefault(str(fit["regime"]), []).append(float(fit["slope"]))
    if not by_branch:
        return ""
    parts = [f"{tables.span(min(s), max(s))} where branch {b} is active" for b, s in sorted(by_branch.items())]
    return f"Dashed: fitted power laws; over all series, the exponents of K are {', and '.join(parts)} in the stepsize."


def _choice(rows: Sequence[Row], drawn: Sequence[Row]) -> str:
    """Say what all panels share, and what was left out."""
    shared = [n for n in tables.PLACE if n not in tables.varying(drawn)]
    text = f"All panels: {tables.words(drawn[0], shared)}." if drawn and shared else ""
    every = len(tables.by_series(rows))
    left = every - len(tables.by_series(drawn))
    if left:
        text += f" Not drawn: {left} of {every} series (those with most values of K come first); the CSV has them."
    return text.strip()


def _slack(result: Result) -> Iterable[str]:
    rows = tables.slack_rows(result)
    found = result.get("details", {}).get("rate", {})
    side = "From 1 on the lower bound" if tables.from_below(result) else "Below 1 the bound"
    yield (
        f"Measured mean over bound, against K. {side} holds; a level line says that the error falls at the "
        "rate of the theorem, a rising one that it falls more slowly."
    )
    if any(r["wedge_a"] is not None for r in rows):
        yield (
            f"Shaded: slopes within {found['margin']:g} of level, through the middle of the points that are judged "
            "together (one branch of the stepsize, vacuous cells left out)."
        )
    slopes = found.get("slopes", ())
    if slopes:
        confidence = found.get("confidence", 0.99)
        yield f"Slopes found, with joint {confidence:.0%} intervals: {_spans(slopes)}."
    if "verdict" in found:
        yield f"The rate: {found['verdict']}."
    drawn = [r for r in rows if r["panel"] is not None]
    yield _rings(drawn)
    yield _choice(rows, drawn)


def _spans(slopes: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for variable in dict.fromkeys(s["variable"] for s in slopes):
        group = [s for s in slopes if s["variable"] == variable]
        middle = [s["slope"] for s in group]
        span = tables.span(min(middle), max(middle), "+.3f")
        low, high = min(s["low"] for s in group), max(s["high"] for s in group)
        parts.append(f"in {variable} {span}, within [{low:+.3f}, {high:+.3f}]")
    return "; ".join(parts)


def _delays(result: Result) -> Iterable[str]:
    rows = tables.delay_rows(result)
    first = [panel[0] for panel in tables.by_panel(rows)]
    yield "Delays of all deliveries of one schedule (1 is no delay; logarithmic axes), one panel a delay model."
    parts = [r["mean"] / r["M"] for r in first if r["mean"]]
    if parts:
        why = ": never above M (solid line), because the delays of one worker add up to at most K"
        spread = tables.span(min(parts), max(parts))
        yield f"The mean delay (dotted line) is {spread} times M{why if max(parts) <= 1 else ''}."
    worst = max((r for r in first if r["max"]), key=lambda r: r["max"] / r["M"], default=None)
    if worst:
        times = tables.digits(worst["max"] / worst["M"])
        yield f"The largest delay is {worst['max']}, {times} times M ({worst['delays']}, M = {worst['M']})."
    left = len({(r["scheduler"], r["delays"], r["M"], r["K"]) for r in rows}) - len(first)
    if left:
        yield f"Drawn is the largest M of each model; the CSV has {left} more histogram{'s' if left > 1 else ''}."


def _tightness(result: Result) -> Iterable[str]:
    rows = tables.tightness_rows(result)
    drawn = [r for r in rows if r["drawn"] and r["factor"] is not None and r["verdict"] != "VACUOUS"]
    yield "Bound over measured mean in every measured cell: the error that this check would miss there."
    if drawn:
        low, high = (pick(drawn, key=lambda r: r["factor"]) for pick in (min, max))
        where = f"M = {low['M']}, K = {low['K']}, {tables.words(low, ('problem', 'delays', 'sigma'))}"
        top = "infinity" if math.isinf(high["factor"]) else factor_text(high["factor"])
        yield f"From {factor_text(low['factor'])} (dark; {where}) to {top} (light)."
    counts = Counter(r["verdict"] for r in rows if r["drawn"])
    for verdict in ("VACUOUS", "NOT APPLICABLE", *tables.BROKEN):
        if count := counts[verdict]:
            mark = "Framed" if verdict in tables.BROKEN else "Hatched"
            yield f"{mark} with {LETTERS[verdict]}: {verdict} ({count} cell{'s' if count > 1 else ''})."
    left = Counter(r["verdict"] for r in rows if not r["drawn"])
    if left:
        parts = ", ".join(f"{n} cell{'s' if n > 1 else ''} {v}" for v, n in sorted(left.items()))
        yield f"Left out: {parts}."
    usual = usual_output([r for r in rows if r["drawn"]])
    if usual:
        yield f"The output rule is {usual} where none is named."
