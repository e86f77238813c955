"""What ordered momentum has in flight (``core.setting_ordered``), and how large it is, whatever delays depend on.

ordered momentum  x_k = x_(k-1) - stepsize m_k, and m_k is the sum of w beta (1 - beta)^(k-i) g over the gradients that
             are back by k, i the model of g: momentum without delays, less the M - 1 gradients in flight after delivery
             k with these weights. Derived for one gradient, for all M and K (a ``Course``: what each delivery makes of
             its coefficients); the kernel is compared on rows of coefficients, on all small arrival orders.
flights      On every run, ||sum of what is in flight||^2 <= (M - 1) sum of the squares of all that was handed out, each
             with its weight now: they are M - 1 different hand-outs of models i <= k (Cauchy-Schwarz), and those that
             are back count with 0 or more (the indicator dropped). So E||s(k)||^2 <= (M - 1) beta^2 slopes(k): the M
             initial ones count (1/M)^2 each, and at most once in all. And E||z(k)||^2 <= (M - 1) beta^2 noises(k): the
             M initial noises are drawn at x_0, are apart from each other and have mean 0, so their squares over M^2
             have the mean of E||n(1)||^2, whoever arrives. That is in expectation.
flights, orthogonal  E||z(k)||^2 <= beta^2 noises(k), where delays are independent of the samples, or depend on
             durations given which a sample has mean 0 at every point. Given all durations, who is in flight is known,
             and a later sample has mean 0 given the earlier ones: products of two in flight have mean 0, and squares
             are at most those of all that was handed out. (The variance given a duration may be anything: that is why
             the squares of what is back are not left out.) Refused for delays beyond that.
flights, bounded  ||z(k)||^2 <= (M - 1)^2 beta^2 c where ||nf(k, j)||^2 <= c on every run, c one number, and beta <= 1:
             the triangle inequality, for M - 1 vectors whose weights are at most beta.
flight weights  wf(k, j)^2 <= beta^2 where beta <= 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import MEAN, Context, Refused, Undone
from ratecheck.checks.steps.courses import Course, age, back, beta, in_u, in_uhat, share
from ratecheck.checks.steps.machines import Machine
from ratecheck.core import shelf
from ratecheck.core.assumption import POLICIES
from ratecheck.core.gram import Ip, normal
from ratecheck.core.identity import View
from ratecheck.core.proof import Fact, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import j, n_flying, s, z
from ratecheck.core.setting_ordered import noises, slopes, weight
from ratecheck.core.symbols import M, k
from ratecheck.core.symbols import beta as newest
from ratecheck.engine.replay import replay_rows

Said = tuple[Fact, frozenset[str]]
#: with 1/10, a polynomial in 1 - beta with whole coefficients below 10 that is 0 is 0
BETAS = (Fraction(1, 10), Fraction(1, 2))
#: numbers of one worker: hand-outs, deliveries, squares of all hand-outs and of the one in flight
given_, back_, all_, one, more, new, short = sp.symbols("given back all one more new short", nonnegative=True)

#: one gradient from the delivery of its model's number on: share its weight then, w beta. ``age`` is (1 - beta) to the
#: deliveries since. Every delivery turns both momenta; its own then adds what the kernel gives it, share times age
COURSE = Course(
    {age: 1, back: 0, in_u: 0, in_uhat: share},
    {
        "turn": {age: (1 - beta) * age, in_u: (1 - beta) * in_u, in_uhat: (1 - beta) * in_uhat},
        "delivery": {back: 1, in_u: in_u + share * age},
    },
    {in_u: back * share * age, in_uhat: share * age},
    ends=(in_uhat - in_u - (1 - back) * share * age,),
)
#: each worker has one hand-out that is not delivered, until it delivers: M - 1 after a delivery
_ONE_EACH = Machine({given_: 1, back_: 0}, {}, {given_: given_ + 1, back_: back_ + 1}, zero=(given_ - back_ - 1,))
#: the square of the one in flight is among those of all hand-outs; a delivery multiplies them by one number
_AMONG = Machine(
    {all_: one}, {all_: more * all_, one: more * one}, {all_: more * all_ + new, one: new},
    positive=(all_ - one,), factors=(more,),
)  # fmt: skip
#: 1 - beta = more <= 1, a power of it is ``one``: more + short = 1
_POWER = Machine({one: 1}, {one: one - short * one}, {one: 1}, positive=(1 - one,))


def weights_at(schedule: Schedule, step: int, b: Fraction) -> list[Fraction]:
    """Return w beta (1 - beta)^(k-i) at k = ``step`` of the hand-outs at models i = 1..k."""
    made = schedule.made_at[: int(schedule.offset[step])].astype(int).tolist()
    return [(b if v else b / schedule.workers) * (1 - b) ** (step - 1 - v) for v in made]


def flying_at(schedule: Schedule, step: int) -> list[int]:
    """Return the hand-outs in flight after a delivery, before the next hand-out."""
    there = set(range(int(schedule.offset[step])))
    return sorted(there - set(schedule.source[:step].tolist()))


def _moves(schedule: Schedule) -> bool:
    """With the method's own kernel: the coefficients of m_k, and of x_k, on every gradient."""
    gamma, gamma_hat = stepsizes(schedule)
    fine: list[bool] = []
    for b in BETAS:
        before: list[Any] = []

        def look(view: View, b: Fraction = b, before: list[Any] = before) -> None:
            told, flying = weights_at(schedule, view.step, b), flying_at(schedule, view.step)
            row = [Fraction(0)] * len(view.x)
            for h, w in enumerate(told):
                row[1 + h] = w if h not in flying else Fraction(0)
            moved = view.x - (before[-1] if before else view.start)
            same = list(view.vectors["m"]) == row and list(moved) == [-view.gamma * c for c in row]
            fine.append(same and len(flying) == schedule.workers - 1)
            before.append(view.x.copy())

        par = {"beta": b, "M": schedule.workers, "K": schedule.horizon}
        replay_rows(shelf.METHODS.get("ordered_momentum"), schedule, gamma, gamma_hat, par, look)
    return len(fine) == len(BETAS) * schedule.horizon and all(fine)


