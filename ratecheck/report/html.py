"""One self-contained HTML page about a run: no script, no network, light or dark as the reader likes, prints well."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ratecheck.core import shelf, symbols
from ratecheck.core.claim import Claim
from ratecheck.core.formula import Formula
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.verdict import Rate, Verdict
from ratecheck.errors import RatecheckError, RunError
from ratecheck.report import mathml, plots, style, tables, text
from ratecheck.report.captions import caption
from ratecheck.report.heat import factor_text

#: of figures, whose letters are made for print
ENLARGED = 1.25
UNFINISHED = "This run has no results yet; what is stored is not lost: ratecheck resume {run} goes on from it."
OUTCOMES = {
    0: "Everything came out as the claims declare.",
    1: "There is a surprise: see the rows marked below.",
    2: "Nothing that was asked for was applicable, or the input was bad.",
    3: "The level of evidence that was required is not reached.",
    4: "A rate is slower than the theorem's.",
    5: "Nothing was measured.",
}
MEANINGS = {
    "PROVED": "derived step by step by machine",
    "CERTIFIED": "an exact certificate was checked",
    "EXACT": "true in exact arithmetic in all cases listed, or in one run without noise",
    "HOLDS HERE": "on these instances the mean is on the claimed side of the bound; below it, given the second moment",
    "NOT REFUTED": "measured, but neither refuted nor confirmed",
    "INCONCLUSIVE": "measured too little to say anything",
    "VACUOUS": "the bound is above one that needs no theorem: nothing can be learnt",
    "NOT APPLICABLE": "an assumption fails, so the claim does not speak about the cell",
    "DIVERGED": "runs left all bounds",
    "REFUTED": "broken, with a witness that anyone can replay",
}


def write(folder: Path) -> Path:
    """Write ``report/index.html`` and the plots of a run's folder; return the page. Works for an unfinished run.

    Raises RunError when the folder is no run.
    """
    manifest = _read(folder / "manifest.json")
    if not manifest:
        raise RunError(f"{folder} is not a run: it has no readable manifest.json.")
    document = _read(folder / "results.json")
    extras = []
    for i, result in enumerate(document.get("results", ())):
        name = re.sub(r"[^\w.-]+", "-", f"{i + 1}-{Path(result['claim']).name}")
        paths = plots.save(result, folder / "report" / "plots" / name) if plots.kinds(result) else []
        extras.append({
            "figures": {p.stem: p.read_text() for p in paths if p.suffix == ".svg"},
            "links": {p.stem: f"plots/{name}/{p.stem}" for p in paths},
            "witness": _stored_witness(folder, result),
        })  # fmt: skip
    path = folder / "report" / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(document, manifest, claims_of(document, manifest), run=folder.name, extras=extras))
    return path


def page(document: Mapping[str, Any], manifest: Mapping[str, Any], claims: Mapping[str, Claim], *, run: str = "RUN",
         extras: Sequence[Mapping[str, Any]] | None = None) -> str:  # fmt: skip
    """Return the page of one run as text.

    ``document`` is results.json, ``manifest`` manifest.json (either may lack keys), ``claims`` the claims by name.
    ``extras`` has for each result ``figures`` (SVG text by plot), ``links`` (paths without suffix by plot) and
    ``witness`` (a path); without it figures are drawn here and nothing is linked.
    """
    import jinja2

    source = Path(__file__).with_name("page.html.j2").read_text()
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(math=mathml.formula, prose=mathml.prose, mark=mark, number=_number)
    results = [_result(r, i, run, extras) for i, r in enumerate(document.get("results", ()))]
    names = list(dict.fromkeys(r["claim"] for r in results))
    code = document.get("exit_code")
    return environment.from_string(source).render(
        run=run, command=shlex.join(["ratecheck", *map(str, manifest.get("argv", ()))]), manifest=_flat(manifest),
        started=manifest.get("started"), seed=document.get("seed"), results=results, paper=style.PAPER,
        outcome=OUTCOMES.get(int(code or 0), "") if results else UNFINISHED.format(run=run), meanings=MEANINGS,
        sections=[
            {"name": n, "anchor": _anchor(n), "claim": _claim(claims.get(n)),
             "results": [r for r in results if r["claim"] == n]} for n in names
        ],
    )  # fmt: skip


def claims_of(document: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Claim]:
    """Return the claims of a run by the names its results use; those whose file is gone or broken are left out."""
    asked = [str(c) for c in manifest.get("request", {}).get("claims", ())]
    found: dict[str, Claim] = {}
    for name in dict.fromkeys(r["claim"] for r in document.get("results", ())):
        places = [name, *(c for c in asked if c.endswith(f"/{name}"))]
        for place in places:
            try:
                found[name] = shelf.claim(place)
                break
            except RatecheckError:
                continue
    return found


def mark(word: str) -> str:
    """Return the class of a verdict's badge: good, bad or open (colour never stands without the word)."""
    if word in {r.value for r in Rate}:
        return {"SLOWER": "bad", "MATCHES": "good", "FASTER": "good"}.get(word, "open")
    try:
        verdict = Verdict.from_word(word)
    except KeyError:
        return "open"
    return "bad" if verdict.negative else "good" if verdict.strength >= Verdict.HOLDS_HERE.strength else "open"


