"""Counting lemmas of asynchronous SGD with momentum: what an iterate is apart from its virtual iterate by.

``core.setting_ormo`` has the letters. Each lemma is there for OrMo and, with ", naive" after its name, for naive
momentum. A ``Course`` follows one gradient: its coefficients in all sequences, in closed form, by induction over what
happens to it; vectors are linear in the gradients, so that is all there is. A ``Machine`` (``machines``) bounds sums.
Besides, all is compared with the method's kernel, on rows of coefficients over all arrival orders of small cases.

kept          e(k) = 1/(1 - beta) (sum_m kept0(k, m) ghat0(m) g0(m) + sum_{i<k} kept(k, i) ghat(i) g(i)).
kept total    sum_m kept0(k, m) + sum_{i<k} kept(k, i) <= M - 1 + M beta/(1 - beta): M - 1 are in flight, and a group
              has M members. Naive: 1 for the second M, for a power of beta is that of one delivery.
kept squares  (1 - beta^2) (sum_m kept0(k, m)^2 + sum_{i<k} kept(k, i)^2) <= (M - 1) (1 - beta^2) + M beta^2, or beta^2.
kept part     kept(k, i) <= 1, ``of``: or kept0(k, m).
kept windows  sum_k A(k) (sum_m kept0(k, m) b0(m) + sum_{i<k} kept(k, i) b(i)) <= c (sum_m (t0(m) - 1 + C) b0(m)
              + sum_k (t(k) - 1 + C) b(k)) where A(k) <= c and b >= 0: t - 1 steps in flight, and then
              C = M beta/(1 - beta), for the newest group is the same at M steps at most. Naive: beta/(1 - beta).
kept squares windows  sum_k A(k) (sum_m kept0(k, m)^2 b0(m) + sum_{i<k} kept(k, i)^2 b(i)) <= sum_k A(k) sum_j b(k, j)
              + c C' (sum_m b0(m) + sum_k b(k)), C' = M beta^2/(1 - beta^2), b of stepsizes alone: what is in flight apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import Context, Undone, enumerated
from ratecheck.checks.steps.machines import Machine
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


@dataclass(frozen=True)
class Course:
    """One gradient from its hand-out on: ``start``, what each of the ``moves`` makes of the state, ``forms``.

    A form is what a letter is at all times, in terms of ``age``, beta to the number of turns so far, and ``back``, 0
    before the delivery and 1 after it. ``ends`` are 0 by the forms. A delivery, a move of ``back``, is at back = 0.
    """

    start: Mapping[Any, Any]
    moves: Mapping[str, Mapping[Any, Any]]
    forms: Mapping[Any, Any]
    ends: tuple[Any, ...] = ()

    def fault(self) -> str:
        """Return what is not kept by which move, '' when the induction goes through."""
        for letter, form in self.forms.items():
            if sp.cancel(self.start[letter] - form.subs(self.start)) != 0:
                return f"{letter} is not {form} at the start"
            for name, move in self.moves.items():
                after = (sp.S.Zero + move.get(letter, letter)).subs(self.forms)
                apart = after - form.subs(move, simultaneous=True)
                if any(sp.cancel(apart.subs(back, b)) != 0 for b in ((0,) if back in move else (0, 1))):
                    return f"{letter} is not {form} after a {name}"
        for end in self.ends:
            if sp.cancel(end.subs(self.forms)) != 0:
                return f"{end} is not 0"
        return ""


beta, age, back, whole, total_, share, more = sp.symbols("beta age back whole total share more", nonnegative=True)
in_u, in_w, in_uhat, in_yhat = sp.symbols("u w uhat yhat")
_q = 1 / (1 - beta)
_AT_FIRST = {age: 1, back: 0, in_u: 0, in_w: 0}
_SERVER = {in_u: back * age, in_w: -back * (1 - beta * age) * _q}
#: x_k - xhat_k has the coefficient of w plus q
_KEPT = in_w + _q - _q * (1 - back + back * beta * age)

#: a turn: w = w - beta u, u = beta u, as the newest group advances; a delivery: as in OrMo; uhat and yhat turn along
COURSE = Course(
    {**_AT_FIRST, in_uhat: 1, in_yhat: -1},
    {
        "turn": {age: beta * age, in_u: beta * in_u, in_w: in_w - beta * in_u, in_uhat: beta * in_uhat,
                 in_yhat: in_yhat - beta * in_uhat},
        "delivery": {back: 1, in_u: in_u + age, in_w: in_w - (1 - beta * age) * _q},
    },
    {**_SERVER, in_uhat: age, in_yhat: -(1 - beta * age) * _q},
    ends=(
        _KEPT,
        in_uhat - in_u - (1 - back) * age,  # Lemma 1
        in_yhat - in_w + (1 - back) * (1 - beta * age) * _q,  # Lemma 2
        -_q - in_yhat + beta * _q * in_uhat,  # Lemma 3
        in_uhat - age,  # Lemma 8
        in_w - beta * _q * in_u + back * _q,  # the shift
        in_w - beta * _q * in_u - (1 - back) * _q + _q,  # the virtual iterate
    ),
)  # fmt: skip
#: naive momentum turns at each delivery, its own included, which finds u without the gradient; its age starts there
COURSE_NAIVE = Course(
    _AT_FIRST,
    {
        "turn": {age: beta * age, in_u: beta * in_u, in_w: in_w - beta * in_u},
        "delivery": {back: 1, age: 1, in_u: beta * in_u + 1, in_w: in_w - beta * in_u - 1},
    },
    _SERVER,
    ends=(_KEPT,),
)

#: what is kept of delivered ones, over beta: as the group advances it is times beta, and the new one has whole
#: (1 - beta) members at most; ``whole`` is their number over 1 - beta. With beta^2 for beta, the squares
_TOTAL = Machine({total_: 0}, {}, {total_: beta * total_ + (1 - beta) * whole - more},
                 positive=(whole - total_,), factors=(beta,))  # fmt: skip
#: what is kept of one gradient at all steps after its delivery; share: at each step with the same newest group
_LATER = Machine({total_: 0, share: beta}, {},
                 {total_: total_ + share * ((1 - beta) * whole - more), share: beta * share},
                 positive=(beta * whole - total_ - share * whole,))  # fmt: skip

#: the numbers that are put in for beta: a polynomial with whole coefficients below 10 that is 0 at 9/10 is 0
BETAS = (Fraction(9, 10), Fraction(1, 2), Fraction(0))


def _power(schedule: Schedule, step: int, hand_out: int, members: bool) -> int | None:
    """Return the power of beta that is kept of a hand-out at x_step, None in flight."""
    found = np.flatnonzero(schedule.source[:step] == hand_out)
    if not len(found):
        return None
    version = int(schedule.made_at[hand_out])
    newest, group = (-(-v // schedule.workers) for v in (step - 1, version))
    return newest - group + 1 if members else step - int(found[0])


def _table(s: Schedule, members: bool, beta: Fraction) -> list[list[Fraction]]:
    """Return what is kept at x_1, x_2, .. of the hand-outs before."""
    rows = []
    for step in range(1, s.horizon + 1):
        powers = [_power(s, step, one, members) for one in range(int(s.offset[step]))]
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

        replay_rows(shelf.METHODS.get(method), s, gamma, gamma_hat, {"beta": BETAS[0], "M": s.workers, "K": s.horizon}, look)
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


def _part(members: bool) -> Callable[[Schedule], bool]:
    return lambda s: all(0 <= a <= 1 for b in BETAS for row in _table(s, members, b) for a in row)


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
    """What is kept is 1 of the M - 1 hand-outs that the other workers have in flight; and its squares after delivery."""

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


def _say_part(lemma: str, given: Mapping[str, Any], context: Context) -> Said:
    """``of``: kept(k, i) or kept0(k, m)."""
    _members(context, lemma)
    if given["of"] not in (kept(k, i), kept_0(k, m)):
        raise Undone(f"{given['of']} is no share of a gradient")
    return le(given["of"], 1), frozenset()


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
    if attribute.xreplace({letter: sp.Dummy() for letter in context.setting.initial}).has(k) or attribute.has(i, m):
        raise Undone("the attribute of a hand-out may use its stepsize, gradient, noise and delay")
    return weight, cap, attribute, attribute.subs(context.setting.initial, simultaneous=True)


_SAY = {"kept": _say_kept, "kept total": _say_total, "kept squares": _say_squares, "kept part": _say_part,
        "kept windows": _say_windows, "kept squares windows": _say_square_windows}  # fmt: skip


def _statement(lemma: str, say: Callable[..., Said]) -> Callable[[Mapping[str, Any], Context], Said]:
    return lambda given, context: say(lemma, given, context)


MACHINES: dict[str, tuple[Course | Machine, ...]] = {}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {}
for _suffix, _method, _course in (("", "ormo", COURSE), (", naive", "naive_momentum", COURSE_NAIVE)):
    _groups = not _suffix
    MACHINES |= {
        f"kept{_suffix}": (_course,),
        f"kept total{_suffix}": (_course, _TOTAL),
        f"kept squares{_suffix}": (_course, _TOTAL),
        f"kept part{_suffix}": (_course,),
        f"kept windows{_suffix}": (_course, _LATER),
        f"kept squares windows{_suffix}": (_course, _LATER),
    }
    ENUMERATED |= {
        f"kept{_suffix}": _kept(_method, _groups),
        f"kept total{_suffix}": _total(_groups, 1),
        f"kept squares{_suffix}": _total(_groups, 2),
        f"kept part{_suffix}": _part(_groups),
        f"kept windows{_suffix}": _windows(_groups),
        f"kept squares windows{_suffix}": _square_windows(_groups),
    }
    STATEMENTS |= {f"{_name}{_suffix}": _statement(f"{_name}{_suffix}", _say) for _name, _say in _SAY.items()}
