"""Counting lemmas on one schedule of the engine: what is enumerated over all arrival orders of small cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ratecheck.core.schedule import Schedule
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import L
from ratecheck.engine.schedule import weigh


def _sums(schedule: Schedule) -> dict[str, Any]:
    """Return for each hand-out the version it was made at, its closed delay, and whether it is delivered."""
    horizon, handouts = schedule.horizon, schedule.handouts
    made = schedule.made_at[:handouts].astype(int)
    end = np.full(handouts, horizon + 1)
    end[schedule.source[:horizon]] = np.arange(1, horizon + 1)
    return {"made": made, "closed": end - made, "end": end}


def _delays(s: Schedule) -> bool:
    return int(s.delay[: s.horizon].sum()) <= s.workers * s.horizon


def _at_least_1(s: Schedule) -> bool:
    return int(s.delay[: s.horizon].min()) >= 1 and int(_sums(s)["closed"].min()) >= 1


def _closed(s: Schedule) -> bool:
    table = _sums(s)
    return int(table["closed"][table["made"] > 0].sum()) <= s.workers * s.horizon


def _arrived(s: Schedule) -> int:
    return len(set(s.worker[: s.horizon].tolist()))


def _telescoped(s: Schedule) -> bool:
    many = _arrived(s)
    return int(s.delay[: s.horizon].sum()) <= many * s.horizon - many * (many - 1) // 2


def _closed_by_p(s: Schedule) -> bool:
    table = _sums(s)
    return int(table["closed"][table["made"] > 0].sum()) <= _arrived(s) * s.horizon


def _delivered(s: Schedule) -> bool:
    return sorted(s.source[: s.horizon]) == list(np.flatnonzero(_sums(s)["end"] <= s.horizon))


def _windows(s: Schedule) -> bool:
    """At each k the other workers have M - 1 gradients in flight, and each hand-out is among them t - 1 times."""
    table, owner = _sums(s), s.to_worker[: s.handouts]
    count = np.zeros(s.handouts, dtype=int)
    for step_ in range(1, s.horizon + 1):
        flying = np.flatnonzero((table["made"] < step_) & (table["end"] > step_))
        if len(flying) != s.workers - 1 or s.worker[step_ - 1] in owner[flying]:
            return False
        count[flying] += 1
    return bool(np.all(count == table["closed"] - 1))


def _windows_before(s: Schedule) -> bool:
    """Up to any step a hand-out that was made before is in flight beside others t - 1 times at most, later ones 0."""
    table, owner = _sums(s), s.to_worker[: s.handouts]
    count = np.zeros(s.handouts, dtype=int)
    for step_ in range(1, s.horizon + 1):
        made_before = table["made"] < step_
        if np.any(count > np.where(made_before, table["closed"] - 1, 0)):
            return False
        count += made_before & (table["end"] > step_) & (owner != s.worker[step_ - 1])
    return True


def _growing_windows(s: Schedule) -> bool:
    """Windows, and the lemma itself with A = b = 1 and weights that double at each step: w(k) = 2^k."""
    table = _sums(s)
    left = sum((s.workers - 1) * 2**step_ for step_ in range(1, s.horizon + 1))
    waits = [(int(t) - 1, int(made)) for t, made in zip(table["closed"], table["made"], strict=True)]
    return _windows(s) and left <= sum(wait * 2 ** (made + wait) for wait, made in waits)


def _handed_out(s: Schedule) -> bool:
    """What the other workers have in flight at k are different hand-outs, each made before k."""
    table, owner = _sums(s), s.to_worker[: s.handouts]
    for step_ in range(1, s.horizon + 1):
        flying = [np.flatnonzero((owner == m) & (table["made"] < step_))[-1] for m in range(s.workers)
                  if m != s.worker[step_ - 1]]  # fmt: skip
        if len(set(flying)) != s.workers - 1 or any(table["end"][flying] <= step_):
            return False
    return True


def _earlier(s: Schedule) -> bool:
    """With the closed delay of the gradient of x_i for b(i): its sum over i < k is at most the sum over all k."""
    table = _sums(s)
    closed, made = table["closed"], table["made"]
    whole = closed[made > 0].sum()
    return all(closed[(made > 0) & (made < k)].sum() <= whole for k in range(1, s.horizon + 1))


def _unused(s: Schedule) -> bool:
    """No hand-out that is in flight at k was delivered by k."""
    table = _sums(s)
    return all(not set(s.source[:k].tolist()) & set(np.flatnonzero((table["made"] < k) & (table["end"] > k)).tolist())
               for k in range(1, s.horizon + 1))  # fmt: skip


def _again(s: Schedule) -> Any:
    """Return for each delivery whether its worker arrived before."""
    arrived = s.worker[: s.horizon].tolist()
    return np.array([m in arrived[:k] for k, m in enumerate(arrived)])


def _later(s: Schedule) -> bool:
    many = _arrived(s)
    return int(s.delay[: s.horizon][_again(s)].sum()) <= many * (s.horizon - many)


def _later_weights(s: Schedule) -> bool:
    """Deliveries that are not a worker's first answer hand-outs at x_1, x_2, .., each another one; the rest x_0."""
    table, source = _sums(s), s.source[: s.horizon]
    later = np.flatnonzero((table["made"] > 0) & (table["end"] <= s.horizon))
    return sorted(source[_again(s)]) == list(later) and bool(np.all(table["made"][source[~_again(s)]] == 0))


def _never_back(s: Schedule) -> bool:
    """Under R1, R0 and uniform an initial hand-out that is not delivered by K has the final stepsize 0."""
    initial, back = _sums(s)["made"] == 0, _sums(s)["end"] <= s.horizon
    found = [weigh(s, Stepsize(one=1 / L), {"L": 1.0}, rule).gamma_hat for rule in ("R1", "R0", "uniform")]
    return all(not one[initial & ~back].any() for one in found)


def _first_arrivals(s: Schedule) -> bool:
    initial = (_sums(s)["made"] == 0) & (_sums(s)["end"] <= s.horizon)
    return _never_back(s) and int(initial.sum()) == _arrived(s) <= s.horizon


def _longest(s: Schedule) -> bool:
    """The engine's tau_closed is at least the closed delay of all hand-outs but initial ones that are not delivered."""
    table = _sums(s)
    counts = (table["made"] > 0) | (table["end"] <= s.horizon)
    return _never_back(s) and bool(np.all(table["closed"][counts] <= s.longest["tau_closed"]))


ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    "delays": _delays,
    "at least 1": _at_least_1,
    "closed": _closed,
    "telescoped": _telescoped,
    "closed by p": _closed_by_p,
    "delivered": _delivered,
    "windows": _windows,
    "windows before k": _windows_before,
    "growing windows": _growing_windows,
    "in flight": _windows,
    "unused": _unused,
    "arrived": lambda s: _arrived(s) <= s.workers,
    "later": _later,
    "number of later": lambda s: int(_again(s).sum()) == s.horizon - _arrived(s),
    "later weights": _later_weights,
    "largest": lambda s: _arrived(s) <= int(s.delay[: s.horizon].max()),
    "handed out": _handed_out,
    "earlier": _earlier,
    "first arrivals": _first_arrivals,
    "longest": _longest,
    "tau_closed": lambda s: s.longest["tau_closed"] >= 1,
    "first delivery": lambda s: int(s.made_at[s.source[0]]) == 0,
}