def inline(svg: str, prefix: str) -> str:
    """Return an SVG file's text for use inside a page: own ids, no metadata, colours that follow the page."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", body).replace("xlink:href", "href")
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'href="#', f'href="#{prefix}-', body).replace("url(#", f"url(#{prefix}-")
    body = re.sub(r"(\d\.\d{3})\d+", r"\1", body)
    body = body.replace(style.INK, "currentColor").replace(style.PAPER, "var(--paper)")
    body = re.sub(r">\s+<", "><", body)

    def sized(found: re.Match[str]) -> str:
        return f'<svg {found[1]}style="width: {ENLARGED * float(found[2]):.0f}pt"'

    return re.sub(r'<svg ([^>]*?)width="([\d.]+)pt" height="[\d.]+pt"', sized, body, count=1)


def _result(result: Mapping[str, Any], i: int, run: str, extras: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Return what the template shows of one result."""
    extra: Mapping[str, Any] = extras[i] if extras is not None else {"figures": _drawn(result)}
    rate = result.get("details", {}).get("rate", {})
    anchor = _anchor(f"{result['claim']}-{result['evidence']}-{i + 1}")
    negative = mark(result["verdict"]) == "bad"
    planted = result.get("expected") == "refuted"
    witness = result.get("witness")
    return {
        **result, "anchor": anchor, "planted": planted, "rate": rate.get("verdict"),
        "surprise": negative and not planted, "facts": _grouped(text.facts(result, most=1000)),
        "figures": [
            {"svg": inline(svg, f"{anchor}-{kind}"), "title": plots.TITLES[kind],
             "caption": caption(kind, result), "link": extra.get("links", {}).get(kind)}
            for kind, svg in extra.get("figures", {}).items()
        ],
        "cells": [_cell(c, run) for c in tables.cells(result)],
        "witness": witness, "witness_json": json.dumps(witness, indent=1) if witness else "",
        "replay": shlex.join(["ratecheck", "replay", str(extra.get("witness") or "WITNESS.json")]) if witness else "",
    }  # fmt: skip


def _grouped(facts: Sequence[text.Fact]) -> list[tuple[str, list[text.Fact]]]:
    """Put facts of one name, and nameless ones after it, into one line of the page."""
    groups: list[tuple[str, list[text.Fact]]] = []
    for fact in facts:
        if groups and fact.name in ("", groups[-1][0]):
            groups[-1][1].append(fact)
        else:
            groups.append((fact.name, [fact]))
    return groups


