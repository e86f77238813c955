"""Counting lemmas of asynchronous SGD with momentum: what an iterate is apart from its virtual iterate by.

``core.setting_ormo`` has the letters. Each lemma is there for OrMo and, with ", naive" after its name, for naive
momentum. A ``Course`` (``courses``) follows one gradient, a ``Machine`` (``machines``) bounds sums. Besides, all is
compared with the method's kernel, on rows of coefficients over all arrival orders of small cases.

kept          e(k) = 1/(1 - beta) (sum_m kept0(k, m) ghat0(m) g0(m) + sum_{i<k} kept(k, i) ghat(i) g(i)).
kept total    sum_m kept0(k, m) + sum_{i<k} kept(k, i) <= M - 1 + M beta/(1 - beta): M - 1 are in flight, and a group
              has M members. Naive: 1 for the second M, for a power of beta is that of one delivery.
kept squares  (1 - beta^2) (sum_m kept0(k, m)^2 + sum_{i<k} kept(k, i)^2) <= (M - 1) (1 - beta^2) + M beta^2, or beta^2.
kept windows  sum_k A(k) (sum_m kept0(k, m) b0(m) + sum_{i<k} kept(k, i) b(i)) <= c (sum_m (t0(m) - 1 + C) b0(m)
              + sum_k (t(k) - 1 + C) b(k)) where A(k) <= c and b >= 0: t - 1 steps in flight, and then
              C = M beta/(1 - beta), for the newest group is the same at M steps at most. Naive: beta/(1 - beta).
kept squares windows  sum_k A(k) (sum_m kept0(k, m)^2 b0(m) + sum_{i<k} kept(k, i)^2 b(i)) <= sum_k A(k) sum_j b(k, j)
              + c C' (sum_m b0(m) + sum_k b(k)), C' = M beta^2/(1 - beta^2): what is in flight apart. b of stepsizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import Context, Undone, enumerated
from ratecheck.checks.steps.courses import COURSE, COURSE_NAIVE, LATER, TOTAL, Course
from ratecheck.checks.steps.machines import Machine
from ratecheck.checks.steps.tables import BETAS, power_of
from ratecheck.core import shelf
from ratecheck.core.gram import manifest, normal
from ratecheck.core.identity import View
from ratecheck.core.proof import Fact, eq, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import e, ghat, i, j, m, t, t_0
from ratecheck.core.setting_ormo import kept, kept_0, r
from ratecheck.core.symbols import M, k
from ratecheck.engine.replay import replay_rows

Said = tuple[Fact, frozenset[str]]


def _table(s: Schedule, members: bool, beta: Fraction) -> list[list[Fraction]]:
    """Return what is kept at x_1, x_2, .. of the hand-outs before."""
    rows = []
    for step in range(1, s.horizon + 1):
        powers = [power_of(s, step, one, members) for one in range(int(s.offset[step]))]
        rows.append([Fraction(1) if p is None else beta**p for p in powers])
    return rows


def _kept(method: str, members: bool) -> Callable[[Schedule], bool]:
    """At each step x - xhat has the coefficients that the lemma says, with the method's own kernel."""

    def holds(s: Schedule) -> bool:
        gamma, gamma_hat = stepsizes(s)
        told, fine = _table(s, members, BETAS[0]), []

        def look(view: View) -> None:
            apart = view.x - view.start - (view.virtual - view.start) / (1 - BETAS[0])
            words = [a * g / (1 - BETAS[0]) for a, g in zip(told[view.step - 1], gamma_hat, strict=False)]
            fine.append(list(apart) == [0, *words, *[0] * (len(apart) - 1 - len(words))])

        replay_rows(
            shelf.METHODS.get(method), s, gamma, gamma_hat, {"beta": BETAS[0], "M": s.workers, "K": s.horizon}, look
        )
        return len(fine) == s.horizon and all(fine)

    return holds


def _total(members: bool, power: int) -> Callable[[Schedule], bool]:
    def holds(s: Schedule) -> bool:
        many = s.workers if members else 1
        return all(
            sum(a**power for a in row) <= s.workers - 1 + many * b**power / (1 - b**power)
            for b in BETAS for row in _table(s, members, b)
        )  # fmt: skip

    return holds


def _windows(members: bool) -> Callable[[Schedule], bool]:
    """With A = b = 1 for one hand-out: the closed delay less 1, and what is kept after the delivery."""

    def holds(s: Schedule) -> bool:
        many, made = s.workers if members else 1, s.made_at[: s.handouts].astype(int)
        end = np.full(s.handouts, s.horizon + 1)
        end[s.source[: s.horizon]] = np.arange(1, s.horizon + 1)
        for b in BETAS:
            rows = _table(s, members, b)
            for one in range(int(s.offset[s.horizon])):
                in_all = sum(row[one] for row in rows if one < len(row))
                if in_all > int(end[one] - made[one]) - 1 + many * b / (1 - b):
                    return False
        return True

    return holds


def _square_windows(members: bool) -> Callable[[Schedule], bool]:
    """What is kept is 1 of the M - 1 hand-outs that the others have in flight; and its squares after the delivery."""

    def holds(s: Schedule) -> bool:
        many = s.workers if members else 1
        for b in BETAS:
            rows = _table(s, members, b)
            for one in range(int(s.offset[s.horizon])):
                back = np.flatnonzero(s.source[: s.horizon] == one)
                first = int(back[0]) if len(back) else s.horizon
                if sum(row[one] ** 2 for row in rows[first:]) > many * b**2 / (1 - b**2):
                    return False
        return enumerated.ENUMERATED["windows"](s)

    return holds


