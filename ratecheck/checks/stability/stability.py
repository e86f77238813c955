"""The largest stable stepsize of a method on F = L x^2/2, in units of 1/(M L): from zero up to the first loss.

The stable stepsizes need not be an interval, so they are looked at from small to large. Where arrivals repeat, stable
means that all eigenvalues of one period are inside the unit circle (``period``). Where they do not, a run has to
shrink (``growth``). In small cases the loss is enclosed in rational arithmetic (``schur``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ratecheck.checks.exact import compares
from ratecheck.checks.stability.effect import effect, still
from ratecheck.checks.stability.period import Period, period_of, repeats
from ratecheck.checks.stability.schur import Family, characteristic, inside
from ratecheck.core import shelf
from ratecheck.core.keys import key_of
from ratecheck.core.method import Method
from ratecheck.core.part import Part
from ratecheck.core.schedule import Schedule
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import OF_SCHEDULE
from ratecheck.errors import CapabilityError

#: M L gamma that is looked at: from the first to the last, by factors; below the first, where a gradient moves the
#: model by more than itself in the end, down to as many times less
FIRST, LAST, FACTOR = 2.0**-10, 2.0**10, 2 ** (1 / 16)
#: relative width of what is enclosed: by eigenvalues, on runs
WIDTH, ROUGH = 1e-10, 1e-4
#: counted deliveries of a schedule that is searched for a period, at least; for each worker, and again if there is
#: none; and of a run
LEAST, SEARCHED, RUN = 8192, (64, 512), 32768
#: half the width of an enclosure in rational arithmetic, in its first digit; a period of more arrivals is not enclosed
HALF, LONGEST = Fraction(4, 10**7), 16
#: why what is run is not enclosed
NO_PERIOD = "arrivals and method have no period"
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
    (stable at all up to ``low`` and not at ``high``, in rational arithmetic), "eigenvalues", "runs"; or "still" for a
    model that no gradient ever moves, and "short" for a method that remembers for longer than a run takes. ``effect``
    is what one gradient moves the model by in the end, in units of gamma: exactly where there is a period, None where
    it is no such number. ``undecided`` says why what was asked for in rational arithmetic is not enclosed.
    """

    low: Fraction | float | None
    high: Fraction | float | None
    by: str
    effect: Fraction | float | None
    period: int | None = None  #: arrivals of a period
    undecided: str = ""

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
        delays = shelf.DELAYS.get(s.delays.name)
        scheduler = shelf.SCHEDULERS.get(s.scheduler).with_numbers(dict(s.constants))
        key = key_of("stability", s.seed)
        return make(scheduler, delays, delays.parameters(s.delays.par), s.workers, steps, key)

    def ratio(self, schedule: Schedule) -> Any:
        """Return the stepsizes (N,) for a common stepsize of one. Raises CapabilityError where they do not scale."""
        rule: Stepsize = shelf.STEPSIZES.get(self.setting.stepsize)
        name, n = self.setting.stepsize, schedule.horizon
        used = [set(f.names) for f in rule.branches.values()]
        scales = not rule.chosen and all("stepsize" in names and not names & {"k", "K", *OF_SCHEDULE} for names in used)
        missing = sorted(set().union(*used) - {*self.constants, "tau", "stepsize"})
        if scales and missing:
            options = " ".join(f"--constant {m}=..." for m in missing)
            raise CapabilityError(f"stepsize {name!r} needs {', '.join(missing)}: give {options}.")
        if scales:
            once, twice = (
                rule.table(schedule.version[:n], schedule.delay[:n], {**self.constants, "stepsize": z})
                for z in (1.0, 2.0)
            )
            if np.array_equal(twice, 2 * once):
                return once
        raise CapabilityError(
            f"stepsize {name!r} is not the number 'stepsize' times a factor that depends on the delay alone: give a "
            "rule that is, such as 'constant' or 'ormo_delay_practical'."
        )


