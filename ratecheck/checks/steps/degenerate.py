"""Counting lemmas about OrMo's degenerate cases: one worker, no momentum, the barrier. All are minibatch methods.

As ``sequences``: a course (``courses``) follows one gradient, and the kernels are compared with what is said, on rows
of coefficients over all arrival orders of small cases. A lemma about some runs alone can be used for a claim about no
others. Under the barrier the letters are those of ``core.setting_barrier``; A are gradients with their stepsizes.

one worker, ...       with M = 1 the gradient delivered is the newest one: u_(k+1) = beta u_k + A(k), x_(k+1) = x_k -
                      u_(k+1), from u_1 = A(0) and x_1 = x_0 - u_1 on: SGD with momentum.
without momentum      beta = 0: x_k - x_0 = - sum back A, which is asynchronous SGD.
barrier: u, x, shift  after any delivery of round k, with age = beta^(k - i): u = sum_i age A(i) + sum_m back A(k, m),
                      x - x_0 = -1/(1 - beta) sum_i (1 - beta age) A(i) - sum_m back A(k, m), and so
                      x - beta/(1 - beta) u = x_0 - 1/(1 - beta) sum back A.
rounds: u, x          the round takes model and momentum from (v, u) to u' = beta u + sum_m A(m), v' = v - u'.
rounds, plain         that of asynchronous SGD takes the model from v to v' = v - sum_m A(m).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import Context, Undone
from ratecheck.checks.steps.courses import COURSE, Course, age, back, beta, in_u, in_w
from ratecheck.checks.steps.machines import Machine, now, since, step
from ratecheck.checks.steps.tables import BETAS
from ratecheck.core import shelf
from ratecheck.core.identity import View
from ratecheck.core.proof import Fact, eq
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import Setting, e, g_0, ghat, h, h_0, i, m, n, n_0, u, v, y_0
from ratecheck.core.setting_barrier import ASYNC_ROUNDS, ORMO_ROUNDS, delivered, model_within, momentum_within
from ratecheck.core.setting_ormo import ORMO, back_0, momentum, r
from ratecheck.core.setting_ormo import age as age_of
from ratecheck.core.setting_ormo import back as back_of
from ratecheck.core.symbols import M, k
from ratecheck.engine.replay import replay_rows

Said = tuple[Fact, frozenset[str]]
Rows = Mapping[str, list[Any]]

# courses

other_u, other_w = sp.symbols("other_u other_w")
#: a gradient that no turn comes before, once it is delivered
_DELIVERED = {x: (sp.S.Zero + COURSE.moves["delivery"][x]).subs({age: 1, in_u: 0, in_w: 0}) for x in (in_u, in_w)}
#: beside SGD with momentum, whose step or round, the gradient's own first, is U = beta U + A and W = W - U
ROUND = Course(
    {age: 1, **_DELIVERED, other_u: beta * 0 + 1, other_w: 0 - (beta * 0 + 1)},
    {
        "round": {**{x: COURSE.moves["turn"][x] for x in (age, in_u, in_w)},
                  other_u: beta * other_u, other_w: other_w - beta * other_u},
    },
    {in_u: age, other_u: age, in_w: -(1 - beta * age) / (1 - beta), other_w: -(1 - beta * age) / (1 - beta)},
    ends=(in_u - other_u, in_w - other_w),
)  # fmt: skip
_SERVER = (age, back, in_u, in_w)


def _without_momentum(of: Mapping[Any, Any]) -> dict[Any, Any]:
    return {x: (sp.S.Zero + value).subs(beta, 0) for x, value in of.items() if x in _SERVER}


#: beta = 0; it is the course of asynchronous SGD, too
PLAIN = Course(
    _without_momentum(COURSE.start), {name: _without_momentum(move) for name, move in COURSE.moves.items()},
    _without_momentum(COURSE.forms), ends=(in_w + back,),
)  # fmt: skip
#: with one worker each step is its delivery, of what it was handed at the step before: no turn is between
ALONE = Machine({since: 0}, {since: now}, {since: now}, zero=(step - since,), seen=(now - since - 1,))
# facts

_ONE = sp.Integer(1)


def _x(at: Any) -> sp.Expr:
    position: sp.Expr = u(at) + e(at)
    return position


_BACK = sp.Sum(back_0(k, m) * g_0(m) * (h_0 + n_0(m)), (m, 1, M)) + sp.Sum(
    back_of(k, i) * ghat(i) * (h(i) + n(i)), (i, 1, k - 1)
)
_FIRST = sp.Sum(g_0(m) * (h_0 + n_0(m)), (m, 1, M))
_ROUND = sp.Sum(delivered(k), (m, 1, M))
_HERE = sp.Sum(back_of(k, m) * delivered(k), (m, 1, M))


def _rounds_before(weight: Any) -> sp.Expr:
    return sp.Sum(weight * sp.Sum(delivered(i), (m, 1, M)), (i, 1, k - 1))


_AGE = age_of(k, i)
#: the lemma's setting, its fact, and what the claim must be about
FACTS: dict[str, tuple[Setting, Fact, str]] = {
    "one worker, u": (ORMO, eq(momentum(k + 1), (1 - r) * momentum(k) + ghat(k) * (h(k) + n(k))), "one worker"),
    "one worker, x": (ORMO, eq(_x(k + 1), _x(k) - momentum(k + 1)), "one worker"),
    "one worker, first u": (ORMO, eq(momentum(_ONE), _FIRST), "one worker"),
    "one worker, first x": (ORMO, eq(_x(_ONE), y_0 - momentum(_ONE)), "one worker"),
    "without momentum": (ORMO, eq(_x(k) - y_0, -_BACK), "beta = 0"),
    "barrier: u": (ORMO_ROUNDS, eq(momentum_within(k), _rounds_before(_AGE) + _HERE), ""),
    "barrier: x": (
        ORMO_ROUNDS, eq(model_within(k) - y_0, -_rounds_before(1 - (1 - r) * _AGE) / r - _HERE), "",
    ),
    "barrier: shift": (
        ORMO_ROUNDS,
        eq(model_within(k) - (1 - r) / r * momentum_within(k), y_0 - (_rounds_before(_ONE) + _HERE) / r), "",
    ),
    "rounds: u": (ORMO_ROUNDS, eq(momentum(k + 1), (1 - r) * momentum(k) + _ROUND), ""),
    "rounds: x": (ORMO_ROUNDS, eq(v(k + 1), v(k) - momentum(k + 1)), ""),
    "rounds, plain": (ASYNC_ROUNDS, eq(v(k + 1), v(k) - _ROUND), ""),
}  # fmt: skip
#: what a claim is about, by what it says of the runs that it covers
ABOUT: dict[str, Callable[[Context], bool]] = {
    # a bound is claimed for every M, whatever cases its claim looks at
    "one worker": lambda c: not c.claim.outputs and {workers for workers, _ in c.claim.cases} == {1},
    "beta = 0": lambda c: c.claim.fixed.get("beta") == 0,
}


def _statement(name: str) -> Callable[[Mapping[str, Any], Context], Said]:
    setting, fact, about = FACTS[name]

    def say(given: Mapping[str, Any], context: Context) -> Said:
        if context.setting is not setting:
            raise Undone(f"the lemma is about {setting.name}, not about {context.setting.name}")
        if about and not ABOUT[about](context):
            raise Undone(f"the lemma is about {about}, and the claim about more")
        return fact, frozenset()

    return say


# enumeration


def agree(s: Schedule, method: str, by: Fraction, told: Callable[[View], Rows]) -> bool:
    """At each step the rows of the kernel, less x_0, are what is told: the coefficients of the hand-outs so far."""
    gamma, gamma_hat = stepsizes(s)
    fine = []

    def look(view: View) -> None:
        rows = {"x": list(view.x - view.start), "u": list(view.vectors["u"]) if "u" in view.vectors else []}
        same = True
        for name, weights in told(view).items():
            words = [0, *(w * g for w, g in zip(weights, gamma_hat, strict=False))]
            same &= rows[name] == words + [0] * (len(rows[name]) - len(words))
        fine.append(same)

    replay_rows(shelf.METHODS.get(method), s, gamma, gamma_hat, {"beta": by, "M": s.workers, "K": s.horizon}, look)
    return len(fine) == s.horizon and all(fine)


def returned(s: Schedule, view: View) -> list[bool]:
    """Return which of the hand-outs so far have been delivered."""
    found = {int(one) for one in s.source[: view.step]}
    return [one in found for one in range(int(s.offset[view.step]))]


def _plain(s: Schedule) -> bool:
    return agree(s, "ormo", Fraction(0), lambda view: {"x": [-int(b) for b in returned(s, view)]})


def _heavy_ball(s: Schedule, versions: Callable[[int], int], turns: int, by: Fraction, method: str) -> bool:
    """Where ``turns`` divides the step, rows are those of U = beta U + sum of A, W = W - U over steps or rounds.

    ``versions`` is the version of the gradients of a round, counted from 0.
    """

    def told(view: View) -> Rows:
        if view.step % turns:
            return {}
        made = [int(version) for version in s.made_at[: s.handouts]]
        in_m, in_x = [Fraction(0)] * len(made), [Fraction(0)] * len(made)
        for one in range(view.step // turns):
            in_m = [by * a + (version == versions(one)) for a, version in zip(in_m, made, strict=True)]
            in_x = [x - a for x, a in zip(in_x, in_m, strict=True)]
        return {"x": in_x, "u": in_m} if method == "ormo" else {"x": in_x}

    return agree(s, method, by, told)


def _within(s: Schedule) -> bool:
    """Under the barrier, for each power of beta, rows are sums over rounds and over what is back of the last one."""

    def told(view: View) -> Rows:
        newest = (view.step - 1) // s.workers
        ages = [BETAS[0] ** (newest - int(version) // s.workers) for version in s.made_at[: s.handouts]]
        both = list(zip(ages, returned(s, view), strict=False))
        return {"u": [a * b for a, b in both], "x": [-b * (1 - BETAS[0] * a) / (1 - BETAS[0]) for a, b in both]}

    return agree(s, "ormo", BETAS[0], told)


def _alone(s: Schedule) -> bool:
    return s.workers > 1 or _heavy_ball(s, lambda one: one, 1, BETAS[0], "ormo")


def _rounds(method: str, by: Fraction) -> Callable[[Schedule], bool]:
    return lambda s: _heavy_ball(s, lambda one: one * s.workers, s.workers, by, method)


MACHINES: dict[str, tuple[Course | Machine, ...]] = {
    **{name: (ROUND, ALONE) for name in FACTS if name.startswith("one worker")},
    **{name: (COURSE,) for name in FACTS if name.startswith("barrier")},
    **{name: (ROUND,) for name in FACTS if name.startswith("rounds: ")},
    "rounds, plain": (PLAIN,),
    "without momentum": (PLAIN,),
}
_ormo_rounds = _rounds("ormo", BETAS[0])
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    **{name: _alone for name in FACTS if name.startswith("one worker")},
    **{name: _within for name in FACTS if name.startswith("barrier")},
    **{name: _ormo_rounds for name in FACTS if name.startswith("rounds: ")},
    "rounds, plain": _rounds("async_sgd", Fraction(0)),
    "without momentum": _plain,
}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {name: _statement(name) for name in FACTS}
#: the scheduler of each lemma that is not about async
SCHEDULERS = {name: setting.scheduler for name, (setting, _, _) in FACTS.items() if setting.scheduler != "async"}