def _members(context: Context, lemma: str) -> Any:
    """Return how many gradients have one power of beta. Raises Undone when the lemma is about another setting."""
    for suffix, members in (("", M), (", naive", sp.Integer(1))):
        if context.setting.lemmas.get("kept") == f"kept{suffix}" and lemma.endswith(", naive") == bool(suffix):
            return members
    raise Undone(f"{lemma!r} is not about {context.setting.name}")


def _say_kept(lemma: str, given: Mapping[str, Any], context: Context) -> Said:
    _members(context, lemma)
    return eq(e(k), context.setting.equations["gradients kept"][1]), frozenset()


def _sums(first: Any, later: Any) -> sp.Expr:
    return sp.Sum(first, (m, 1, M)) + sp.Sum(later, (i, 1, k - 1))


def _say_total(lemma: str, given: Mapping[str, Any], context: Context) -> Said:
    most = M - 1 + _members(context, lemma) * (1 - r) / r
    return le(_sums(kept_0(k, m), kept(k, i)), most), frozenset()


def _say_squares(lemma: str, given: Mapping[str, Any], context: Context) -> Said:
    over, most = r * (2 - r), _members(context, lemma) * (1 - r) ** 2
    return le(over * _sums(kept_0(k, m) ** 2, kept(k, i) ** 2), (M - 1) * over + most), frozenset()


def _say_windows(lemma: str, given: Mapping[str, Any], context: Context) -> Said:
    """``weight``: A(k), ``cap``: c, ``below``: the name of the fact A(k) <= c, ``attribute``: b(k) of a hand-out."""
    after = _members(context, lemma) * (1 - r) / r
    weight, cap, attribute, first = _premises(given, context)
    left = context.total(weight * _sums(kept_0(k, m) * first, kept(k, i) * attribute.xreplace({k: i})), k)
    waits = sp.Sum((t_0(m) - 1 + after) * first, (m, 1, M)) + context.total((t(k) - 1 + after) * attribute, k)
    return le(left, cap * waits), frozenset()


def _say_square_windows(lemma: str, given: Mapping[str, Any], context: Context) -> Said:
    """The parameters of kept windows, the attribute without a delay."""
    over, many = r * (2 - r), _members(context, lemma) * (1 - r) ** 2
    weight, cap, attribute, first = _premises(given, context)
    if attribute.xreplace({ghat(k): sp.Dummy()}).has(k):
        raise Undone("the attribute of a hand-out may use its stepsize")
    left = context.total(weight * _sums(kept_0(k, m) ** 2 * first, kept(k, i) ** 2 * attribute.xreplace({k: i})), k)
    others = sp.Sum(attribute.subs(context.setting.flying, simultaneous=True), (j, 1, M - 1))
    all_of_them = sp.Sum(first, (m, 1, M)) + context.total(attribute, k)
    return le(over * left, over * context.total(weight * others, k) + cap * many * all_of_them), frozenset()


def _premises(given: Mapping[str, Any], context: Context) -> tuple[Any, Any, Any, Any]:
    """Return A(k), c, b(k) and b0(m). Raises Undone when A(k) <= c is not known, or b is not of a hand-out."""
    weight, cap, attribute = given["weight"], given["cap"], given["attribute"]
    below = context.fact(given["below"])
    if below.equality or normal(below.expr - (cap - weight)) != 0:
        raise Undone(f"{given['below']!r} does not say {weight} <= {cap}")
    if not manifest(attribute) or not manifest(weight) or cap.has(k):
        raise Undone(f"{attribute} and {weight} must be manifestly nonnegative, and {cap} one number")
    if weight.has(i, j, m) or cap.has(i, j, m):
        raise Undone(f"{weight} and {cap} may not be about one of the indices that the lemma sums over")
    used = attribute.xreplace({letter: sp.Dummy() for letter in context.setting.initial})
    if used.has(k) or attribute.has(i, j, m):
        raise Undone("the attribute of a hand-out may use its stepsize, gradient, noise and delay")
    return weight, cap, attribute, attribute.subs(context.setting.initial, simultaneous=True)


_SAY = {
    "kept": _say_kept,
    "kept total": _say_total,
    "kept squares": _say_squares,
    "kept windows": _say_windows,
    "kept squares windows": _say_square_windows,
}


def _statement(lemma: str, say: Callable[..., Said]) -> Callable[[Mapping[str, Any], Context], Said]:
    return lambda given, context: say(lemma, given, context)


MACHINES: dict[str, tuple[Course | Machine, ...]] = {}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {}
for _suffix, _method, _course in (("", "ormo", COURSE), (", naive", "naive_momentum", COURSE_NAIVE)):
    _groups = not _suffix
    MACHINES |= {
        f"kept{_suffix}": (_course,),
        f"kept total{_suffix}": (_course, TOTAL),
        f"kept squares{_suffix}": (_course, TOTAL),
        f"kept windows{_suffix}": (_course, LATER),
        f"kept squares windows{_suffix}": (_course, LATER),
    }
    ENUMERATED |= {
        f"kept{_suffix}": _kept(_method, _groups),
        f"kept total{_suffix}": _total(_groups, 1),
        f"kept squares{_suffix}": _total(_groups, 2),
        f"kept windows{_suffix}": _windows(_groups),
        f"kept squares windows{_suffix}": _square_windows(_groups),
    }
    STATEMENTS |= {f"{_name}{_suffix}": _statement(f"{_name}{_suffix}", _say) for _name, _say in _SAY.items()}
