"""A claim in words, in LaTeX and as data."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ratecheck.core import shelf, symbols
from ratecheck.core.claim import Claim
from ratecheck.core.formula import Formula
from ratecheck.core.stepsize import Stepsize


def _constants(claim: Claim, rule: Stepsize) -> dict[str, str]:
    rules = (*rule.branches.values(), *rule.chosen.values())
    names = {n for f in rules for n in f.names} if claim.outputs else set()
    for statement in claim.outputs.values():
        for inequality in statement.inequalities().values():
            names |= {*inequality.lhs.names, *inequality.rhs.names}
    return {n: symbols.meaning_of(n) for n in sorted(names)}


def _terms(formula: Formula) -> dict[str, str]:
    return {name: str(term) for name, term in formula.terms.items()}


def as_data(name: str, claim: Claim, rule: Stepsize, chain: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the claim as plain data; ``chain`` is its symbolic result, where it has a derivation."""
    return {
        "claim": name, "title": claim.title, "source": claim.source, "statement": claim.statement, "kind": claim.kind,
        "expect": claim.expect, "method": claim.method, "scheduler": claim.scheduler, "policy": claim.policy,
        "assumptions": [a.name for a in claim.conditions()],
        "stepsize": {n: str(f.expr) for n, f in rule.branches.items()} if claim.outputs else {},
        **({"chosen": {n: str(f.expr) for n, f in rule.chosen.items()}} if rule.chosen else {}),
        "outputs": {
            r: {
                n: {"lhs": str(i.lhs.expr), "rhs": _terms(i.rhs), "policy": i.policy or claim.policy}
                for n, i in s.inequalities().items()
            }
            for r, s in claim.outputs.items()
        },
        "identities": [i.name for i in claim.identities], "counting": [c.name for c in claim.counting],
        "stability": [f.name for f in claim.stability],
        "constants": _constants(claim, rule), "derivation": chain,
    }  # fmt: skip


def as_latex(claim: Claim, rule: Stepsize) -> str:
    """Return the claim in LaTeX."""
    lines = [rf"\textbf{{{claim.title}}} ({claim.source}).", claim.statement]
    if claim.outputs:
        lines.append(rf"\[ \gamma_k = {rule.latex()} \]")
        lines += [rf"\[ {symbols.LATEX.get(n, n)} = {f.latex()} \]" for n, f in rule.chosen.items()]
    for output, statement in claim.outputs.items():
        for name, inequality in statement.inequalities().items():
            lines.append(rf"\[ {inequality.latex(claim.relation)} \qquad\text{{({name}, {output})}} \]")
    lines += [rf"\[ {i.statement} \]" for i in claim.identities]
    lines += [rf"\[ {c.statement} \]" for c in claim.counting]
    lines += [rf"\[ {c.statement} \]" for c in claim.stability]
    return "\n".join(lines)


def as_text(name: str, claim: Claim, rule: Stepsize, chain: Mapping[str, Any] | None = None) -> str:
    """Return the claim for the terminal, with the ``chain`` of its derivation (its symbolic result) if it has one."""
    lines = [f"{name}: {claim.title}", f"  source       {claim.source}", *_wrapped("statement", claim.statement)]
    lines.append(f"  assumes      {'; '.join(a.name for a in claim.conditions()) or 'nothing'}")
    if claim.outputs:
        lines.append(f"  method       {claim.method} under scheduler {claim.scheduler}")
        inner = ", ".join(f"{n}: {f.expr}" for n, f in rule.branches.items())
        lines += _wrapped("stepsize", f"{'min of ' if len(rule.branches) > 1 else ''}{inner}")
        lines += [line for n, f in rule.chosen.items() for line in _wrapped("and", f"{n} = {f.expr}")]
    for output, statement in claim.outputs.items():
        for kind, inequality in statement.inequalities().items():
            covers = f" ({inequality.policy} delays)" if inequality.policy else ""
            sign = "<=" if claim.kind == "upper" else ">="
            said = f"E[{inequality.lhs.expr}] {sign} {inequality.rhs.expr}{covers}"
            lines += _wrapped(f"{kind} {output}"[:12], said)
    for identity in claim.identities:
        lines += _wrapped("identity", f"{identity.name}: {identity.statement}")
    for fact in claim.counting:
        lines += _wrapped("counting", f"{fact.name}: {fact.statement}")
    for one in claim.stability:
        lines += _wrapped("stability", f"{one.name}: {one.statement}")
    for note in claim.notes:
        lines += _wrapped("note", note)
    constants = _constants(claim, rule)
    for letter, meaning in constants.items():
        lines += _wrapped(letter, meaning)
    lines += _chain(chain, constants)
    upper = claim.outputs and claim.expect == "holds" and claim.kind == "upper"
    if upper and not shelf.SCHEDULERS.get(claim.scheduler).needs_durations:
        lines += _wrapped("how tight", f"on all small arrival orders: ratecheck check {name} --evidence exact")
    lines.append(f"  expected     {claim.expect}; check it: ratecheck check {name}")
    return "\n".join(lines)


def _chain(chain: Mapping[str, Any] | None, known: Mapping[str, str]) -> list[str]:
    """Return the derivation step by step: name, kind, what it says, what it uses, its checker, what it gives away.

    Before it stands what its letters mean, but for those that are ``known`` already.
    """
    if chain is None:
        return ["  derivation   not typed step by step: no symbolic evidence for this claim"]
    lines = _wrapped("derivation", f"{chain['verdict']}: {chain['summary']}")
    told = {n: meaning for n, meaning in chain["details"]["letters"].items() if meaning and n not in known}
    lines += _wrapped("letters", "|v|^2 and <v,w> are the expected square and inner product") if told else []
    for letter, meaning in told.items():
        lines += _wrapped(letter, meaning)
    for number, row in enumerate(chain["details"]["steps"], 1):
        lines += ["", f"  {row['section']}"] if "section" in row else []
        mark = "" if row["verdict"] == "PROVED" else f" {row['verdict']}"
        parts = [f"{number}. {row['step']} [{row['kind']}]{mark}", row.get("says", "")]
        parts += [f"uses: {', '.join(row['uses'])}"] if row["uses"] else []
        parts += [f"checked: {row['checker']}"]
        parts += [f"gives away: {row['slack']}"] if row.get("slack") else []
        lines += textwrap.wrap(parts[0], 116, initial_indent="  ", subsequent_indent="     ")
        lines += [line for part in parts[1:] if part for line in textwrap.wrap(
            part, 110, initial_indent="       ", subsequent_indent="         ")]  # fmt: skip
    return [*lines, *(line for note in chain["details"]["notes"] for line in _wrapped("note", note))]


def _wrapped(head: str, text: str) -> list[str]:
    body = textwrap.wrap(text, 100) or [""]
    return [f"  {head:<12} {body[0]}", *(f"{'':<15}{line}" for line in body[1:])]
