"""Counting lemmas of ordered momentum with in-order commit (``core.setting_committed``).

ordered momentum, in order  d(k) is the sum of beta (1 - beta)^(k-i) g_i over i <= C(k), and x moves by it: the course
             of one gradient is that of ordered momentum, its commit for its delivery. The kernel is compared on rows of
             coefficients, on all small arrival orders.
missing, means  On every run ||s(k)||^2 <= (tau_cap - 1) beta^2 slopes(k), under a cap on all delays that the claim
             assumes: at most tau_cap - 1 are missing (``averages``, missing), and Cauchy-Schwarz for so many; the
             squares of all i <= k are no fewer.
missing, noise  E||z(k)||^2 <= 9 beta^2 noises(k), whatever the delays look at but samples not yet drawn. For each k,
             the sums of beta (1 - beta)^(k-i) n(i) over i <= c, c = 1..k, are a martingale: n(i) has mean 0 given all
             that was drawn before it. The last has the mean square beta^2 noises(k). That of c = C(k), which the delays
             choose, is at most E max_c ||.||^2 <= 4 beta^2 noises(k), by Doob's inequality (a theorem, taken as one).
             z(k) is the difference of the two: (1 + 2)^2 = 9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import MEAN, Context, Undone, averages, samples
from ratecheck.checks.steps.flights import BETAS, COURSE
from ratecheck.core import shelf
from ratecheck.core.gram import square
from ratecheck.core.identity import View
from ratecheck.core.proof import Fact, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import s, z
from ratecheck.core.setting_committed import COMMITTED
from ratecheck.core.setting_ordered import noises, slopes
from ratecheck.core.symbols import beta, k, tau_cap
from ratecheck.engine.replay import replay_rows

Said = tuple[Fact, frozenset[str]]


def _moves(schedule: Schedule) -> bool:
    """With the method's own kernel: the coefficients of m_k, and of x_k, on every gradient."""
    gamma, gamma_hat = stepsizes(schedule)
    fine: list[bool] = []
    for b in BETAS:
        before: list[Any] = []

        def look(view: View, b: Fraction = b, before: list[Any] = before) -> None:
            row = [Fraction(0)] * len(view.x)
            for one in averages.taken(schedule, view.step, True):
                row[1 + one] = b * (1 - b) ** (view.step - 1 - int(schedule.made_at[one]))
            moved = view.x - (before[-1] if before else view.start)
            fine.append(list(view.vectors["m"]) == row and list(moved) == [-view.gamma * c for c in row])
            before.append(view.x.copy())

        par = {"beta": b, "M": schedule.workers, "K": schedule.horizon}
        replay_rows(shelf.METHODS.get(COMMITTED.method), schedule, gamma, gamma_hat, par, look)
    return len(fine) == len(BETAS) * schedule.horizon and all(fine)


def _first(schedule: Schedule) -> bool:
    """What is committed are the first C <= k hand-outs in the order of the models, of those at x_0 worker 0's."""
    models = [0, *range(schedule.workers, schedule.handouts)]
    for step in range(1, schedule.horizon + 1):
        taken = averages.taken(schedule, step, True)
        if taken != models[: len(taken)] or any(int(schedule.made_at[one]) >= step for one in taken):
            return False
        if [int(schedule.made_at[one]) for one in taken] != list(range(len(taken))):
            return False
    return True


def _of_committed(context: Context) -> None:
    if context.setting is not COMMITTED:
        raise Undone(f"nothing is known of what {context.setting.name} commits in order")


def _say_means(given: Mapping[str, Any], context: Context) -> Said:
    _of_committed(context)
    if not context.assumes("finite tau_cap"):
        raise Undone("the claim assumes no cap on delays")
    return le(square(s(k)), (tau_cap - 1) * beta**2 * slopes(k)), frozenset()


def _say_noise(given: Mapping[str, Any], context: Context) -> Said:
    _of_committed(context)
    if not context.assumes("finite sigma"):
        raise Undone("the claim does not assume: finite sigma")
    samples.established(COMMITTED.method, COMMITTED.scheduler, "x")
    return le(square(z(k)), 9 * beta**2 * noises(k)), frozenset({MEAN})


def _equation(given: Mapping[str, Any], context: Context) -> Said:
    raise Undone("it is read off the setting's equations: use an Identity by them")


MACHINES: dict[str, tuple[Any, ...]] = {
    "ordered momentum, in order": (COURSE,),
    "missing, means": (),  # by definition of the cap, see averages
    "missing, noise": (),
}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    "ordered momentum, in order": _moves,
    "missing, means": averages.ENUMERATED["missing"],
    "missing, noise": _first,
}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {
    "ordered momentum, in order": _equation,
    "missing, means": _say_means,
    "missing, noise": _say_noise,
}
