"""The legend of a derivation: what each letter of its steps means, in words and formulas."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from ratecheck.core import shelf, symbols
from ratecheck.core.claim import Claim
from ratecheck.core.proof import Proof, Root, Rule
from ratecheck.core.stepsize import Stepsize

#: words of printed formulas that are no letters
FUNCTIONS = frozenset({"Sum", "sqrt", "exp", "log", "Max", "Min", "E", "with"})


def legend(proof: Proof, rule: Stepsize) -> dict[str, str]:
    """Return the meaning of each letter of a proof: of its setting, and those that its steps define."""
    found = dict(proof.setting.letters)
    for step in proof.steps:
        if isinstance(step, Rule) and (step.branches or step.values):
            values: Mapping[str, Any] = step.values or {n: rule.branches[n].expr for n in step.branches}
            name, least = _name(step.of), f"the least of {', '.join(map(str, values.values()))}"
            found.setdefault(name, least if str(step.of) == name else f"{step.of}: {least}")
        elif isinstance(step, Root):
            found.setdefault(_name(step.letter), f"the square root of {step.of}")
    return {**found, **proof.letters}


def of_chain(proof: Proof, rows: Sequence[Mapping[str, Any]], claim: Claim) -> dict[str, Any]:
    """Return what a reader is told of a checked proof: its rows under headings, what each letter means, its notes.

    Letters are those that the rows print, with '' where nobody gave a meaning.
    """
    steps = [{**row, "section": proof.sections[row["step"]]} if row["step"] in proof.sections else row for row in rows]
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    meanings = legend(proof, rule)
    formulas = [text for row in rows for text in (row.get("says", ""), row.get("slack", ""))]
    words = {w for text in formulas for w in re.findall(r"[^\W\d]\w*", text)} - FUNCTIONS
    letters = {w: meanings.get(w) or symbols.meaning_of(w) for w in sorted(words, key=lambda w: (w.lower(), w))}
    return {"steps": steps, "letters": letters, "notes": list(proof.notes)}


def _name(letter: Any) -> str:
    return str(letter.name if isinstance(letter, sp.Symbol) else letter.func.__name__)
