"""Exact evidence about stability: enclosures of the largest stable stepsizes, which facts of a claim are held against.

An enclosure is decided in rational arithmetic (``schur``): every stepsize up to its lower end is stable, and its
upper end is not. Two enclosures that do not overlap say for certain which of two methods bears the larger stepsize. A
number that a fact names has to lie inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import sympy as sp

from ratecheck.checks.stability.stability import LAST, Limit, Setting, limit
from ratecheck.core import shelf
from ratecheck.core.claim import Claim
from ratecheck.core.stability import Stability
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.errors import CapabilityError

#: the kind of its witnesses
KIND = "stability"


def check(name: str, claim: Claim, scenario: str, *, method: str | None = None,
          say: Callable[[str], None] = lambda text: None,
          stopped: Callable[[], bool] = lambda: False) -> Result | None:  # fmt: skip
    """Return the exact evidence on a claim's stability facts, None when it has none.

    ``method`` takes the place of the claim's in every fact. REFUTED with a witness where enclosures show the reverse,
    INCONCLUSIVE where they overlap or could not be decided exactly, NOT APPLICABLE for a method that is not linear.
    Raises KeyboardInterrupt when ``stopped`` says so.
    """
    if not claim.stability:
        return None
    rows: list[dict[str, Any]] = []
    for given in claim.stability:
        fact = given if method is None else instead(given, claim.method, method)
        cases = []
        for workers in fact.workers:
            say(f"{fact.name}: M = {workers}")
            if stopped():
                raise KeyboardInterrupt
            try:
                case = decided(fact, workers)
            except CapabilityError as fault:
                return Result(name, scenario, "exact", Verdict.NOT_APPLICABLE, str(fault).rstrip("."), claim.expect)
            if case["verdict"] == str(Verdict.REFUTED):
                return _refuted(name, claim, scenario, method, fact, case)
            cases.append(case)
        verdict = Verdict.weakest(Verdict.from_word(c["verdict"]) for c in cases)
        rows.append({"name": fact.name, "statement": fact.statement, "cases": cases, "verdict": str(verdict)})
    verdict = Verdict.weakest(Verdict.from_word(r["verdict"]) for r in rows)
    return Result(name, scenario, "exact", verdict, _summary(rows), claim.expect, {"stability": rows})


def instead(fact: Stability, own: str, method: str) -> Stability:
    """Return the fact about ``method`` where it was about the claim's ``own``."""
    return replace(fact, methods=tuple(method if m == own else m for m in fact.methods))


def decided(fact: Stability, workers: int) -> dict[str, Any]:
    """Return what enclosures say of a fact for one M: ``largest`` [low, high] by method, words and a verdict."""
    found = {m: limit(setting_of(m, workers, fact), exact=True) for m in fact.methods}
    ends = {m: ends_of(one) for m, one in found.items()}
    number = fact.expected(workers)
    if number is None:
        holds = all(ends[a][1] < ends[b][0] for a, b in pairwise(fact.methods))
        fails = any(ends[b][1] <= ends[a][0] for a, b in pairwise(fact.methods))
    else:
        low, high = ends[fact.methods[0]]
        holds = bool(low < number) and bool(number <= high)
        fails = not holds
    exact = all(one.by == "exact" for one in found.values())
    verdict = (Verdict.EXACT if holds else Verdict.REFUTED if fails else Verdict.INCONCLUSIVE) if exact else None
    return {
        "M": workers,
        "largest": {m: [str(low), str(high)] for m, (low, high) in ends.items()},
        "words": words(workers, ends, number),
        "verdict": str(verdict or Verdict.INCONCLUSIVE),
    }


def setting_of(method: str, workers: int, fact: Stability) -> Setting:
    """Return the setting of one method of a fact, with the constants that it has."""
    own = shelf.METHODS.get(method).par
    constants = tuple(sorted((n, v) for n, v in fact.constants.items() if n in own))
    return Setting(method, workers, fact.scheduler, constants=constants)


def ends_of(found: Limit) -> tuple[Fraction, Fraction]:
    """Return both ends as Fractions; 0 where nothing looked at is stable, LAST where all is."""
    low = Fraction(0) if found.low is None else Fraction(found.low)
    return low, Fraction(LAST) if found.high is None else Fraction(found.high)


def words(workers: int, ends: Mapping[str, tuple[Fraction, Fraction]], number: sp.Expr | None) -> str:
    """Return the case in words, with the middles of the enclosures to four digits."""
    parts = [f"{_stem(m)} {_middle(low, high)}" for m, (low, high) in ends.items()]
    told = "" if number is None else f", formula {sp.N(number, 8):.4f}"
    return f"M = {workers}: {' < '.join(parts)}{told}"


def _stem(method: str) -> str:
    return method.rsplit("/", 1)[-1].removesuffix(".py")


def _middle(low: Fraction, high: Fraction) -> str:
    return (
        f"below {float(high):g}" if low == 0 else f"above {LAST:g}" if high == LAST else f"{float(low + high) / 2:.4f}"
    )


def _refuted(name: str, claim: Claim, scenario: str, method: str | None, fact: Stability,
             case: Mapping[str, Any]) -> Result:  # fmt: skip
    files = {"method": method} if method and method.endswith(".py") else {}
    if name.endswith(".py"):
        files["claim"] = name
    cell = {"M": case["M"], "method": method or claim.method, "scheduler": fact.scheduler}
    witness = Witness(name, KIND, fact.name, cell, {"largest": case["largest"]}, files=files)
    summary = f"{fact.name} fails: the largest stable M L gamma are, for {case['words'].replace(' < ', ', ')}"
    return Result(name, scenario, "exact", Verdict.REFUTED, summary, claim.expect, {"failed": dict(case)},
                  witness.as_json())  # fmt: skip


def _summary(rows: list[dict[str, Any]]) -> str:
    where = ", ".join(map(str, sorted({c["M"] for r in rows for c in r["cases"]})))
    facts = "1 stability fact" if len(rows) == 1 else f"{len(rows)} stability facts"
    undecided = [f"{r['name']}, {c['words']}" for r in rows for c in r["cases"] if c["verdict"] != str(Verdict.EXACT)]
    if undecided:
        return f"{facts} for M = {where}, not decided: {undecided[0]}"
    last = rows[0]["cases"][-1]
    return (
        f"{facts} for M = {where}, by enclosures 1e-6 wide in rational arithmetic, such as the largest stable M L "
        f"gamma for {last['words']}"
    )
