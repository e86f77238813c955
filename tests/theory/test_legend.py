"""Every letter of every derivation has a meaning, and every heading stands before a step."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

import pytest
import sympy as sp

from ratecheck.checks import legend, symbolic
from ratecheck.core import shelf, symbols
from ratecheck.core.gram import Vec
from ratecheck.core.proof import Calculus, Rule, Telescope
from ratecheck.core.setting import ASYNC
from ratecheck.report.statement import as_data, as_text

DERIVED = [name for name in shelf.CLAIMS.names() if symbolic.proof_of(name)]


def expressions(thing):
    """Yield all expressions in the fields, tuples and tables of a thing."""
    if isinstance(thing, sp.Basic):
        yield thing
    elif isinstance(thing, Mapping):
        yield from expressions([*thing.keys(), *thing.values()])
    elif isinstance(thing, list | tuple):
        for one in thing:
            yield from expressions(one)
    elif is_dataclass(thing):
        yield from expressions([getattr(thing, one.name) for one in fields(thing)])


def letters(thing):
    """Return the names of all symbols, functions and vectors in a thing."""
    found = set()
    for expr in expressions(thing):
        for node in sp.preorder_traversal(expr):
            if isinstance(node, sp.Symbol):
                found.add(node.name)
            elif isinstance(node, sp.core.function.AppliedUndef):
                found.add(node.func.__name__)
    return found


def inner(proof):
    """Return the letters that steps replace before they say anything: of inductions, of functions of one variable."""
    return {s.n.name for s in proof.steps if isinstance(s, Telescope)} | {
        s.x.name for s in proof.steps if isinstance(s, Calculus)
    }


def rule_of(claim):
    return shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize


@pytest.mark.parametrize("name", DERIVED)
def test_every_letter_has_a_meaning(name):
    proof = symbolic.proof_of(name)
    known = legend.legend(proof, rule_of(shelf.claim(name)))
    of = proof.setting
    used = letters([proof.steps, of.ranges, of.equations, of.points, of.measured, of.flying, of.initial])
    without = {w for w in used - inner(proof) if not (known.get(w) or symbols.meaning_of(w))}
    assert without == set()
    assert all(text and "\n" not in text for text in known.values())


def test_a_letter_without_a_meaning_is_seen():
    proof = symbolic.proof_of("mishchenko2022.theorem3_convex")
    poor = replace(proof, setting=replace(ASYNC, letters={w: t for w, t in ASYNC.letters.items() if w != "ghat"}))
    claim = shelf.claim("mishchenko2022.theorem3_convex")
    assert "ghat" not in legend.legend(poor, rule_of(claim))
    assert "ghat" in letters(proof.steps)
    assert legend.of_chain(poor, [{"step": "1", "says": "ghat(k) <= c"}], claim)["letters"]["ghat"] == ""


@pytest.mark.parametrize("name", DERIVED)
def test_headings_stand_before_steps_in_their_order(name):
    proof = symbolic.proof_of(name)
    names = [step.name for step in proof.steps]
    at = [names.index(step) for step in proof.sections]
    assert at == sorted(at)
    assert not at or at[0] == 0


def test_a_letter_of_a_rule_is_the_least_of_its_branches():
    proof = symbolic.proof_of("mishchenko2022.theorem3_convex")
    found = legend.legend(proof, rule_of(shelf.claim("mishchenko2022.theorem3_convex")))
    assert found["c"] == "the least of 1/(4*L*M), B/(sqrt(K)*sigma)"
    assert any(isinstance(s, Rule) and s.branches for s in proof.steps)


def shown(name):
    claim = shelf.claim(name)
    chain = symbolic.check(name, claim, "").as_json()
    return as_text(name, claim, rule_of(claim), chain), as_data(name, claim, rule_of(claim), chain)


@pytest.mark.parametrize("name", ["mishchenko2022.theorem3_convex", "mishchenko2022.minibatch_strongly_convex"])
def test_what_is_shown_explains_what_it_prints(name):
    text, data = shown(name)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 120
    told = {line.split()[0] for line in lines[1:] if re.match(r"  \w+ +\S", line)}
    steps = data["derivation"]["details"]["steps"]
    printed = {w for row in steps for w in re.findall(r"[^\W\d]\w*", row["says"])} - legend.FUNCTIONS
    assert printed <= told
    sections = symbolic.proof_of(name).sections
    assert [line[2:] for line in lines if line[2:] in sections.values()] == list(sections.values())
    assert [row["section"] for row in steps if "section" in row] == list(sections.values())


def test_vectors_have_names_that_letters_find():
    assert letters([Vec(sp.Symbol("s"), symbols.k)]) == {"s", "k"}


def test_a_claim_and_its_false_form_name_each_other():
    false = [name for name in shelf.CLAIMS.names() if shelf.claim(name).expect == "refuted"]
    assert false
    for name in false:
        named = re.findall(r"mishchenko2022\.\w+", " ".join(shelf.claim(name).notes))
        if name.startswith("mishchenko2022."):
            assert named, name
        for true in named:
            assert shelf.claim(true).expect == "holds"
    every = [n for name in shelf.CLAIMS.names() for n in re.findall(r"\w+2022\.\w+", " ".join(shelf.claim(name).notes))]
    assert set(every) <= set(shelf.CLAIMS.names())
    assert {n for n in false if n.startswith("mishchenko2022.")} <= set(every)


def test_the_notes_of_a_claim_are_shown():
    text, _ = shown("mishchenko2022.lemma1")
    assert "see mishchenko2022.lemma1_printed_indicator" in " ".join(text.split())