def ready(setting: Setting) -> Ready:
    """Return a setting with its parts.

    Raises CapabilityError for a method that is no kernel or compares numbers, and for delays that look at samples.
    """
    method: Method = shelf.METHODS.get(setting.method)
    constants = {**dict(setting.constants), "M": setting.workers, "L": 1}
    scheduler = shelf.SCHEDULERS.get(setting.scheduler).with_numbers(constants)
    if not method.compiled or not method.symbolic or compares(method, scheduler, constants):
        raise CapabilityError(
            f"method {method.name!r} branches on numbers or is no kernel: stability is asked of methods that are "
            "linear in the gradients."
        )
    if shelf.DELAYS.get(setting.delays.name).looks:
        raise CapabilityError(
            f"delays {setting.delays.name!r} look at samples, and stability is asked without any noise: give delays "
            "that do not, such as 'exponential'."
        )
    return Ready(setting, method, constants)


def period(one: Ready) -> Period | None:
    """Return the period of arrivals and method as matrices, None where there is none."""
    for steps in dict.fromkeys(max(LEAST, many * one.setting.workers) for many in SEARCHED):
        schedule = one.schedule(steps)
        span = repeats(schedule)
        if span is not None:
            return period_of(one.method, schedule, one.ratio(schedule), one.constants, span)
    return None


def first_loss(
    stable: Callable[[float], bool], width: float, factor: float = FACTOR, lowest: float = FIRST
) -> tuple[Any, Any]:
    """Return (low, high) around the first loss of stability on the way from FIRST up in steps of ``factor``.

    Where already FIRST is not stable, the way begins below it, at ``lowest`` at least.
    """
    low, high = None, FIRST
    while high > lowest and not stable(high):
        high = max(high / 2, lowest)
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
        return run(one, NO_PERIOD if exact else "")
    length, moved = len(found.deliveries), effect(found)
    if still(found):
        return Limit(None, None, "still", Fraction(0), length)
    rough = found.as_floats()
    low, high = first_loss(lambda x: rough.radius(x / setting.workers) < 1, WIDTH, lowest=FIRST / max(1.0, moved or 1))
    if not exact:
        return Limit(low, high, "eigenvalues", moved, length)
    longest = LONGEST * (1 + (setting.scheduler != "async"))
    if low is None or high is None:
        why = "no loss is seen"
    elif length > longest:
        why = f"its period is above {longest}"
    else:
        ends = around((low + high) / 2)
        if certified(found, setting.workers, *ends):
            return Limit(*ends, "exact", moved, length)
        why = "the ends of the enclosure were not confirmed"
    return Limit(low, high, "eigenvalues", moved, length, why)


def run(one: Ready, undecided: str) -> Limit:
    """Return the first loss of stability on runs."""
    from ratecheck.checks.stability.growth import Run

    schedule, workers = one.schedule(RUN), one.setting.workers
    course = Run(one.method, schedule, one.ratio(schedule), one.constants)
    moved = course.effect()
    if moved is None:
        return Limit(None, None, "short", None)
    low, high = first_loss(lambda x: course.growth(x / workers) < 0, ROUGH, FACTOR**4, FIRST / max(1.0, moved))
    return Limit(low, high, "runs", moved, undecided=undecided)


def around(value: float) -> tuple[Fraction, Fraction]:
    """Return the ends of the enclosure to be certified around a number: HALF on either side, less below 0.1."""
    unit = Fraction(1)
    while value < unit / 10:
        unit /= 10
    middle = round(value * 10**9 / unit) * unit / 10**9
    return middle - HALF * unit, middle + HALF * unit


def certified(found: Period, workers: int, low: Fraction, high: Fraction) -> bool:
    """Return True when all up to ``low`` are stable and ``high`` is not, in rational arithmetic."""
    if not stable_at(found, low / workers) or stable_at(found, high / workers):
        return False
    return Family(found.exact, found.degree).stable_up_to(low / workers)


def stable_at(found: Period, stepsize: Fraction) -> bool:
    """Return whether all eigenvalues of a period are inside the unit circle at this stepsize; decided exactly."""
    return inside(characteristic(found.exact(stepsize)))
