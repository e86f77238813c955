"""Counting lemmas about the sequences of OrMo: what each is in terms of all gradients handed out; and about delays.

One course (``courses``) gives the coefficient of a gradient in each sequence. Kernel and recursions are compared with
it on rows of coefficients over all arrival orders of small cases. age(k, i) = beta^(I - G(i)), and back(k, i) is 1 once
the gradient of x_i has been delivered, 0 before; sums below are over all gradients A handed out before x_k, with their
stepsizes. Names are those of Shi, Yang & Li (2024), the formulas ours.

lemma 1, lemma 2, lemma 3, lemma 8  uhat - u = sum (1 - back) age A; yhat - x = -1/(1 - beta) sum (1 - back) (1 - beta
              age) A; xhat - yhat = -beta/(1 - beta) uhat; uhat = sum age A.
closed momentum, closed model, shift  u = sum back age A; x - x_0 = -1/(1 - beta) sum back (1 - beta age) A;
              x - beta/(1 - beta) u = x_0 - 1/(1 - beta) sum back A.
age total     sum of age <= M/(1 - beta), for a group has M members.
virtual       xhat = x - beta/(1 - beta) u - 1/(1 - beta) sum (1 - back) A.
ages          sum_k (tau(k) - 1) + sum_m aged(m) = (M - 1) K: what m has in flight at K was handed out aged(m) ago.
late          N late(k, N) <= tau(k) - 1, late(k, N) = 1 where tau(k) - 1 >= N, 0 elsewhere; ``threshold``: N > 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import Context, Undone
from ratecheck.checks.steps.courses import COURSE, TOTAL, Course
from ratecheck.checks.steps.machines import MACHINES as OF_DELAYS
from ratecheck.checks.steps.machines import Machine
from ratecheck.checks.steps.tables import BETAS, power_of
from ratecheck.core import shelf
from ratecheck.core.identity import View
from ratecheck.core.proof import Fact, eq, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import e, g_0, ghat, h, h_0, i, m, n, n_0, tau, u, y_0
from ratecheck.core.setting_ormo import age, age_0, aged, back, back_0, late, momentum, r, uhat, yhat
from ratecheck.core.symbols import K, M, k
from ratecheck.engine.replay import replay_rows

Said = tuple[Fact, frozenset[str]]


def _sum(weight: Callable[[Any, Any], Any]) -> sp.Expr:
    """Return the sum over all gradients handed out before x_k of weight(age, back) A."""
    first = weight(age_0(k, m), back_0(k, m)) * g_0(m) * (h_0 + n_0(m))
    later = weight(age(k, i), back(k, i)) * ghat(i) * (h(i) + n(i))
    return sp.Sum(first, (m, 1, M)) + sp.Sum(later, (i, 1, k - 1))


_X = u(k) + e(k)
_SHIFTED = _X - (1 - r) / r * momentum(k)
FACTS = {
    "lemma 1": eq(uhat(k) - momentum(k), _sum(lambda a, b: (1 - b) * a)),
    "lemma 2": eq(yhat(k) - _X, -_sum(lambda a, b: (1 - b) * (1 - (1 - r) * a)) / r),
    "lemma 3": eq(u(k) - yhat(k), -(1 - r) / r * uhat(k)),
    "lemma 8": eq(uhat(k), _sum(lambda a, b: a)),
    "closed momentum": eq(momentum(k), _sum(lambda a, b: b * a)),
    "closed model": eq(_X - y_0, -_sum(lambda a, b: b * (1 - (1 - r) * a)) / r),
    "shift": eq(_SHIFTED, y_0 - _sum(lambda a, b: b) / r),
    "virtual": eq(u(k), _SHIFTED - _sum(lambda a, b: 1 - b) / r),
}


def _sequences(s: Schedule) -> bool:
    """At each step the rows of u, x, uhat and yhat are those of the course; the last two by their recursion."""
    gamma, gamma_hat = stepsizes(s)
    beta, fine = BETAS[0], []

    def look(view: View) -> None:
        made = int(s.offset[view.step])
        found: dict[str, list[Any]] = {name: [] for name in ("u", "x", "uhat", "yhat")}
        now = -(-(view.step - 1) // s.workers)
        for one in range(made):
            version = int(s.made_at[one])
            a, power = beta ** (now + -version // s.workers), power_of(s, view.step, one, True)
            found["u"].append(0 if power is None else a)
            found["x"].append(0 if power is None else -(1 - beta * a) / (1 - beta))
            hats: list[Any] = [0, 0]  # this gradient's coefficients
            for v in range(version, view.step):
                if v > 0 and (v - 1) % s.workers == 0:
                    hats = [beta * hats[0], hats[1] - beta * hats[0]]
                hats = [hats[0] + 1, hats[1] - 1] if v == version else hats
            found["uhat"].append(hats[0] == a)
            found["yhat"].append(hats[1] == -(1 - beta * a) / (1 - beta))
        rows = {"u": view.vectors["u"], "x": view.x - view.start}
        told = {name: [0, *(c * g for c, g in zip(found[name], gamma_hat, strict=False))] for name in rows}
        same = (list(row) == told[name] + [0] * (len(row) - made - 1) for name, row in rows.items())
        fine.append(all(same) and all(found["uhat"]) and all(found["yhat"]))

    replay_rows(shelf.METHODS.get("ormo"), s, gamma, gamma_hat, {"beta": beta, "M": s.workers, "K": s.horizon}, look)
    return len(fine) == s.horizon and all(fine)


def _ages(s: Schedule) -> bool:
    last = {int(w): step for step, w in enumerate(s.worker[: s.horizon], 1)}
    ages = sum(s.horizon - last.get(worker, 0) for worker in range(s.workers))
    return int(s.delay[: s.horizon].sum()) - s.horizon + ages == (s.workers - 1) * s.horizon


def _say_late(given: Mapping[str, Any], context: Context) -> Said:
    threshold = sp.S.Zero + given["threshold"]
    if not threshold.is_positive or any(threshold.has(index) for index in context.setting.ranges):
        raise Undone(f"{threshold} is no positive number")
    return le(threshold * late(k, threshold), tau(k) - 1), frozenset()


def _age_total(s: Schedule) -> bool:
    """The sum of beta^(I - G(i)) over the hand-outs before each x_k, for several beta."""
    for step in range(1, s.horizon + 1):
        groups = [-(-int(version) // s.workers) for version in s.made_at[: int(s.offset[step])]]
        newest = -(-(step - 1) // s.workers)
        if any(sum(b ** (newest - g) for g in groups) > s.workers / (1 - b) for b in BETAS):
            return False
    return True


def _statement(fact: Fact) -> Callable[[Mapping[str, Any], Context], Said]:
    def say(given: Mapping[str, Any], context: Context) -> Said:
        if context.setting.lemmas.get("kept") != "kept":
            raise Undone(f"the lemma is about OrMo, not about {context.setting.name}")
        return fact, frozenset()

    return say


MACHINES: dict[str, tuple[Course | Machine, ...]] = {
    **dict.fromkeys(FACTS, (COURSE,)),
    "age total": (TOTAL,),
    "ages": OF_DELAYS["delays"],  # what a worker has in flight at K was handed out at the step of its last delivery
    "late": (),
}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    **dict.fromkeys(FACTS, _sequences),
    "age total": _age_total,
    "ages": _ages,
    "late": lambda s: all(n * (t - 1 >= n) <= t - 1 for t in s.delay[: s.horizon] for n in range(1, 6)),
}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {
    **{name: _statement(fact) for name, fact in FACTS.items()},
    "age total": _statement(le(sp.Sum(age_0(k, m), (m, 1, M)) + sp.Sum(age(k, i), (i, 1, k - 1)), M / r)),
    "ages": lambda given, context: (
        eq(sp.Sum(tau(k) - 1, (k, 1, K)) + sp.Sum(aged(m), (m, 1, M)), (M - 1) * K), frozenset()
    ),
    "late": _say_late,
}  # fmt: skip
