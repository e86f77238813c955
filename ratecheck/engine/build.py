"""From a cell (data) to what runs: parts from the shelves, the schedule with its stepsizes, the constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.delays import Delays
from ratecheck.core.formula import Formula
from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.method import Method
from ratecheck.core.noise import Noise
from ratecheck.core.part import number
from ratecheck.core.problem import Instance, Problem
from ratecheck.core.schedule import Schedule, Weighted
from ratecheck.core.scheduler import Scheduler
from ratecheck.core.signs import require_shares, require_signs
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import MEASURED, OF_SCHEDULE
from ratecheck.engine.compile import is_users, seal
from ratecheck.engine.schedule import make, weigh
from ratecheck.engine.sight import Sight, seen
from ratecheck.errors import AssumptionError, CapabilityError, PartError

#: a schedule keeps about a hundred bytes a step
LONGEST = 50_000_000
#: values that a cell's parameters may name instead of a number, computed from the cell's constants
DERIVED = {
    "B_over_W": lambda c: c["B"] / c["W"],
    "K_over_M": lambda c: c["K"] / c["M"],
    "sigma_over_sqrt_K": lambda c: c["sigma"] / math.sqrt(c["K"]),
}


#: numbers of an objective up to which its value at the start is computed without compiling
PLAIN = 4096


@dataclass(frozen=True, eq=False)
class Built:
    """A cell made ready: its parts, its objective, its schedule with stepsizes, its constants and facts."""

    cell: Cell
    method: Method
    scheduler: Scheduler
    stepsize: Stepsize
    problem: Problem
    instance: Instance
    noise: Noise
    noise_par: npt.NDArray[np.float64]
    weighted: Weighted
    constants: dict[str, Any]
    facts: dict[str, Any]
    key: np.uint64
    delays: Delays
    seed: int
    growth: Formula | None = None

    @property
    def own_schedules(self) -> bool:
        """True when the delays look at samples, or at copies, so that every run has a schedule of its own."""
        return self.delays.looks

    @property
    def policy(self) -> str:
        """What the delays of this cell may depend on, one of POLICIES."""
        return str(self.facts["policy"])

    @property
    def noisy(self) -> bool:
        """True when runs differ: additive noise with sigma > 0, or row sampling."""
        return not self.noise.additive or bool(self.constants["sigma"])


@lru_cache(maxsize=64)
def _schedule(scheduler: Scheduler, delays: Delays, par: tuple[tuple[str, Any], ...], workers: int, steps: int,
              key: int, close: bool) -> Schedule:  # fmt: skip
    return make(scheduler, delays, {n: list(v) if isinstance(v, tuple) else v for n, v in par}, workers, steps,
                np.uint64(key), close=close)  # fmt: skip


def _frozen(par: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((n, tuple(v) if isinstance(v, list) else v) for n, v in par.items())


def build(
    cell: Cell, seed: int, *, method: str, scheduler: str, stepsize: str | Stepsize, folder: Path | None = None,
    growth: Formula | None = None, failing: Callable[[Mapping[str, Any]], list[str]] | None = None,
) -> Built:  # fmt: skip
    """Resolve a cell. ``method``, ``scheduler`` and ``stepsize`` are the claim's; the cell's own win.

    ``growth`` is that of the claim's output weights.
    ``failing(facts)`` names what a claim assumes and the parts do not have; the first such sentence is raised as an
    AssumptionError before any schedule is made.

    The schedule depends on the seed, the delays, M and K only (and on the samples, where delays look), so methods and
    noise levels are compared on the same delays; the samples depend on the seed and the whole cell. Raises PartError,
    UnknownName, CapabilityError or AssumptionError (a declared constant that the objective itself contradicts).
    """
    chosen = cell.stepsize or stepsize
    rule = shelf.STEPSIZES.get(chosen, folder) if isinstance(chosen, str) else chosen
    how = shelf.METHODS.get(cell.method or method, folder)
    who = shelf.SCHEDULERS.get(cell.scheduler or scheduler, folder).with_numbers(cell.constants)
    problem, noise = shelf.PROBLEMS.get(cell.problem.name, folder), shelf.NOISES.get(cell.noise.name, folder)
    delays = shelf.DELAYS.get(cell.delays.name, folder)
    if not noise.additive and problem.gradient is None:
        raise PartError(f"noise {noise.name!r} samples rows, and problem {problem.name!r} is no finite sum.")
    if cell.K % who.period(cell.M):
        raise AssumptionError(
            f"K = {cell.K} is no multiple of M = {cell.M}: scheduler {who.name!r} works in rounds of M."
        )
    par = noise.parameters(cell.noise.par)
    policy = delays.policy_under(noise, par, delays.parameters(cell.delays.par))
    plain = {n: v for n, v in cell.problem.par.items() if not (isinstance(v, str) and v in DERIVED)}
    instance = problem.instance(plain, {"M": cell.M, "K": cell.K, "seed": seed}, _data_key(cell))
    own = {n: number(v, f"method {how.name!r}, {n}") for n, v in how.par.items() if v is not None}  # for formulas
    constants = {**own, **_constants(cell, how, problem, instance, noise, par)}
    facts = {
        **constants, "classes": instance.classes, "problem": cell.problem.label, "scheduler": who.name,
        "own_scheduler": shelf.SCHEDULERS.get(scheduler, folder).name, "policy": policy, "noise": noise.name,
        "delays": cell.delays.label, "additive": noise.additive, "by_hand": frozenset(cell.constants),
    }  # fmt: skip
    _require(failing, facts)
    how.require(who.name)
    constants |= (picked := _chosen(cell, rule, constants, own))
    _require(failing, facts | picked)
    numbers = np.array([par[n] for n in noise.par] or [0.0])
    # methods, stepsizes and claims are compared on the same samples
    common = replace(cell, method=None, scheduler=None, stepsize=None, output="", constants={}).digest
    key = key_of("samples", seed, common)
    look = Sight(key, noise, numbers, problem, instance) if delays.looks else None
    schedule = _schedule_of(cell, who, delays, seed, look)
    weighted = weigh(schedule, rule, constants, cell.output or "R1", growth)
    if plain != cell.problem.par:
        if delays.looks:
            raise CapabilityError(
                f"a parameter of problem {problem.name!r} is derived from the schedule, and every run has a schedule "
                f"of its own under delays {delays.name!r}, which look at samples."
            )
        instance = _derived(cell, problem, {**constants, **weighted.constants, "seed": seed})
        constants = _unmoved(constants, {**own, **_constants(cell, how, problem, instance, noise, par)}, rule, problem)
    facts |= (constants := constants | weighted.constants)
    return Built(
        cell, how, who, rule, problem, instance, noise, numbers, weighted, constants, facts, key, delays, seed, growth
    )  # fmt: skip


def of_block(built: Built, block: int) -> Built:
    """Return the cell with the schedule of one block of runs: where delays look at samples each has its own.

    Its noise is drawn by key at hand-out, as the run will meet it; nothing is known of the iterates.
    """
    if not built.own_schedules or block == 0:
        return built
    look = Sight(built.key, built.noise, built.noise_par, built.problem, built.instance)
    schedule = _schedule_of(built.cell, built.scheduler, built.delays, built.seed, look, block)
    weighted = weigh(schedule, built.stepsize, built.constants, built.cell.output or "R1", built.growth)
    return replace(built, weighted=weighted, constants={**built.constants, **weighted.constants})


def _require(failing: Callable[[Mapping[str, Any]], list[str]] | None, facts: Mapping[str, Any]) -> None:
    if failing and (faults := failing(facts)):
        raise AssumptionError(faults[0])


def _chosen(cell: Cell, rule: Stepsize, constants: Mapping[str, Any], own: Mapping[str, float]) -> dict[str, float]:
    """Return what the stepsize rule chooses. Raises AssumptionError when the cell has it, or another sign."""
    require_signs({n: constants[n] for n in (*own, *cell.constants) if constants[n] is not None})
    declared = sorted(set(rule.chosen) & set(cell.constants))
    if declared:
        raise AssumptionError(
            f"the cell declares {declared[0]} = {cell.constants[declared[0]]}, and it is chosen with the stepsize: "
            f"{rule.chosen[declared[0]].expr}; leave it out of the constants"
        )
    return rule.numbers(constants)


def _data_key(cell: Cell) -> np.uint64:
    return key_of("problem", Path(cell.problem.name).stem)


def _schedule_of(
    cell: Cell, scheduler: Scheduler, delays: Delays, seed: int,
    look: Sight | None = None, block: int = 0,
) -> Schedule:  # fmt: skip
    if cell.K > LONGEST:
        raise CapabilityError(f"K = {cell.K:,} is more than the {LONGEST:,} steps that a schedule may have in memory.")
    key = key_of("delays", seed, cell.delays.label, cell.M)
    close, given = cell.output == "RL", delays.parameters(cell.delays.par)
    if look is not None:
        own = key_of(int(key), "block", block)
        schedule = seen(scheduler, delays, _frozen(given), cell.M, cell.K, int(own), close, look, block)
    else:
        schedule = _schedule(scheduler, delays, _frozen(given), cell.M, cell.K, int(key), close)
    return _capped(cell, schedule.prefix(cell.K) if schedule.horizon > cell.K else schedule)


def _capped(cell: Cell, schedule: Schedule) -> Schedule:
    """Return the schedule. Raises AssumptionError when the cell declares a tau_cap that a delay of it is above."""
    most = cell.constants.get("tau_cap")
    if most is not None and schedule.oldest > most:
        raise AssumptionError(
            f"a gradient is out for {schedule.oldest} steps, and the cell declares tau_cap = {most:g}: declare a cap "
            "that all delays are within, or delays that are."
        )
    return schedule


def _derived(cell: Cell, problem: Problem, known: dict[str, Any]) -> Instance:
    """Make the objective with the parameters that are derived from the schedule and its stepsizes."""
    given = {n: DERIVED[v](known) if isinstance(v, str) and v in DERIVED else v for n, v in cell.problem.par.items()}
    return problem.instance(given, known, _data_key(cell))


def _unmoved(before: dict[str, Any], after: dict[str, Any], rule: Stepsize, problem: Problem) -> dict[str, Any]:
    """Return ``after``; raises CapabilityError when it changes a constant that the stepsizes were made with."""
    used = {n for formula in rule.present(before).values() for n in formula.names} & set(before)
    moved = sorted(n for n in used | {"B"} if after[n] != before[n])
    if moved:
        raise CapabilityError(
            f"a parameter of problem {problem.name!r} derived from the stepsizes changes {moved[0]}, "
            "which they depend on."
        )
    return after


def _start_gap(problem: Problem, instance: Instance) -> float | None:
    """Return F(x_0) - F*, by the value kernel; None where it fails, which whoever runs the kernel will say."""
    data = problem.layout(instance.data, 1) if problem.layout else instance.data
    found = np.zeros(1)
    try:
        of = seal("value", problem.value) if data.size > PLAIN and not is_users(problem.value) else problem.value
        with np.errstate(all="ignore"), wrapping():
            of(instance.start.astype(np.float64), np.ascontiguousarray(data, dtype=np.float64), found)
    except (ArithmeticError, LookupError, ValueError, TypeError, AttributeError, NameError):
        return None
    return float(found[0]) - instance.minimum


def _moment(noise: Noise, par: dict[str, float], sigma: float | None, excess: float | None) -> float | None:
    """Return what (E||noise||^r)^(1/r) is at most, r = 2 + excess; None if not known.

    The noise has coordinates of variance sigma^2/d: for r >= 2 the root of a mean of their squares is no larger than
    that of one (Minkowski), and as large for one coordinate.
    """
    if not sigma or excess is None or not excess > 0:
        return None if sigma else sigma
    return sigma * noise.norm_at_most(par, 2 + excess)


def _constants(
    cell: Cell, method: Method, problem: Problem, instance: Instance, noise: Noise, par: dict[str, float]
) -> dict[str, Any]:  # fmt: skip
    """Return every constant of the cell: declared by the problem, measured at the start, declared by hand."""
    declared = dict(instance.constants)
    gap = instance.start - instance.minimiser
    sigma: float | None
    if noise.fill is None and noise.draw is None:
        sigma = 0.0
    elif noise.draw is not None:
        sigma = declared.get("sigma")
    elif cell.sigma is None:
        raise PartError(f"noise {noise.name!r} needs a level: give the grid a key 'sigma' (0 for exact gradients).")
    else:
        sigma = cell.sigma
    found: dict[str, Any] = {
        "M": cell.M, "K": cell.K, "d": instance.dimension, "L": declared.get("L"), "mu": declared.get("mu"),
        "zeta": declared.get("zeta", 0.0), "sigma": sigma, "B": float(np.sqrt(gap @ gap)),
        "Delta": _start_gap(problem, instance), "G": declared.get("G"), "G_F": declared.get("G"),
    }  # fmt: skip
    bound = noise.bound(par) if noise.bound else math.inf
    found["sigma_inf"] = (sigma * bound if sigma else sigma) if noise.additive else declared.get("sigma_inf")
    found["sigma_L"] = 0.0 if noise.additive else declared.get("sigma_L")
    if found["G"] is not None and noise.additive and sigma:
        found["G"] = found["G"] + sigma * bound
    fixed = sorted(set(cell.constants) & {"M", "K", "d", "D", "k", "tau", "weight", *OF_SCHEDULE, *MEASURED})
    if fixed:
        raise PartError(f"constants: {fixed[0]} is counted or measured, it cannot be declared by hand.")
    if noise.additive and "sigma" in cell.constants:
        raise AssumptionError(
            f"the cell declares sigma = {cell.constants['sigma']} as a constant, and the level of noise {noise.name!r} "
            "is the grid's key 'sigma': give it there and leave it out of the constants"
        )
    declared_by_hand = {n: number(v, f"constant {n}") for n, v in cell.constants.items()}
    require_shares(declared_by_hand)
    moment = _moment(noise, par, sigma, declared_by_hand.get("excess")) if noise.additive else None
    known = {**found, "sigma_r": moment, **declared_by_hand}
    known["D"] = method.diameter(known) if method.diameter else None
    return {n: None if isinstance(v, float) and not math.isfinite(v) else v for n, v in known.items()}
