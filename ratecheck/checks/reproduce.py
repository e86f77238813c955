"""Reproduce one number: a witness of a refutation, or one cell of a stored run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratecheck.checks import dimensions, every_order, exact, moments
from ratecheck.checks.job import Job
from ratecheck.checks.measure import Store, gathered, measure
from ratecheck.checks.question import inequalities_of, under, wanted_of
from ratecheck.checks.stability import ranges
from ratecheck.checks.stepsizes import difference
from ratecheck.checks.weigh import left_side, over
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.core.run import finite, record_key
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.witness import Witness
from ratecheck.engine.build import Built, build
from ratecheck.engine.sweep import width_of
from ratecheck.errors import RunError


@dataclass(frozen=True)
class Reproduced:
    """What came out again, beside what was stored; equal to the last bit or not."""

    lines: list[str]
    same: bool
    found: Mapping[str, Any]


def witness(one: Witness) -> Reproduced:
    """Reproduce a witness. Raises RunError when it is damaged or names a check that the claim does not have."""
    claim: Claim = shelf.claim(one.claim)
    kinds = {"identity": _order, "stepsize": _stepsize, "monte-carlo": _cell, "identity-on-floats": _cell,
             dimensions.CHECK: _dimensions, every_order.KIND: _every_order, ranges.KIND: _stability}  # fmt: skip
    if one.kind not in kinds:
        raise RunError(f"the witness is of kind {one.kind!r}, which is none of {', '.join(kinds)}.")
    try:
        return kinds[one.kind](one, claim)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as fault:
        raise RunError(f"the witness is damaged: {type(fault).__name__}: {fault}.") from fault


def _order(one: Witness, claim: Claim) -> Reproduced:
    identities, facts = {i.name: i for i in claim.identities}, {c.name: c for c in claim.counting}
    if one.check not in {*identities, *facts}:
        raise RunError(f"claim {one.claim!r} has no identity or counting fact {one.check!r}.")
    workers, given = int(one.cell["M"]), one.cell.get("constants", {})
    scheduler = shelf.SCHEDULERS.get(one.cell["scheduler"]).with_numbers(given)
    own = "order" not in one.cell  # a fact that makes its own delays
    order = list(exact.some_order(scheduler, (workers, int(one.cell["K"]))) if own else map(int, one.cell["order"]))
    found: dict[str, Any] = {}
    if one.check in identities:
        method = shelf.METHODS.get(one.cell["method"])
        constants = {**given, "M": workers, "K": len(order)}
        fault = exact.residual_of(identities[one.check], method, scheduler, workers, tuple(order), constants)
        found |= {} if fault is None else {"step": fault[0], "fault": fault[1]}
    else:
        found |= exact.counting_fault(facts[one.check], scheduler, workers, tuple(order))
    at = f"K = {len(order)}" if own else f"arrival order {order}"
    lines = [f"{one.check} on M = {workers}, {at}: {found.get('fault', 'no fault')}"]
    return Reproduced(lines, found == dict(one.found), found)


def _dimensions(one: Witness, claim: Claim) -> Reproduced:
    found = {"fault": dimensions.found(claim).get("fault", "none")}
    return Reproduced([f"dimensions: {found['fault']}"], found == dict(one.found), found)


def _every_order(one: Witness, claim: Claim) -> Reproduced:
    cell = Cell.from_json(dict(one.cell))
    side = every_order.decide(claim, every_order.built_of(claim, cell))[one.check]
    found = {name: float(side[name]) for name in ("lhs", "rhs")}
    lines = [f"{one.check} at {cell.label}: {found['lhs']:.17g} against {found['rhs']:.17g}"]
    return Reproduced(lines, found == dict(one.found), found)


def _stability(one: Witness, claim: Claim) -> Reproduced:
    facts = {f.name: f for f in claim.stability}
    if one.check not in facts:
        raise RunError(f"claim {one.claim!r} has no stability fact {one.check!r}.")
    fact = ranges.instead(facts[one.check], claim.method, one.cell["method"])
    case = ranges.decided(fact, int(one.cell["M"]))
    found = {"largest": case["largest"]}
    return Reproduced([f"{one.check}: {case['words']}"], found == dict(one.found), found)


def _built(one: Witness, claim: Claim) -> Built:
    return build(
        Cell.from_json(dict(one.cell)),
        one.seed,
        method=claim.method,
        scheduler=claim.scheduler,
        stepsize=claim.stepsize,
        growth=claim.growth,
    )


def _stepsize(one: Witness, claim: Claim) -> Reproduced:
    built = _built(one, claim)
    schedule = built.weighted.schedule
    own: Stepsize = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    found = difference(built, own, int(np.flatnonzero(schedule.version[: schedule.horizon] == one.found["k"])[0]))
    where = f"stepsize at k = {found['k']}, tau = {found['tau']}"
    lines = [f"{where}: {found['given']!r}; the claim has {found['claim']!r}"]
    return Reproduced(lines, found == dict(one.found), found)


def _cell(one: Witness, claim: Claim) -> Reproduced:
    built = _built(one, claim)
    runs = int(one.found["runs"])
    numbers = numbers_of(one.claim, claim, built, runs, one.strict)
    found: dict[str, Any] = {"verdict": one.found["verdict"], "runs": runs}
    if one.kind == "identity-on-floats":
        found |= numbers["identities"][one.check]
    else:
        found |= numbers["inequalities"]["bound" if one.check == "divergence" else one.check]
    lines = [
        built.cell.label,
        f"{one.check} after {runs} runs: "
        + ", ".join(f"{k} = {v}" for k, v in found.items() if k not in ("runs", "verdict")),
    ]
    return Reproduced(lines, finite(found) == dict(one.found), found)


def numbers_of(name: str, claim: Claim, built: Built, runs: int, strict: bool = False) -> dict[str, Any]:
    """Simulate the first ``runs`` runs of a cell again; return means and bounds of its inequalities, and identities."""
    wanted = wanted_of(claim)
    store = Store()
    width = width_of(built)
    blocks = -(-runs // width)
    for block in range(blocks):
        record = measure(built, block, width, wanted, claim.identities, strict)
        store.add({"key": record_key(name, built.cell.digest, block), **record})
    found = gathered(name, built, blocks, store, wanted)
    numbers = {n: found[n][:runs] for n in wanted}
    decided = moments.decided(claim, built) if built.noisy else None
    if decided:
        sides = {n: {v: one[v] for v in ("lhs", "rhs", "ratio")} for n, one in decided.items()}
        return {"inequalities": sides, "identities": found["identities"]}
    inequalities = {}
    for label, inequality in inequalities_of(claim, built).items():
        mean, rhs = float(left_side(inequality, built, numbers).mean()), inequality.rhs.value(built.constants)
        inequalities[label] = {"lhs": mean, "rhs": rhs, "ratio": over(mean, rhs)}
    return {"inequalities": inequalities, "identities": found["identities"]}


def stored_cell(results: Mapping[str, Any], wanted: str) -> tuple[str, dict[str, Any]]:
    """Return (claim, row) of the cell with this digest, or whose label holds these words. Raises RunError otherwise."""
    rows = [(r["claim"], c) for r in results["results"] for c in r["details"].get("cells", []) if "inequalities" in c]
    words = wanted.replace(",", " ").split()
    near = [(n, c) for n, c in rows if c["digest"].startswith(wanted) or all(w in c["label"].split() for w in words)]
    if not near:
        raise RunError(f"no measured cell {wanted!r} in this run; cells are named by digest or label, as in its table.")
    return near[0]


def cell_again(job: Job, claim: str, row: Mapping[str, Any]) -> Reproduced:
    """Simulate one stored cell again and compare the means of its inequalities with the stored ones."""
    found = job.claims[claim]
    cells = (*found.cells, *job.scenario.cells(job.folder))
    asked = (under(c, found, job.method, job.stepsize) for c in cells)
    cell = next((c for c in asked if c.digest == row["digest"]), None)
    if cell is None:
        raise RunError(f"cell {row['label']} is no cell of the scenario any more; start a new run.")
    built = build(
        cell,
        job.seed,
        method=found.method,
        scheduler=found.scheduler,
        stepsize=found.stepsize,
        growth=found.growth,
        folder=job.folder,
    )
    numbers = finite(numbers_of(claim, found, built, int(row["n"]), job.strict)["inequalities"])
    same = all(numbers[n][v] == row["inequalities"][n][v] for n in numbers for v in ("lhs", "rhs", "ratio"))
    lines = [f"{claim}: {cell.label}, {row['n']} runs"]
    lines += [f"{n}: measured {i['lhs']!r}, bound {i['rhs']!r}, ratio {i['ratio']!r}" for n, i in numbers.items()]
    return Reproduced(lines, same, numbers)