def _drawn(result: Mapping[str, Any]) -> dict[str, str]:
    return {
        kind: plots.as_bytes(plots.DRAW[kind](result), "svg", plots.TITLES[kind], caption(kind, result)).decode()
        for kind in plots.kinds(result)
    }


def _cell(cell: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Return what the table of cells shows of one cell."""
    bound = tables.inequality(cell)
    found = tables.factor(cell)
    name = cell.get("digest") or cell.get("label", "")
    return {
        "label": cell.get("label", ""), "verdict": cell.get("verdict", ""), "reason": cell.get("reason", ""),
        "branch": cell.get("branch", ""), "n": cell.get("n"), "mean": bound.get("lhs"), "low": bound.get("low"),
        "high": bound.get("high"), "bound": bound.get("rhs"), "factor": "" if found is None else factor_text(found),
        "conditional": tables.inequality(cell, "conditional").get("ratio"),
        "master": tables.inequality(cell, "master").get("ratio"), "tau_max": cell.get("tau_max"),
        "replay": shlex.join(["ratecheck", "replay", run, "--cell", str(name)]),
    }  # fmt: skip


def _claim(claim: Claim | None) -> dict[str, Any] | None:
    """Return what the template shows of a theorem; None when its file is not at hand."""
    if claim is None:
        return None
    rule = _stepsize(claim)
    formulas: list[Formula] = [] if rule is None else list(rule.branches.values())
    for statement in claim.outputs.values():
        formulas += [f for i in statement.inequalities().values() for f in (i.lhs, i.rhs)]
    names = sorted({n for f in formulas for n in f.names}, key=str.lower)
    return {
        "title": claim.title, "source": claim.source, "statement": claim.statement, "kind": claim.kind,
        "assumptions": [a.statement for a in claim.conditions()], "method": claim.method, "scheduler": claim.scheduler,
        "stepsize": None if rule is None else {n: f.latex() for n, f in rule.branches.items()},
        "outputs": {
            r: {n: i.latex(claim.relation) for n, i in s.inequalities().items()} for r, s in claim.outputs.items()
        },
        "trivial": claim.trivial.latex() if claim.trivial is not None else None, "notes": claim.notes,
        "identities": [(i.name, i.statement, i.source) for i in claim.identities]
        + [(c.name, c.statement, "") for c in claim.counting]
        + [(c.name, c.statement, "") for c in claim.stability],
        "letters": [(symbols.LATEX.get(n, n), symbols.meaning_of(n)) for n in names if symbols.meaning_of(n)],
    }  # fmt: skip


def _stepsize(claim: Claim) -> Stepsize | None:
    """Return the claim's stepsize rule; None for a lemma, or when the rule cannot be found."""
    if not claim.outputs or not isinstance(claim.stepsize, str):
        return claim.stepsize if claim.outputs and not isinstance(claim.stepsize, str) else None
    try:
        found: Stepsize = shelf.STEPSIZES.get(claim.stepsize)
    except RatecheckError:
        return None
    return found


def _stored_witness(folder: Path, result: Mapping[str, Any]) -> str | None:
    """Return the path of the file in which the witness of a result is stored."""
    if result.get("witness"):
        for path in sorted((folder / "witnesses").glob("*.json")):
            stored = _read(path)
            if all(stored.get(n) == result["witness"].get(n) for n in ("kind", "check", "found", "seed")):
                return str(path)
    return None


def _flat(data: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return a manifest as (dotted key, value) pairs; long values as JSON."""
    pairs = []
    for key, value in data.items():
        if isinstance(value, Mapping) and value and len(json.dumps(value, default=str)) < 400:
            pairs += _flat(value, f"{before}{key}.")
        else:
            pairs.append((f"{before}{key}", value if isinstance(value, str) else json.dumps(value, default=str)))
    return pairs


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _anchor(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()


def _number(value: Any, digits: int = 4) -> str:
    found = tables.number(value)
    return "" if found is None else f"{found:.{digits}g}"
