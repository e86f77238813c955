"""Runs units of work (a cell and a block of replicates) on threads, through the record store of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ratecheck.core.identity import Identity, View
from ratecheck.core.run import Writer, record_key
from ratecheck.engine.build import Built, of_block
from ratecheck.engine.state import State
from ratecheck.engine.sweep import Stopped, simulate, width_of
from ratecheck.errors import AssumptionError, PartError

#: steps of the first block of a cell, at least, in which identities about every gradient handed out are looked at
RECORDED = 32
#: unit roundoff of float64
ROUNDOFF = 2.0**-53


@dataclass
class Store:
    """Records of a run: those found on disk, and a writer for new ones (None: keep in memory only)."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    writer: Writer | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)
    computed: int = 0

    def add(self, record: dict[str, Any]) -> None:
        """Keep a record, and append it to the file when there is one."""
        with self.lock:
            self.records[record["key"]] = record
            self.computed += 1
            if self.writer is not None:
                self.writer.append(record)


def identity_watch(identities: Sequence[Identity], found: dict[str, Any]) -> Callable[[View, State], None]:
    """Return a visitor that compares each identity's residual with its rounding bound, and keeps the worst.

    The bound, coordinate by coordinate: 1.01 u (sum of |x_j| + |gamma g| over the additions that made x_k and the
    virtual iterate, + (M + 2) times the magnitudes in flight, + 2 (|x_k| + |xhat_k|)), u the unit roundoff. Each
    addition and product rounds by at most u times its result; 1.01 covers the second order for K < 10^13. An identity
    with more operations says by what factor this grows (``Identity.rounding``).
    """

    def visit(view: View, state: State) -> None:
        with np.errstate(all="ignore"):
            flying = sum((np.abs(f.gamma_next * f.gradient) for f in view.in_flight), 0 * view.x)
            size = state.stream.scale + (view.workers + 2) * flying + 2 * (np.abs(view.x) + np.abs(view.virtual))
            for identity in identities:
                if identity.history and view.issued is None:
                    continue
                residual, rounding = _sides(identity, view)
                allowed = 1.01 * ROUNDOFF * size * rounding
                ratio = np.where(residual <= allowed, residual / np.maximum(allowed, 1e-300), np.inf)
                ratio = np.where(residual > allowed, residual / np.maximum(allowed, 1e-300), ratio)
                worst = int(np.argmax(ratio))
                kept = found.get(identity.name)
                if np.isfinite(ratio[worst]) and (kept is None or ratio[worst] > kept["ratio"]):
                    found[identity.name] = {
                        "ratio": float(ratio[worst]), "residual": float(residual[worst]),
                        "allowed": float(allowed[worst]), "step": view.step,
                    }  # fmt: skip

    return visit


def _sides(identity: Identity, view: View) -> tuple[Any, float]:
    """Return the absolute residual and its rounding, in units of a sum's. Raises PartError where one has no value."""
    try:
        return np.abs(identity.residual(view)), identity.rounding(view)
    except ArithmeticError as fault:
        numbers = ", ".join(f"{n} = {v}" for n, v in view.par.items()) or "no numbers"
        raise PartError(f"identity {identity.name!r} has no value for a method with {numbers}: {fault}.") from fault


def measure(built: Built, block: int, replicates: int, wanted: tuple[str, ...], identities: Sequence[Identity],
            strict: bool = False, stop: threading.Event | None = None, at: Sequence[int] = (),
            ) -> dict[str, Any]:  # fmt: skip
    """Simulate one block; return its record without the key: measured numbers, finite runs, identities, the curve.

    Identities that speak of what the method has not are left out. Where the schedule of the block breaks what the cell
    declares, the record has the sentence ("fault") and no numbers. Where every block has a schedule of its own, the
    record has its largest delay and times ("schedule").
    """
    found: dict[str, Any] = {}
    identities = [i for i in identities if not i.lacking(built.method)]
    visit = identity_watch(identities, found) if identities else None
    try:
        own = of_block(built, block)
    except AssumptionError as fault:
        return {"block": block, "fault": str(fault)}
    recorded = block == 0 and any(i.history for i in identities)
    outcome = simulate(own, block, replicates, wanted, strict=strict, stop=stop, visit=visit, milestones=at,
                       history=max(RECORDED, 4 * built.cell.M) if recorded else 0)  # fmt: skip
    curve = {"curve": {n: [_plain(v) for v in values] for n, values in outcome.curve.items()}} if at else {}
    schedule = {"schedule": of_schedule(own, at)} if own.own_schedules else {}
    return {
        "block": block,
        "finite": outcome.finite.tolist(),
        "measured": {n: _plain(outcome.measured[n]) for n in wanted},
        "identities": found,
        **curve,
        **schedule,
    }


