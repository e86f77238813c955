"""Counterexamples to a step: numbers and vectors that satisfy what it uses and break what it says.

A search, not a decision: nothing found says nothing. What is found is confirmed in rational arithmetic, or to 40 digits
where there are exponentials.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks.steps import Context
from ratecheck.core.gram import Ip, Vec, normal
from ratecheck.core.proof import Fact
from ratecheck.core.symbols import K, M
from ratecheck.core.symbols import beta as momentum

#: values tried; squares for counts, so that their roots are rational
VALUES = [Fraction(n, d) for n, d in ((1, 64), (1, 8), (1, 4), (1, 2), (1, 1), (3, 2), (2, 1), (4, 1), (8, 1), (64, 1))]
COUNTS = [1, 4, 9, 16, 64, 256, 1024]
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
    letters = sorted(set().union(*(letters_of(f.expr) for f in involved)), key=str)
    apart = {v for f in facts if f.equality for pair in f.expr.atoms(Ip) for v in pair.args if f.expr == pair}
    tight = _made_tight(facts, letters)
    for _ in range(TRIES):
        gram = _gram(vectors, apart, draw)
        at = {x: sp.Rational(draw.choice(COUNTS) if x in (K, M) else draw.choice(VALUES)) for x in letters}
        for letter, value in draw.sample(tight, len(tight)):
            found = value.xreplace(gram).xreplace(at) if draw.random() < 0.7 else None
            if found is not None and found.is_finite and admits(letter, found):
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


def _made_tight(facts: Sequence[Fact], letters: Sequence[Any]) -> list[tuple[Any, sp.Expr]]:
    """Return pairs (letter, value that makes a fact an equality), where a fact is linear in the letter."""
    pairs = []
    for fact in facts:
        for letter in letters:
            stand_in = sp.Dummy()
            expr = normal(fact.expr).xreplace({letter: stand_in})
            if letter not in (K, M) and stand_in in expr.free_symbols and sp.diff(expr, stand_in, 2) == 0:
                slope = sp.diff(expr, stand_in)
                if not slope.has(stand_in):
                    pairs.append((letter, -expr.xreplace({stand_in: sp.Integer(0)}) / slope))
    return pairs


def admits(letter: Any, value: sp.Expr) -> bool:
    """True when a letter may have this value; one of unknown sign is taken to be positive."""
    if value.is_real is not True:
        return False
    return bool(value >= 0) if letter.is_nonnegative and not letter.is_positive else bool(value > 0)


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
    """True when what is used holds at these numbers, and what is said does not."""
    lower = {big: least.xreplace(at) for big, least in context.at_least.items() if big in at}
    if any(least.is_number and at[big] < least for big, least in lower.items()):
        return False
    beta = context.setting.read(momentum).xreplace(at)
    if beta.is_number and beta < 0:
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
