"""What ``ratecheck run`` says: the table of its cells, and which method is better on paired seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ratecheck.report.curves import PANEL, error, hows, others

#: what runs must share to be compared in pairs
GROUP = (*PANEL, "M", "K")


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one line a cell below a head.

    Where delays look at samples every run has a time of its own: their median, with the shortest and the longest.
    """
    scores = list(dict.fromkeys(n for r in rows for n in r.get("curve", {}) if n not in ("K", "time", "F")))
    schedulers = [f" ({name})" if name else "" for name in others(rows)]
    names = [f"{row['method']}{scheduler}" for row, scheduler in zip(rows, schedulers, strict=True)]
    width = max([16, *map(len, names)])
    times, several = [_time(r) for r in rows], any(r["time_range"] for r in rows)
    room = max([20 if several else 9, *map(len, times)])
    head = (
        f"{'method':<{width}} {'M':>4} {'K':>7} {'sigma':>7} {error('F(output)', '', rows)[0]:>16} {'std. error':>11}"
        + "".join(f" {name:>9}" for name in scores)
        + f" {'time: median [range]' if several else 'time':>{room}}  stepsize, problem, delays"
    )
    body = [
        f"{name:<{width}} {r['M']:>4} {r['K']:>7} {_sigma(r['sigma']):>7} {_number(r['mean']):>16} {r['se']:>11.2g}"
        + "".join(f" {_last(r, score):>9}" for score in scores)
        + f" {time:>{room}}"
        f"  {r['stepsize']}, {r['problem']}, {r['delays']}"
        for name, r, time in zip(names, rows, times, strict=True)
    ]
    return [head, *body]


def _time(row: Mapping[str, Any]) -> str:
    if row["time"] is None:
        return ""
    return f"{row['time']:.4g}" + (" [{:.4g}, {:.4g}]".format(*row["time_range"]) if row["time_range"] else "")


def _sigma(value: float | None) -> str:
    """Return the noise level; '-' where the samples make the noise and no number says how large it is."""
    return "-" if value is None else format(value, ".3g")


def _number(value: float) -> str:
    return format(value, ".6g") if math.isfinite(value) else "diverged"


def _last(row: Mapping[str, Any], score: str) -> str:
    found = row.get("curve", {}).get(score)
    return format(found["mean"][-1], ".4f") if found and math.isfinite(found["mean"][-1]) else ""


def compared(rows: Sequence[Mapping[str, Any]], errors: Sequence[Any], alpha: float) -> list[dict[str, Any]]:
    """Return one row for each pair of methods that ran on the same seeds, delays and samples; ``errors`` (n,) a row."""
    from ratecheck.checks.statistics.paired import compare

    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row, how, found in zip(rows, hows(rows), errors, strict=True):
        groups.setdefault(tuple(row[n] for n in GROUP), {})[how] = np.asarray(found, dtype=float)
    made = compare(groups, alpha)
    return [{**dict(zip(GROUP, group, strict=True)), **pair} for group, pairs in made.items() for pair in pairs]


def order(document: Mapping[str, Any]) -> list[str]:
    """Return, for each group of paired runs, its methods from the smallest mean error up, each against the next."""
    pairs = {(tuple(p[n] for n in GROUP), p["better"], p["worse"]): p for p in document["pairs"]}
    groups: dict[tuple[Any, ...], list[tuple[float, str]]] = {}
    for row, how in zip(document["cells"], hows(document["cells"]), strict=True):
        mean = row["mean"] if math.isfinite(row["mean"]) else math.inf
        groups.setdefault(tuple(row[n] for n in GROUP), []).append((mean, how))
    groups = {g: sorted(found) for g, found in groups.items() if len(found) > 1 and pairs}
    width = max([20, *(len(how) for found in groups.values() for _, how in found)])
    head = (
        f"Smallest mean first, on {document['seeds']} paired seeds. p: Wilcoxon's signed-rank test. "
        f"Apart: told apart at alpha {document['alpha']:g} for {_pairs(len(pairs))}."
    )
    lines = ["", head, *few(document["seeds"], document["alpha"], len(pairs))] if groups else []
    for group, found in groups.items():
        said = dict(zip(GROUP, group, strict=True))
        lines.append(f"M = {said['M']}, K = {said['K']}, {said['delays']}")
        for (mean, how), (_, after) in zip(found, [*found[1:], (0.0, "")], strict=True):
            pair = pairs.get((group, how, after)) or pairs.get((group, after, how))
            lines.append(f"  {_number(mean):>9}  {how:<{width}}{_against(pair, how)}".rstrip())
    return lines


def few(seeds: int, alpha: float, pairs: int) -> list[str]:
    """Return a sentence where so few seeds cannot tell anything apart: n equal signs have p = 2^(1 - n)."""
    from ratecheck.checks.statistics.paired import FEWEST

    needed = max(FEWEST, 1 + math.ceil(math.log2(pairs / alpha)))
    if seeds >= needed:
        return []
    return [f"So few seeds cannot tell anything apart, whatever they show: at this alpha it takes {needed} at least."]


def _pairs(count: int) -> str:
    return "the one pair" if count == 1 else f"all {count} pairs together"


def _against(pair: Mapping[str, Any] | None, how: str) -> str:
    if pair is None:
        return ""
    wins = pair["wins"] if pair["better"] == how else pair["seeds"] - pair["wins"]
    apart = "apart" if pair["apart"] else "not apart"
    return f"  below the next on {wins}/{pair['seeds']}, p = {pair['p']:.2g}, {apart}"
