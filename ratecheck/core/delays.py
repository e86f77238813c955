"""Delays: how long each gradient takes (a clock), or in which order gradients arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.assumption import POLICIES
from ratecheck.core.noise import Noise
from ratecheck.core.part import merged, number
from ratecheck.errors import CapabilityError, PartError

#: parameters that every clock has: explicit mean durations, or a ratio slowest/fastest spread geometrically; and the
#: part of the workers that takes ``slowdown`` times as long on top
SPEEDS: Mapping[str, Any] = {"speeds": None, "spread": 1, "slow": 0, "slowdown": 10}
#: parameter of every model that looks at samples; 1: it is shown an independent copy of the noise, its blind twin
LOOKING: Mapping[str, Any] = {"blind": 0}


@dataclass(frozen=True)
class Delays:
    """A delay model: ``duration`` (a clock), ``order`` (an explicit order of arrivals) or ``pick`` (a rule that looks).

    ``duration(key, worker, number, mean, par)`` is a kernel that returns how long the ``number``-th task of
    ``worker`` takes, given that worker's mean duration; it draws by key, so a duration does not depend on what else
    happens. Clocks drive any scheduler and all take ``speeds`` (mean durations, one a worker) or ``spread``, and
    ``slow``: that part of the workers, rounded to whole ones, the first ones, takes ``slowdown`` times as long.
    ``order(workers, steps, par, key)`` returns the int64 vector of workers in order of arrival (steps,).

    A clock may look at samples: ``stretch(noise, par)`` returns a factor (H,) on the durations of the H hand-outs, from
    their noises (H, d) of unit variance in each coordinate, that of a hand-out from its own noise alone. A scheduler
    that looks at all samples in flight is ``pick(flying, state, par)``, a kernel that returns the worker who delivers
    next: ``flying`` (M, d) is the noise of each worker's oldest task (nan: it has none), ``par`` (p,) the numbers in
    the order of ``par``, ``state`` (s,) the rule's own numbers, zero at the start, s = ``memory(M, d)``. It is never
    shown a sample that is not drawn yet. ``policy`` says what delays may depend on (one of ``POLICIES``; "mean-zero
    given the duration": ``stretch`` does not see the sign of the noise), and every run has a schedule of its own.

    All models that look take ``blind``: with 1 they are shown an independent copy of the noise, of the same law. Delays
    have the same law then, and none depends on the samples: an effect that is left is one of the delays alone.

    ``beyond``, of a model that does nothing but to noise above it, in standard deviations of a coordinate: under a
    law that never is (fair signs are 1 long) a cell with this model cannot be built.

    ``longest(workers, par)`` declares the largest delay that can occur (None: unbounded), ``par`` being the merged
    parameters with numbers as floats. ``recorded(par)`` gives (M, K) where the order is a recorded one.
    ``check(par)`` says in words what is wrong with the parameters, or None.
    """

    name: str
    duration: Callable[..., float] | None = None
    order: Callable[[int, int, Mapping[str, Any], np.uint64], npt.NDArray[np.int64]] | None = None
    par: Mapping[str, Any] = field(default_factory=dict, hash=False)
    longest: Callable[[int, Mapping[str, Any]], int | None] | None = None
    recorded: Callable[[Mapping[str, Any]], tuple[int, int]] | None = None
    check: Callable[[Mapping[str, Any]], str | None] | None = None
    stretch: Callable[[npt.NDArray[np.float64], Mapping[str, Any]], npt.NDArray[np.float64]] | None = None
    pick: Callable[..., int] | None = None
    memory: Callable[[int, int], int] = field(default=lambda workers, dimension: 1)
    policy: str = "independent"
    beyond: float | None = None

    def __post_init__(self) -> None:
        if sum(kernel is not None for kernel in (self.duration, self.order, self.pick)) != 1:
            raise PartError(f"delays {self.name!r} needs one of duration (a clock), order and pick, and no other.")
        if self.policy not in POLICIES:
            raise PartError(f"delays {self.name!r}: policy is one of {', '.join(POLICIES)}, not {self.policy!r}.")
        if self.looks == (self.policy == POLICIES[0]) or (self.stretch and not self.duration):
            raise PartError(
                f"delays {self.name!r}: a clock that looks at samples has stretch and a policy beyond 'independent', "
                "any other has neither; pick looks, too."
            )
        if self.pick and self.policy != POLICIES[-1]:
            raise PartError(f"delays {self.name!r}: pick sees all samples in flight, its policy is {POLICIES[-1]!r}.")

    @property
    def looks(self) -> bool:
        """True when delays may depend on samples, so that every run has a schedule of its own."""
        return self.stretch is not None or self.pick is not None

    def policy_under(self, noise: Noise, law: Mapping[str, float], par: Mapping[str, Any]) -> str:
        """Return the policy of a cell under a noise with parameters ``law``: of the blind twin, 'independent'.

        A clock that does not see the sign of the noise leaves it with mean zero where its law is symmetric alone.
        Raises CapabilityError where the noise is never ``beyond`` what these delays look at.
        """
        if self.beyond is not None and noise.bound and noise.bound(law) <= self.beyond:
            raise CapabilityError(
                f"delays {self.name!r} can hold nothing back: noise {noise.name!r} is never longer than "
                f"{self.beyond:g} standard deviation in a coordinate, so that no sample of it is rare."
            )
        if par.get("blind"):
            return POLICIES[0]
        return POLICIES[2] if self.policy == POLICIES[1] and not noise.symmetric(law) else self.policy

    @property
    def is_clock(self) -> bool:
        """True when durations exist, so that any scheduler can be driven."""
        return self.duration is not None

    def parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters over the defaults: numbers as floats, lists and texts as they are.

        Raises PartError for an unknown parameter, one that is no number where a clock needs one, or one out of range.
        """
        defaults = {**(SPEEDS if self.is_clock else {}), **(LOOKING if self.looks else {}), **self.par}
        found = merged("delays", self.name, defaults, given)
        par = {n: _plain(v, f"delays {self.name!r}, {n}") for n, v in found.items()}
        if self.is_clock or self.pick:
            self.numbers(par)
        if par.get("blind", 0) not in (0, 1):
            raise PartError(f"delays {self.name!r}: blind is 0 or 1, not {par['blind']!r}.")
        fault = self.check(par) if self.check else None
        if fault:
            raise PartError(f"delays {self.name!r}: {fault}.")
        return par

    def factors(self, noise: npt.NDArray[np.float64], par: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        """Return what ``stretch`` says of these noises (H, d): (H,). Raises PartError unless all are positive."""
        assert self.stretch is not None
        found = np.asarray(self.stretch(noise, par), dtype=np.float64)
        if found.shape != noise.shape[:1] or not np.all((found > 0) & np.isfinite(found)):
            raise PartError(f"delays {self.name!r}: stretch gives no positive number for each of {len(noise)} tasks.")
        return found

    def means(self, workers: int, par: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        """Return the mean duration of each worker (M,), positive. Raises PartError when the speeds do not fit M."""
        if par.get("speeds") is not None:
            means = np.array([number(v, f"delays {self.name!r}, speeds") for v in par["speeds"]])
            if means.shape != (workers,):
                raise PartError(f"delays {self.name!r}: speeds has {means.size} entries for M = {workers} workers.")
        else:
            ratio = float(par["spread"])
            if not ratio > 0:
                raise PartError(f"delays {self.name!r}: spread must be positive, not {ratio:g}.")
            means = ratio ** (np.arange(workers) / max(1, workers - 1))
        slow = float(par.get("slow", 0))
        if not 0 <= slow <= 1:
            raise PartError(f"delays {self.name!r}: slow is a part of the workers, from 0 to 1, not {slow:g}.")
        means[: round(slow * workers)] *= float(par.get("slowdown", 1))
        if not np.all((means > 0) & np.isfinite(means)):
            raise PartError(f"delays {self.name!r}: mean durations must be positive numbers.")
        return means

    def numbers(self, par: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        """Return the model's own numbers (p,), in the order of ``par``, for the kernel."""
        return np.array([number(par[n], f"delays {self.name!r}, {n}") for n in self.par] or [0.0])


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, list | tuple) or (isinstance(value, str) and "/" not in value):
        return value
    return value if isinstance(value, str) and not value.replace("/", "").isdigit() else number(value, where)