def of_schedule(built: Built, at: Sequence[int] = ()) -> dict[str, Any]:
    """Return of the cell's schedule the largest delay, and the times after so many deliveries (None: no clock).

    ``at`` is that of the curve, increasing; without it the time is that at the end.
    """
    schedule = built.weighted.schedule
    ends = np.array(at or [built.cell.K]) - 1
    return {
        "tau_max": int(schedule.delay[: schedule.horizon].max()),
        "time": None if schedule.time is None else schedule.time[ends].tolist(),
    }


def _plain(values: Any) -> list[float | None]:
    return [v if np.isfinite(v) else None for v in values.tolist()]


def milestones(steps: int, points: int) -> list[int]:
    """Return so many numbers of deliveries, at equal distances, the last one ``steps``; fewer when steps are few."""
    return sorted({max(1, round(steps * i / points)) for i in range(1, points + 1)})


def run_units(
    claim: str,
    units: Sequence[tuple[Built, int]],
    wanted: tuple[str, ...],
    identities: Sequence[Identity],
    store: Store,
    threads: int,
    strict: bool,
    progress: Callable[[int, int], None],
    most: int | None = None,
    points: int = 0,
) -> None:
    """Make sure the store has a record for every unit (cell, block); compute the missing ones on ``threads`` threads.

    A unit's numbers depend on the unit alone, so neither threads nor order change them. On an interrupt the units in
    progress are stopped at their next chunk and KeyboardInterrupt goes on; finished records stay. A set ``store.stop``
    (the budget is spent) counts as an interrupt. ``most``: blocks hold at most so many runs. ``points``: how often F
    and the problem's scores are measured along each run.
    """
    missing = [(b, i) for b, i in units if record_key(claim, b.cell.digest, i) not in store.records]

    def one(unit: tuple[Built, int]) -> None:
        built, block = unit
        width = width_of(built)
        width = min(width, most or width)
        at = milestones(built.cell.K, points)
        record = measure(built, block, width, wanted, identities, strict, store.stop, at)
        store.add({"key": record_key(claim, built.cell.digest, block), **record})

    done = len(units) - len(missing)
    progress(done, len(units))
    pool = ThreadPoolExecutor(threads)
    try:
        for _ in pool.map(one, missing):
            done += 1
            progress(done, len(units))
    except Stopped:
        raise KeyboardInterrupt from None
    finally:
        if done < len(units):
            store.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def fault_of(claim: str, built: Built, blocks: int, store: Store) -> str | None:
    """Return what the first ``blocks`` blocks of a cell break of what the cell declares, None when they keep to it."""
    records = (store.records[record_key(claim, built.cell.digest, i)] for i in range(blocks))
    return next((record["fault"] for record in records if "fault" in record), None)


def gathered(claim: str, built: Built, blocks: int, store: Store, wanted: Sequence[str]) -> Mapping[str, Any]:
    """Return the numbers of the first ``blocks`` blocks of a cell, put together: arrays (n,), NaN where not finite.

    Raises AssumptionError when a schedule breaks what the cell declares.
    """
    if fault := fault_of(claim, built, blocks, store):
        raise AssumptionError(fault)
    records = [store.records[record_key(claim, built.cell.digest, i)] for i in range(blocks)]
    identities: dict[str, Any] = {}
    for record in records:
        for name, found in record["identities"].items():
            if name not in identities or found["ratio"] > identities[name]["ratio"]:
                identities[name] = found
    return {
        "finite": np.concatenate([np.array(r["finite"], dtype=bool) for r in records]),
        "identities": identities,
        **{n: np.concatenate([np.array(r["measured"][n], dtype=float) for r in records]) for n in wanted},
    }
