"""The largest stable stepsize of a method on F = L x^2/2, in units of 1/(M L): from zero up to the first loss.

The stable stepsizes need not be an interval, so they are looked at from small to large. Where arrivals repeat, stable
means that all eigenvalues of one period are inside the unit circle (``checks.period``). Where they do not, a run has to
shrink (``checks.growth``). In small cases the loss is enclosed in rational arithmetic (``checks.schur``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ratecheck.checks.exact import compares
from ratecheck.checks.period import Period, period_of, repeats
from ratecheck.checks.schur import Family, characteristic, inside
from ratecheck.core import shelf
from ratecheck.core.keys import key_of
from ratecheck.core.method import Method
from ratecheck.core.part import Part
from ratecheck.core.schedule import Schedule
from ratecheck.core.stepsize import Stepsize
from ratecheck.errors import CapabilityError

#: M L gamma that is looked at: from the first to the last, by factors
FIRST, LAST, FACTOR = 2.0**-10, 2.0**10, 2 ** (1 / 16)
#: relative width of what is enclosed: by eigenvalues, on runs
WIDTH, ROUGH = 1e-10, 1e-4
#: deliveries of a schedule that is searched for a period, for each worker, and again if there is none; and of a run
SEARCHED, RUN = (64, 512), 32768
#: M L gamma at which the effect of a gradient is read off: small enough for its square not to show in five digits
SMALL = 2.0**-24
#: half the width of an enclosure in rational arithmetic; a period of more arrivals is not enclosed
HALF, LONGEST = Fraction(4, 10**7), 16
#: workers alike: they deliver in turn
IN_TURN = Part("fixed")


@dataclass(frozen=True)
class Setting:
    """What runs: a method, M, and all that is not the default; ``delays`` that take turns by default."""

    method: str
    workers: int
    scheduler: str = "async"
    delays: Part = IN_TURN
    stepsize: str = "constant"
    constants: tuple[tuple[str, Any], ...] = ()
    seed: int = 1


@dataclass(frozen=True)
class Limit:
    """The first loss of stability, in M L gamma: between ``low`` and ``high``.

    ``low`` is None when already the smallest is unstable, ``high`` when none up to the largest is. ``by``: "exact"
    (stable at all up to ``low`` and not at ``high``, in rational arithmetic), "eigenvalues" or "runs".
    """

    low: Fraction | float | None
    high: Fraction | float | None
    by: str
    effect: float  #: what one gradient moves the model by in the end, in units of gamma
    period: int | None = None  #: arrivals of a period

    @property
    def value(self) -> float | None:
        """The middle; None where nothing is enclosed."""
        return None if self.low is None or self.high is None else (float(self.low) + float(self.high)) / 2


@dataclass(frozen=True, eq=False)
class Ready:
    """A setting with its parts."""

    setting: Setting
    method: Method
    constants: Mapping[str, Any] = field(default_factory=dict)

    def schedule(self, steps: int) -> Schedule:
        """Return a schedule of so many counted deliveries."""
        from ratecheck.engine.schedule import make

        s = self.setting
        delays, scheduler = shelf.DELAYS.get(s.delays.name), shelf.SCHEDULERS.get(s.scheduler)
        key = key_of("stability", s.seed)
        return make(scheduler, delays, delays.parameters(s.delays.par), s.workers, steps, key)

    def ratio(self, schedule: Schedule) -> Any:
        """Return the stepsizes (N,) for a common stepsize of one. Raises CapabilityError where they do not scale."""
        rule: Stepsize = shelf.STEPSIZES.get(self.setting.stepsize)
        n = schedule.horizon
        tables = [
            rule.table(schedule.version[:n], schedule.delay[:n], {**self.constants, "K": schedule.steps, "stepsize": z})
            for z in (1.0, 2.0)
        ]
        if not np.array_equal(tables[1], 2 * tables[0]) or any("k" in f.names for f in rule.branches.values()):
            raise CapabilityError(
                f"stepsize {self.setting.stepsize!r} is not the number 'stepsize' times a factor that depends on the "
                "delay: give a rule that is, such as 'constant' or 'ormo_delay_practical'."
            )
        return tables[0]


def ready(setting: Setting) -> Ready:
    """Return a setting with its parts. Raises CapabilityError for a method that is no kernel or compares numbers."""
    method: Method = shelf.METHODS.get(setting.method)
    constants = {**dict(setting.constants), "M": setting.workers, "L": 1}
    scheduler = shelf.SCHEDULERS.get(setting.scheduler)
    if not method.compiled or not method.symbolic or compares(method, scheduler, constants):
        raise CapabilityError(
            f"method {method.name!r} branches on numbers or is no kernel: stability is asked of methods that are "
            "linear in the gradients."
        )
    return Ready(setting, method, constants)


def period(one: Ready) -> Period | None:
    """Return the period of arrivals and method as matrices, None where there is none."""
    for many in SEARCHED:
        schedule = one.schedule(many * one.setting.workers)
        span = repeats(schedule)
        if span is not None:
            return period_of(one.method, schedule, one.ratio(schedule), one.constants, span)
    return None


def first_loss(stable: Callable[[float], bool], width: float, factor: float = FACTOR) -> tuple[Any, Any]:
    """Return (low, high) around the first loss of stability on the way from FIRST up in steps of ``factor``."""
    low, high = None, FIRST
    while stable(high):
        low, high = high, high * factor
        if high > LAST:
            return low, None
    if low is None:
        return None, high
    while high - low > width * low:
        middle = (low + high) / 2
        low, high = (middle, high) if stable(middle) else (low, middle)
    return low, high


def limit(setting: Setting, *, exact: bool = False) -> Limit:
    """Return the first loss of stability of a setting; with ``exact`` enclosed in rational arithmetic where it can be.

    The same question is answered once a process. Raises CapabilityError where it makes no sense: for a method that is
    not linear, for a rule that does not scale.
    """
    parts = (setting.method, setting.scheduler, setting.stepsize, setting.delays.name)
    versions = tuple(shelf.load_file(Path(p)).__name__ for p in parts if p.endswith(".py"))
    return _limit(setting, exact, versions)


@lru_cache(maxsize=1024)
def _limit(setting: Setting, exact: bool, versions: tuple[str, ...]) -> Limit:
    one = ready(setting)
    found = period(one)
    if found is None:
        from ratecheck.checks.growth import Run

        schedule = one.schedule(RUN)
        run = Run(one.method, schedule, one.ratio(schedule), one.constants)
        ends = first_loss(lambda x: run.growth(x / setting.workers) < 0, ROUGH, FACTOR**4)
        return Limit(*ends, "runs", run.decay(SMALL / setting.workers) * setting.workers / SMALL)
    rough = found.as_floats()
    low, high = first_loss(lambda x: rough.radius(x / setting.workers) < 1, WIDTH)
    length = len(found.deliveries)
    effect = -math.log(rough.radius(SMALL / setting.workers)) * setting.workers / SMALL / length
    if exact and low is not None and high is not None and length <= LONGEST * (1 + (setting.scheduler != "async")):
        middle = Fraction(round((low + high) / 2 * 10**9), 10**9)
        if certified(found, setting.workers, middle - HALF, middle + HALF):
            return Limit(middle - HALF, middle + HALF, "exact", effect, length)
    return Limit(low, high, "eigenvalues", effect, length)


def certified(found: Period, workers: int, low: Fraction, high: Fraction) -> bool:
    """Return True when all up to ``low`` are stable and ``high`` is not, in rational arithmetic."""
    if not stable_at(found, low / workers) or stable_at(found, high / workers):
        return False
    return Family(found.exact, found.degree).stable_up_to(low / workers)


def stable_at(found: Period, stepsize: Fraction) -> bool:
    """Return whether all eigenvalues of a period are inside the unit circle at this stepsize; decided exactly."""
    return inside(characteristic(found.exact(stepsize)))
