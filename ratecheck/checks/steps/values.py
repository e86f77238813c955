"""What a letter may be worth in a run: a counterexample with another value would be none.

Steps, workers and delays are whole and at least 1, and no index leaves its range; some letters are 0 or 1, some shares.
No delay is longer than the run so far, and no function has two values at one place. What the claim assumes of its
constants holds. That is no list of all that is true of letters: a step says itself what it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks.steps import Context
from ratecheck.core import shelf
from ratecheck.core.assumption import is_standard
from ratecheck.core.gram import Ip, Vec
from ratecheck.core.setting import again, p, t, t_0, t_flying, tau
from ratecheck.core.setting_flight import lately, lately_0
from ratecheck.core.setting_growing import w
from ratecheck.core.setting_ormo import age, age_0, aged, ahead, back, back_0, kept, kept_0, late, r
from ratecheck.core.symbols import SHARES, K, M, decay, k, symbol_of, tau_cap, tau_closed, tau_max
from ratecheck.core.symbols import tau as delay

#: whole and at least 1, with what they are at most; indices of the setting are whole too
WHOLE: Mapping[Any, Callable[..., tuple[Any, ...]]] = {
    K: lambda: (),
    M: lambda: (),
    p: lambda: (M, K, tau_max),
    delay: lambda: (k, K, tau_max, tau_cap),
    tau_max: lambda: (K, tau_cap),
    tau_closed: lambda: (K, tau_cap),
    tau_cap: lambda: (),  # of a cap any number is one; a whole one breaks what another does, if anything does
    tau: lambda at: (at, K, tau_max, tau_cap),
    t: lambda at: (K + 1 - at, K, tau_closed, tau_cap),
    t_0: lambda of: (K + 1, tau_cap),
    t_flying: lambda at, of: (K + 1, tau_cap),
    aged: lambda *of: (K, tau_cap),
}
FLAGS = frozenset({again, late, lately, lately_0, back, back_0})
#: from 0 to 1
PARTS = frozenset({kept, kept_0, age, age_0, ahead, w, r, decay})


def kind(letter: Any) -> Any:
    """Return the function of an applied one, and other letters as they are."""
    return letter.func if isinstance(letter, AppliedUndef) else letter


def is_whole(letter: Any, context: Context) -> bool:
    """True for a letter that stands for whole numbers from 1 on."""
    return kind(letter) in WHOLE or letter in context.setting.ranges


def ceilings(letter: Any, context: Context) -> tuple[sp.Expr, ...]:
    """Return what a whole letter is at most."""
    if letter in context.setting.ranges:
        return (context.setting.ranges[letter][1],)
    of = WHOLE.get(kind(letter))
    return () if of is None else of(*letter.args)


def admits(letter: Any, value: sp.Expr, context: Context) -> bool:
    """True when a letter may have this value; one of unknown sign is taken to be positive."""
    if value.is_real is not True:
        return False
    if is_whole(letter, context):
        return bool(value.is_Integer and value >= 1)
    if kind(letter) in FLAGS:
        return value in (0, 1)
    if kind(letter) in PARTS and value > 1:
        return False
    return bool(value >= 0) if letter.is_nonnegative and not letter.is_positive else bool(value > 0)


def may_be(at: Mapping[Any, sp.Expr], involved: Sequence[sp.Expr], context: Context) -> bool:
    """True when a run may have these numbers all at once, as far as it is known here."""
    known = {x: v for x, v in at.items() if not isinstance(x, Ip)}
    if not all(admits(x, v, context) and _below(v, ceilings(x, context), at) for x, v in known.items()):
        return False
    named = set().union(*(expr.free_symbols for expr in involved))
    for index, (low, high) in context.setting.ranges.items():  # what is said of each index is said of one at least
        if index in named and not _below(low, (high, at.get(index, high)), at):
            return False
    shares = (context.setting.read(symbol_of(name)).xreplace(at) for name in SHARES)
    if not all(0 <= share <= 1 for share in shares if share.is_number):
        return False
    if K in at and M in at and at[K] % shelf.SCHEDULERS.get(context.setting.scheduler).period(int(at[M])):
        return False
    return _each_once(at) and _assumed(at, context)


def _below(value: Any, ceilings: Sequence[Any], at: Mapping[Any, sp.Expr]) -> bool:
    tops = [(top - value).xreplace(at) for top in ceilings]
    return all(top >= 0 for top in tops if top.is_number)


def _each_once(at: Mapping[Any, sp.Expr]) -> bool:
    """True when no two functions, and no two vectors, become one with these indices: they would have one value."""
    indices = {x: v for x, v in at.items() if isinstance(x, sp.Symbol)}
    placed = {x for x in at if isinstance(x, AppliedUndef)}.union(
        *(x.atoms(Vec) for x in at if isinstance(x, Ip))
    )  # fmt: skip
    return len({x.xreplace(indices) for x in placed}) == len(placed)


def assumed(context: Context) -> list[tuple[sp.Expr, bool]]:
    """Return what the claim assumes is at least 0, between constants, and whether it is above 0."""
    known = [a.says for a in context.claim.assumptions if a.says is not None and is_standard(a)]
    return [(context.setting.read(right - left), strict) for left, right, strict in known]


def _assumed(at: Mapping[Any, sp.Expr], context: Context) -> bool:
    """True when what the claim assumes of these constants holds, whatever the others are."""
    if any((at[big] - least.xreplace(at)).is_negative for big, least in context.at_least.items() if big in at):
        return False
    for room, strict in assumed(context):
        value = room.xreplace(at)
        if room.free_symbols & at.keys() and not (value.is_positive or (value.is_zero and not strict)):
            return False
    return True
