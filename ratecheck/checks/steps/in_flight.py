"""Counting lemmas of what is drawn, in flight and back after delivery K (``core.setting_flight``), for any M and K.

what is back  back = drawn(K) - flight: what a worker was handed less what it has in flight is what it delivered.
flight    sum_j b(j) <= sum_m b0(m) + sum_k b(k), b the squared norm of a noise, of a part of it, or with its weight,
          or another power of it:
          those in flight are different hand-outs, each made before delivery K is answered.
drift     error = back + sum_j (sent0 - sentf(j)). In means, what was handed out is M times sent0, and once the mean
          sent from each of x_1..x_(K-1): these and one sent0 add up to K times the gradient at the newest of them,
          since (v + 1) h_v - v h_(v-1) telescopes. The M - 1 in flight are not in q.
arrivals  sum_a b(a) <= sum_m b0(m) + sum_k b(k): so are those that are back.

All hold on every run, whoever delivers and whatever that depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import Context, Undone
from ratecheck.checks.steps.enumerated import ENUMERATED as OF_ASYNC
from ratecheck.checks.steps.machines import MACHINES as OF_WORKERS
from ratecheck.checks.steps.machines import Machine, applied_, b_, current, made_, new, now, step, total_
from ratecheck.core import shelf
from ratecheck.core.gram import square
from ratecheck.core.identity import View
from ratecheck.core.proof import Fact, eq, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import j, m, n, n_0, n_flying
from ratecheck.core.setting_flight import (
    FLIGHT,
    a,
    back,
    drawn,
    flight,
    heavy,
    heavy_0,
    heavy_flying,
    n_back,
    power,
    power_0,
    power_flying,
    rest,
    rest_0,
    rest_back,
    told,
    told_0,
    told_flying,
)
from ratecheck.core.symbols import K, M, k
from ratecheck.engine.replay import replay_rows

Said = tuple[Fact, frozenset[str]]

#: what a noise at x_k is called at x_0, in flight and back
IN_FLIGHT = {n(k): (n_0(m), n_flying(K, j)), told(k): (told_0(m), told_flying(j)),
             heavy(k): (heavy_0(m), heavy_flying(j)), power(k): (power_0(m), power_flying(j))}  # fmt: skip
BACK = {n(k): (n_0(m), n_back(a)), rest(k): (rest_0(m), rest_back(a))}


def _arrived(s: Schedule) -> bool:
    """At every delivery what was drawn is in flight or back, each once, and M + k - 1 were drawn."""
    for now_ in range(1, s.horizon + 1):
        made, came = int(s.offset[now_]), sorted(s.source[:now_].tolist())
        flying = [one for one in range(made) if one not in came]
        if made != s.workers + now_ - 1 or len(flying) != s.workers - 1 or len(set(came)) != now_:
            return False
    return True


def _arrivals(s: Schedule) -> bool:
    """What is back was drawn before, each once."""
    came = s.source[: s.horizon].tolist()
    return len(set(came)) == len(came) and all(one < s.offset[by] for by, one in enumerate(came, 1))


def _drift(s: Schedule) -> bool:
    """In means q less K times the newest gradient is the drift, with the method's own kernel."""
    gamma, gamma_hat = stepsizes(s)
    method, made, fine = shelf.METHODS.get(FLIGHT.method), s.made_at[: s.handouts].tolist(), []

    def sent(v: int, size: int) -> Any:
        row = np.zeros(size, dtype=object)
        row[v] = v + 1
        row[max(v - 1, 0)] -= v
        return row

    def look(view: View) -> None:
        size, total = s.handouts, np.zeros(s.handouts, dtype=object)
        q = view.vectors["q"]
        for one, version in enumerate(made):
            for look_, c in enumerate(q[1 + one :: size][:2]):  # at the model of its version, and at the one before
                total[max(version - look_, 0)] += c
        total[view.step - 1] -= view.step
        gone = sum((sent(0, size) - sent(f.version, size) for f in view.in_flight[:-1]), np.zeros(size, dtype=object))
        fine.append(q[0] == q[-1] == 0 and bool(np.all(total == gone)))

    replay_rows(method, s, gamma, gamma_hat, {"M": s.workers, "K": s.horizon}, look)
    return len(fine) == s.horizon and all(fine)


ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    "what is back": _arrived,
    "flight": OF_ASYNC["handed out"],
    "arrivals": _arrivals,
    "drift": _drift,
}
#: the gradients at x_0, x_1, .. with v + 1 and -v add up to the newest, as often as there are models
_TELESCOPED = {current: new, total_: total_ + (now + 1) * new - now * current}
MACHINES = {
    "what is back": OF_WORKERS["in flight"],
    "drift": (
        *OF_WORKERS["in flight"],
        Machine({total_: current}, _TELESCOPED, _TELESCOPED, zero=(total_ - (step + 1) * current,)),
    ),
    "flight": OF_WORKERS["handed out"],
    # b of what is in flight is nonnegative, so what was applied is at most what was handed out
    "arrivals": (
        Machine({made_: b_, applied_: 0}, {}, {applied_: applied_ + b_, made_: made_ + new, b_: new},
                zero=(made_ - applied_ - b_,)),
    ),
}  # fmt: skip


def _among(names: Mapping[Any, Any], index: sp.Symbol, last: Any) -> Callable[[Mapping[str, Any], Context], Said]:
    """``of``: the noise, or part of one, at x_k."""

    def say(given: Mapping[str, Any], context: Context) -> Said:
        of = given["of"]
        if context.setting is not FLIGHT or of not in names:
            raise Undone(f"{of} is nothing that {context.setting.name} counts")
        first, here = names[of]
        first, here, of = (one if of == power(k) else square(one) for one in (first, here, of))
        whole = sp.Sum(first, (m, 1, M)) + sp.Sum(of, (k, 1, K - 1))
        return le(sp.Sum(here, (index, 1, last)), whole), frozenset()

    return say


def _say_arrived(given: Mapping[str, Any], context: Context) -> Said:
    if context.setting is not FLIGHT:
        raise Undone(f"{context.setting.name} has no letter for what is back")
    return eq(back, drawn(K) - flight), frozenset()


STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {
    "what is back": _say_arrived,
    "flight": _among(IN_FLIGHT, j, M - 1),
    "arrivals": _among(BACK, a, K),
}
