"""Counterexamples to a step: numbers and vectors that satisfy what it uses and break what it says.

A search, not a decision: nothing found says nothing. Letters have values that a run may have (``values``). What is
found is confirmed in rational arithmetic, or to 40 digits where there are exponentials.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks.steps import Context
from ratecheck.checks.steps.values import FLAGS, PARTS, admits, assumed, ceilings, is_whole, kind, may_be
from ratecheck.core.gram import Ip, Vec, normal
from ratecheck.core.proof import Fact
from ratecheck.core.symbols import K, M, k

#: values tried; squares for counts, so that their roots are rational
VALUES = [Fraction(n, d) for n, d in ((1, 64), (1, 8), (1, 4), (1, 2), (1, 1), (3, 2), (2, 1), (4, 1), (8, 1), (64, 1))]
COUNTS = [1, 4, 9, 16, 64, 256, 1024]
#: of other whole numbers
STEPS = [1, 2, 3, 4, 9, 16, 64, 256, 1024]
#: letters that others are at most, in the order in which they are drawn
FIRST = (M, K, k)
TRIES = 600
DIMENSION = 2
SEED = 20
#: of numbers that are not rational; terms are of size 10^9 at most
DIGITS, MARGIN = 40, sp.Float("1e-20")


def counterexample(says: Fact, facts: Sequence[Fact], context: Context) -> str:
    """Return an assignment in words that satisfies the facts and breaks ``says``; '' when none is found.

    Statements with sums are not searched. Inequalities among the facts are made tight at random: extremes break
    false steps. Noise vectors that a fact makes orthogonal to others get an axis of their own.
    """
    involved = [says, *facts]
    if any(f.expr.has(sp.Sum) for f in involved):
        return ""
    draw = random.Random(SEED)
    vectors = sorted(set().union(*(f.expr.atoms(Vec) for f in involved)), key=str)
    rooms = [room for room, _ in assumed(context)]
    letters = _with_assumed(set().union(*(letters_of(f.expr) for f in involved)), rooms)
    letters.sort(key=lambda x: FIRST.index(x) if x in FIRST else len(FIRST))
    apart = {v for f in facts if f.equality for pair in f.expr.atoms(Ip) for v in pair.args if f.expr == pair}
    tight = _made_tight([*(f.expr for f in facts), *rooms], letters)
    for _ in range(TRIES):
        gram = _gram(vectors, apart, draw)
        at: dict[Any, sp.Expr] = {}
        for letter in letters:
            at[letter] = sp.Rational(draw.choice(_tried(letter, at, context)))
        for letter, value in draw.sample(tight, len(tight)):
            found = value.xreplace(gram).xreplace(at) if draw.random() < 0.7 else None
            if found is not None and found.is_finite and admits(letter, found, context):
                at[letter] = found
        if breaks(says, facts, {**gram, **at}, context):
            return _words(at, gram)
    return ""


def letters_of(expr: sp.Expr) -> set[Any]:
    """Return what stands for numbers: symbols and functions of indices, but not vectors, their names or indices."""
    held = {a: sp.Dummy() for a in (*expr.atoms(Ip), *expr.atoms(AppliedUndef))}
    bare = expr.xreplace(held)
    plain: set[Any] = bare.free_symbols - set(held.values())
    return {a for a in held if not isinstance(a, Ip | Vec)} | plain


def _with_assumed(letters: set[Any], rooms: Sequence[sp.Expr]) -> list[Any]:
    """Return the letters and those that the claim's assumptions tie them to."""
    tied = [more for room in rooms if letters & (more := letters_of(room)) and more - letters]
    return _with_assumed(letters.union(*tied), rooms) if tied else sorted(letters, key=str)


def _made_tight(facts: Sequence[sp.Expr], letters: Sequence[Any]) -> list[tuple[Any, sp.Expr]]:
    """Return pairs (letter, value that makes a fact, or an assumption, an equality), where it is linear in it."""
    pairs = []
    for fact in facts:
        for letter in letters:
            stand_in = sp.Dummy()
            expr = normal(fact).xreplace({letter: stand_in})
            if letter not in (K, M) and stand_in in expr.free_symbols and sp.diff(expr, stand_in, 2) == 0:
                slope = sp.diff(expr, stand_in)
                if not slope.has(stand_in):
                    pairs.append((letter, -expr.xreplace({stand_in: sp.Integer(0)}) / slope))
    return pairs


def _tried(letter: Any, at: Mapping[Any, sp.Expr], context: Context) -> Sequence[Any]:
    """Return the values that are tried for a letter, where others have theirs already."""
    if letter in (K, M):
        return COUNTS
    if not is_whole(letter, context):
        return [0, 1] if kind(letter) in FLAGS else [v for v in VALUES if v <= 1 or kind(letter) not in PARTS]
    tops = [top for top in ((sp.S.Zero + top).xreplace(at) for top in ceilings(letter, context)) if top.is_number]
    return [n for n in STEPS if all(n <= top for top in tops)] or STEPS[:1]


def _gram(vectors: Sequence[Any], apart: set[Any], draw: random.Random) -> dict[Any, sp.Expr]:
    own = {v: DIMENSION + i for i, v in enumerate(x for x in vectors if _noise(x) and x in apart)}
    size = DIMENSION + len(own)
    rows: dict[Any, list[int]] = {}
    for v in vectors:
        rows[v] = [draw.randint(-3, 3) if (v not in own and i < DIMENSION) or own.get(v) == i else 0
                   for i in range(size)]  # fmt: skip
    products = {}
    for a in vectors:
        for b in vectors:
            products[Ip(a, b)] = sp.Integer(sum(x * y for x, y in zip(rows[a], rows[b], strict=True)))
    return products


def _noise(vec: Any) -> bool:
    return str(vec.name).startswith("n")


def breaks(says: Fact, facts: Sequence[Fact], at: Mapping[Any, sp.Expr], context: Context) -> bool:
    """True when a run may have these numbers, what is used holds at them, and what is said does not."""
    if not may_be(at, [f.expr for f in (says, *facts)], context):
        return False
    below = {p.base for f in (says, *facts) for p in f.expr.atoms(sp.Pow) if p.exp.is_negative}
    if any(_sign(base.xreplace(at)) != 1 for base in below):  # denominators are positive
        return False
    for fact in facts:
        if _sign(fact.expr.xreplace(at)) not in ((0,) if fact.equality else (0, 1)):
            return False
    return _sign(says.expr.xreplace(at)) in ((-1, 1) if says.equality else (-1,))


def _sign(value: sp.Expr) -> int | None:
    """Return the sign; None where it is no real number, or too near 0 to tell (exponentials, logarithms)."""
    if value.is_Rational:
        return int(sp.sign(value))
    if not (value.is_number and value.is_real):
        return None
    near = value.evalf(DIGITS)
    return int(sp.sign(near)) if abs(near) > MARGIN else None


def _words(at: Mapping[Any, Any], gram: Mapping[Any, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in {**at, **gram}.items())
