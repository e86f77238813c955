"""A plan in words: sentences on what a grid can show and what to change, then the designed scenario."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ratecheck.checks.plan import MOST
from ratecheck.checks.rates import POINTS, SPAN

#: columns of the text, and of the names of its facts
WIDTH, NAME = 100, 10
#: distinct reasons told one by one
MANY = 4
#: what changes at K*
CHANGES = {"branch": "is active", "term": "is the largest term of the bound"}


def words(document: Mapping[str, Any]) -> str:
    """Return the text of the document that ``planning.perform`` makes."""
    lines = [
        f"{document['claim']} on {document['scenario']}: {document['replicates']} runs a cell, CV {document['cv']:g}, "
        f"margin {document['margin']:g}, seed {document['seed']}"
    ]
    last = ""
    for name, text in _facts(document):
        body = textwrap.wrap(text, WIDTH - NAME - 2, break_long_words=False, break_on_hyphens=False)
        head = "" if name == last else name
        lines += [f"  {head:<{NAME}}{body[0]}", *(" " * (NAME + 2) + line for line in body[1:])]
        last = name
    return "\n".join([*lines, *(["", document["design"]["toml"].rstrip()] if document["design"] else [])])


def _facts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    counts = document["cells"]
    yield "cells", f"the claim applies to {counts['apply']} of {counts['all']}"
    reasons = list(document["reasons"].items())
    yield from (("left out", f"{_cells(n)}: {why.rstrip('.')}") for why, n in reasons[:MANY])
    if len(reasons) > MANY:
        yield "left out", f"{_cells(sum(n for _, n in reasons[MANY:]))} for other reasons (see --json)"
    if not counts["apply"]:
        return
    yield from (("vacuous", text) for text in _vacuous_words(document))
    yield from (("branches", text) for text in _branch_words(document))
    yield from (("K*", text) for text in _crossover_words(document["crossovers"]))
    yield from (("slopes", text) for text in _slope_words(document))
    yield "work", _work_words(document["work"])
    yield "design", _design_words(document)


def _cells(count: int) -> str:
    return f"{count} cell{'' if count == 1 else 's'}"


def _vacuous_words(document: Mapping[str, Any]) -> Iterator[str]:
    counts = document["cells"]
    if not counts["vacuous"]:
        return
    told = [
        f"K >= {one['K']} for M = {one['M']}, sigma = {_level(one['sigma'])}" if one["K"] else
        f"another sigma for M = {one['M']}, sigma = {_level(one['sigma'])}"
        for one in document["vacuous"]
    ]  # fmt: skip
    yield (
        f"{counts['vacuous']} of {_cells(counts['apply'])} are vacuous: the bound is not below what holds without the "
        f"theorem, so they cannot fail. Use {'; '.join(told)}."
    )


def _level(sigma: float | None) -> str:
    return "of the rows" if sigma is None else f"{sigma:g}"


def _branch_words(document: Mapping[str, Any]) -> Iterator[str]:
    yield ", ".join(f"{b['branch']} is active in {_cells(b['speaking'])}" for b in document["branches"]) + (
        " that are not vacuous" if document["cells"]["vacuous"] else ""
    )
    blocks = (document["design"] or {}).get("blocks", [])
    for one in (b for b in document["branches"] if not b["speaking"]):
        use = [b for b in blocks if b["branch"] == one["branch"]][-1:]
        advice = [f" Add sigma = {_level(b['sigma'])} with K >= {b['K'][0]} (the grid below does)." for b in use]
        where = "active only where the bound is vacuous" if one["cells"] else "never active"
        yield (
            f"branch '{one['branch']}' of the stepsize is {where}: what it decides of the rate cannot be seen."
            f"{''.join(advice)}"
        )


def _crossover_words(crossovers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield where the stepsize switches and where the largest term of the bound changes, by noise level."""
    found: dict[tuple[float | None, str], dict[int, set[int]]] = {}
    for one, (kind, word) in itertools.product(crossovers, CHANGES.items()):
        for change in one[kind]:
            at = found.setdefault((one["sigma"], f"{change['to']} {word}"), {})
            at.setdefault(one["M"], set()).add(change["K"])
    for (sigma, what), at in found.items():
        told = [f"{_range(at[workers])} (M = {workers})" for workers in sorted(at)]
        yield f"sigma = {_level(sigma)}: {what} from K = {', '.join(told)}"


def _range(values: set[int]) -> str:
    """Return one number, or the ends of the range where problems or output rules differ."""
    return str(min(values)) if len(values) == 1 else f"{min(values)}..{max(values)}"


def _slope_words(document: Mapping[str, Any]) -> Iterator[str]:
    margin, runs = document["margin"], document["replicates"]
    for s in document["slopes"]:
        text = f"{s['variable']}, {s['branch']}, {s['problem']}: +-{s['half']:.2g} over {_cells(s['cells'])}"
        if s["seeds"] is None:
            yield f"{text}; no number of runs up to {MOST} makes MATCHES likely: add values of {s['variable']}"
        elif s["seeds"] > runs:
            reach = "within" if s["within"] else "beyond"
            yield f"{text}, {reach} the margin {margin:g}; {s['seeds']} runs a cell make MATCHES likely"
        else:
            yield text
    seen = {(s["variable"], s["branch"]) for s in document["slopes"]}
    for branch in (b["branch"] for b in document["branches"] if b["speaking"]):
        for variable, span in SPAN.items():
            if (variable, branch) not in seen:
                yield (
                    f"{variable}, {branch}: not identified; it takes {POINTS} values of {variable} over "
                    f"{span:g}x where all else is equal"
                )


def _work_words(work: Mapping[str, int]) -> str:
    return f"{work['runs']:,} runs, {work['steps']:,} server steps, {work['coordinates']:,} steps x dimension"


def _design_words(document: Mapping[str, Any]) -> str:
    made = document["design"]
    if made is None:
        return f"none: {document['no_design'].rstrip('.')}"
    widest = max((s["half"] for s in made["slopes"]), default=math.inf)
    text = f"the grid below, on {made['problem']}: {made['replicates']} runs a cell, "
    if made["missing"]:
        text += f"branch {', '.join(made['missing'])} not visible at any noise level and K tried, "
    wide = "" if made["within"] or made["missing"] else " (still too wide for MATCHES to be likely)"
    return f"{text}half widths at most {widest:.2g}{wide}; {_work_words(made['work'])}"
