"""Schedule: who delivers when and who is handed work, before any gradient exists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Schedule:
    """Deliveries n = 1..N and hand-outs h = 0..H-1 (the M initial ones first), as int64 vectors.

    ``worker, job, stamp, counted, source`` describe a delivery: who, which slot of the gradients in flight, at which
    version it was computed, whether it counts, and which hand-out it answers. The hand-outs made after delivery n
    (n = 0: at the start) are ``offset[n] .. offset[n+1]-1``, with ``to_worker, to_job`` and ``made_at`` (version).
    ``horizon`` is N of the run; deliveries beyond it (``worker[horizon:]``), if present, only close the gradients in
    flight at the horizon (output rule RL). ``time`` (N,) is there when a clock made the schedule,
    ``until`` (H,) when the scheduler stops work: after how many deliveries a hand-out was dropped; -1: it was not.
    """

    workers: int
    jobs: int
    worker: Ints
    job: Ints
    stamp: Ints
    counted: Ints
    source: Ints
    offset: Ints
    to_worker: Ints
    to_job: Ints
    made_at: Ints
    horizon: int
    time: Floats | None = None
    until: Ints | None = None

    @cached_property
    def version(self) -> Ints:
        """Server version at which each delivery is applied, k = 1..K (N,); dropped deliveries repeat the next k."""
        return np.cumsum(self.counted) + (1 - self.counted)

    @cached_property
    def delay(self) -> Ints:
        """Delay tau = k - stamp >= 1 of each delivery (N,)."""
        return self.version - self.stamp

    @cached_property
    def longest(self) -> dict[str, float]:
        """tau_max and tau_closed: the largest delay, without and with gradients in flight at K, back at K + 1."""
        longest = float(self.delay[: self.horizon].max(initial=1))
        late = self.steps + 1 - self.made_at[: self.handouts][self.flying & (self.made_at[: self.handouts] > 0)]
        return {"tau_max": longest, "tau_closed": max(longest, float(late.max(initial=1)))}

    @cached_property
    def oldest(self) -> int:
        """The largest delay, gradients in flight at K back at K + 1, those of x_0 included."""
        late = self.steps + 1 - self.made_at[: self.handouts][self.flying]
        return int(max(self.delay[: self.horizon].max(initial=1), late.max(initial=1)))

    @property
    def steps(self) -> int:
        """K: the number of counted deliveries up to the horizon."""
        return int(self.counted[: self.horizon].sum())

    @property
    def handouts(self) -> int:
        """The number of hand-outs made up to the horizon, the M initial ones included."""
        return int(self.offset[self.horizon + 1])

    def out(self, deliveries: int, handouts: int) -> npt.NDArray[np.bool_]:
        """Return which of the first hand-outs (handouts,) are in flight after so many deliveries."""
        found = np.ones(len(self.made_at), dtype=bool)
        found[self.source[:deliveries]] = False
        if self.until is not None:
            found &= (self.until < 0) | (self.until > deliveries)
        return found[:handouts]

    @property
    def flying(self) -> npt.NDArray[np.bool_]:
        """Which hand-outs (H,) are in flight at the horizon."""
        return self.out(self.horizon, self.handouts)

    @property
    def closed(self) -> bool:
        """True when every gradient handed out by the horizon is delivered in the schedule, or stopped."""
        stopped = 0 if self.until is None else int(np.count_nonzero(self.until[: self.handouts] >= 0))
        return int(np.count_nonzero(self.source < self.handouts)) + stopped == self.handouts

    def prefix(self, steps: int) -> Schedule:
        """Return the schedule up to its first ``steps`` deliveries, keeping the rest to close gradients in flight."""
        if not 1 <= steps <= self.horizon:
            raise ValueError(f"a prefix of {steps} deliveries of a schedule of {self.horizon}")
        return replace(self, horizon=steps)


@dataclass(frozen=True, eq=False)
class Weighted:
    """A schedule with stepsizes: what a run needs and what the schedule-conditional bounds need.

    ``gamma`` (N,) per delivery up to the horizon, ``gamma_hat`` (H,) final stepsize per hand-out under the output
    rule, ``weight`` (K+1,) output weight of x_0..x_K. ``grown`` (K+2,) are the products of the growth factors of a
    claim's weights from the start to before x_0, x_0, .., x_K, divided by the last one: ones where nothing grows.
    """

    schedule: Schedule
    gamma: Floats
    gamma_hat: Floats
    weight: Floats
    grown: Floats

    @property
    def constants(self) -> dict[str, float]:
        """The numbers of this schedule that conditional bounds use (``core.symbols.OF_SCHEDULE``)."""
        found = sums(self.schedule, self.gamma_hat, self.weight, self.grown)
        return {**{name: float(value) for name, value in found.items()}, **self.schedule.longest}


def grown(factors: Any) -> Any:
    """Return ``Weighted.grown`` (K+2,) for the growth factors (K+1,) of x_0..x_K: floats, or an array of Fractions.

    Divided by the last product, for the products themselves overflow on long runs.
    """
    return np.append(np.cumprod(1 / factors[::-1])[::-1], factors[-1] / factors[-1])


def sums(schedule: Schedule, gamma_hat: Any, weight: Any, grown: Any) -> dict[str, Any]:
    """Return W, Q, S, V, Gamma_0 and decay of arrays as in ``Weighted``, of floats or of Fractions.

    V: the gradient of hand-out h, made at version i and delivered at version d (K+1 where it is not), is in flight
    beside that of x_k for i < k < d.
    """
    n, made_at, squares = schedule.horizon, schedule.made_at[: schedule.handouts], gamma_hat * gamma_hat
    back = np.full(schedule.handouts, schedule.steps + 1)
    back[schedule.source[:n]] = schedule.version[:n]
    until = np.cumsum(weight)
    return {
        "W": weight.sum(),
        "Q": squares.sum(),
        "S": (squares * grown[made_at + 1]).sum(),
        "V": (squares * (until[back - 1] - until[made_at])).sum(),
        "Gamma_0": gamma_hat[made_at == 0].sum(),
        "decay": grown[0],
    }