def _in_all(schedule: Schedule) -> bool:
    """(M - 1) D - w w', D the weights of the lemma's right side, is nowhere negative: sum of w^2/D is at most M - 1.

    Once for the means, where the initial gradients are one vector, and once for the noises, where they are M.
    """
    for b in BETAS:
        for step in range(1, schedule.horizon + 1):
            weights, flying = weights_at(schedule, step, b), flying_at(schedule, step)
            made = schedule.made_at[: len(weights)].astype(int).tolist()
            whole = [b * (1 - b) ** (step - 1 - v) for v in made]
            first = sum((weights[h] for h in flying if made[h] == 0), Fraction(0)) / whole[0]
            means = first**2 + sum((weights[h] / whole[h]) ** 2 for h in flying if made[h] > 0)
            noise = sum((w / (c if v else c / schedule.workers)) ** 2
                        for w, c, v in ((weights[h], whole[h], made[h]) for h in flying))  # fmt: skip
            if max(means, noise) > schedule.workers - 1:
                return False
    return True


def _orthogonal(schedule: Schedule) -> bool:
    """Those in flight are different hand-outs, each made before: their squares are among those of all."""
    return all(
        len(set(schedule.to_worker[flying_at(schedule, n)].tolist())) == schedule.workers - 1
        and all(schedule.made_at[h] < n for h in flying_at(schedule, n))
        for n in range(1, schedule.horizon + 1)
    )  # fmt: skip


def _below(schedule: Schedule) -> bool:
    return all(0 <= w <= b for b in (*BETAS, Fraction(1)) for n in range(1, schedule.horizon + 1)
               for w in weights_at(schedule, n, b))  # fmt: skip


def _of_ordered(context: Context) -> None:
    """Raise Undone when the claim is about another method."""
    if context.setting.lemmas.get("momentum") != "ordered momentum":
        raise Undone(f"nothing is known of what {context.setting.name} has in flight by these letters")


def _say_flights(given: Mapping[str, Any], context: Context) -> Said:
    """``of``: s(k) or z(k)."""
    _of_ordered(context)
    known: dict[Any, tuple[Any, frozenset[str]]] = {
        s(k): (slopes(k), frozenset()),
        z(k): (noises(k), frozenset({MEAN})),
    }
    if given.get("of") not in known:
        raise Undone(f"{given.get('of')} is not what is in flight")
    past, tags = known[given["of"]]
    return le(Ip(given["of"], given["of"]), (M - 1) * newest**2 * past), tags


def _say_orthogonal(given: Mapping[str, Any], context: Context) -> Said:
    """No parameters: it is about z(k)."""
    _of_ordered(context)
    policy = context.claim.policy
    if POLICIES.index(policy) > POLICIES.index("mean-zero given the duration"):
        raise Refused(
            f"for {policy} delays two noises in flight are not orthogonal: that both are says something of both"
        )
    return le(Ip(z(k), z(k)), newest**2 * noises(k)), frozenset({MEAN})


def below_1(given: Mapping[str, Any], context: Context) -> None:
    """``below``: the name of the fact beta <= 1."""
    _of_ordered(context)
    below = context.fact(given["below"])
    if below.equality or normal(below.expr - (1 - newest)) != 0:
        raise Undone(f"{given['below']!r} does not say that beta <= 1")


def _say_bounded(given: Mapping[str, Any], context: Context) -> Said:
    """``below``, and ``bounded``: the name of the fact ||nf(k, j)||^2 <= c."""
    below_1(given, context)
    fact = context.fact(given["bounded"])
    most = normal(fact.expr + Ip(n_flying(k, j), n_flying(k, j)))
    if fact.equality or most.has(Ip) or any(most.has(index) for index in context.setting.ranges):
        raise Undone(
            f"{given['bounded']!r} does not say that the noise of one gradient in flight is at most one number"
        )
    return le(Ip(z(k), z(k)), (M - 1) ** 2 * newest**2 * most), frozenset()


def _say_weights(given: Mapping[str, Any], context: Context) -> Said:
    """``below``: the name of the fact beta <= 1."""
    below_1(given, context)
    return le(weight(k, j) ** 2, newest**2), frozenset()


MACHINES: dict[str, tuple[Any, ...]] = {
    "ordered momentum": (COURSE, _ONE_EACH),
    "flights": (_ONE_EACH, _AMONG),
    "flights, orthogonal": (_ONE_EACH, _AMONG),
    "flights, bounded": (_ONE_EACH, _POWER),
    "flight weights": (_POWER,),
}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    "ordered momentum": _moves,
    "flights": _in_all,
    "flights, orthogonal": _orthogonal,
    "flights, bounded": lambda s: _orthogonal(s) and _below(s),
    "flight weights": _below,
}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {
    "flights": _say_flights,
    "flights, orthogonal": _say_orthogonal,
    "flights, bounded": _say_bounded,
    "flight weights": _say_weights,
}
