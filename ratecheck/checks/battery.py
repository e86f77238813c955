"""The battery: every planted lie goes through every layer of our checks, and so does the truth beside it.

A lie that no layer sees is a hole. One whose numbers are those of the truth, under the same samples, is no lie at all:
it is EQUIVALENT, and must be declared so, or it would pass for a hole or, worse, for a lie that was looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ratecheck.checks import baseline, exact, moments
from ratecheck.checks.job import Job, run
from ratecheck.checks.measure import measure
from ratecheck.checks.prepare import prepare
from ratecheck.checks.question import Asked, State, wanted_of
from ratecheck.checks.statistics import coefficients
from ratecheck.checks.summary import row
from ratecheck.checks.weigh import ROUNDING_PER_STEP, Floats, left_side, weigh
from ratecheck.core import shelf
from ratecheck.core.claim import Claim
from ratecheck.core.run import record_key
from ratecheck.core.scenario import Scenario
from ratecheck.core.verdict import Result, Verdict
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.replay import replay_rows
from ratecheck.engine.schedule import from_order
from ratecheck.errors import AssumptionError, FormulaError
from ratecheck.mutants.mutant import FOLDER, Mutant

#: kinds of checks, cheapest first; bound, conditional and master are e-values, or one run where there is no noise
LAYERS = (
    "dimensions", "exact", "stepsize", "moments", "floats", "bound", "conditional", "master", "rate", "baseline",
    "preconditions",
)  # fmt: skip
#: runs a cell of the battery at most
RUNS = 256
#: a method that satisfies no identity: on it, residuals differ unless they are the same formula
BROKEN = str(FOLDER / "kernels" / "one_in_a_thousand.py")

CAUGHT, EQUIVALENT, SURVIVED = "caught", "equivalent", "survived"


@dataclass
class Seen:
    """What the layers said of one version of a claim: sentences by layer, records of runs, rows of cells, fits."""

    name: str
    claim: Claim
    records: Mapping[str, Any] = field(default_factory=dict)
    caught: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    fitted: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """One mutant: its ``status`` (caught, equivalent, survived), which layers saw it, and which saw the truth."""

    mutant: Mutant
    status: str
    caught: Mapping[str, str]
    control: Mapping[str, str]

    @property
    def fault(self) -> str:
        """A sentence when the battery does not do what it promises with this mutant, else ''."""
        m = self.mutant
        who = f"{m.kind} mutant {m.name!r} ({m.lie})"
        if self.control:
            return f"{who}: the true version is refuted: {'; '.join(self.control.values())}."
        if m.equivalent and self.status != EQUIVALENT:
            seen = "; ".join(self.caught.values()) or "its numbers differ from the original's"
            return f"{who} is declared equivalent, but {seen}."
        if self.status == EQUIVALENT and not m.equivalent:
            return f"{who} is no lie: on its grid all its numbers are those of the original. Declare it or sharpen it."
        if self.status == SURVIVED:
            return f"{who} is seen by no check."
        missed = [layer for layer in m.caught_by if layer not in self.caught]
        if missed:
            return f"{who} is seen by {', '.join(self.caught)}, and not by {', '.join(missed)} as it should be."
        return ""


def judge(mutants: Sequence[Mutant], seed: int, truths: dict[str, Seen] | None = None) -> Iterator[Outcome]:
    """Yield the outcome of each mutant. Truths on the same grid are looked at once, and kept in ``truths``."""
    truths = {} if truths is None else truths
    for mutant in mutants:
        key = str((seed, mutant.claim, mutant.grid, mutant.cases, bool(mutant.weights)))
        if key not in truths:
            truths[key] = look(mutant, seed, lying=False)
        yield _compared(mutant, look(mutant, seed, lying=True), truths[key])


def look(mutant: Mutant, seed: int, *, lying: bool) -> Seen:
    """Put the mutant, or the truth on the same grid, through all layers but the comparison of the two."""
    claim = _under(shelf.claim(mutant.claim), mutant)
    seen = Seen(mutant.claim, mutant.change(claim) if lying and mutant.change else claim)
    files = mutant.files if lying else {}
    data = {
        "title": "battery", "exact": {"cases": mutant.cases, "bounds": []}, "monte_carlo": {"replicates": RUNS},
        "grid": mutant.lied if lying else mutant.grid,
    }  # fmt: skip
    scenario = Scenario.model_validate(data)
    if mutant.weights:
        _reweighted(mutant, seen, scenario, seed, lying)
        return seen
    if "stepsize" in files:
        faults = shelf.STEPSIZES.get(files["stepsize"]).dimension_faults()
        if faults:
            seen.caught["dimensions"] = faults[0]
    try:
        job = Job({mutant.claim: seen.claim}, scenario, "battery", seed, method=files.get("method"),
                  stepsize=files.get("stepsize"), evidence=("exact", "monte-carlo"), force=mutant.forced)  # fmt: skip
        seen.records = job.store.records
        results = run(job)
    except FormulaError as fault:
        seen.caught["dimensions"] = str(fault)
        return seen
    except AssumptionError as fault:
        seen.caught["preconditions"] = str(fault)
        return seen
    for result in results:
        _sort(result, seen)
    return seen


def _under(claim: Claim, mutant: Mutant) -> Claim:
    """Return the claim with the output rules and the cells of the mutant's grids only: each is looked at."""
    rules = {str(grid.get("output", claim.output)) for grid in mutant.grid}
    return replace(claim, outputs={name: s for name, s in claim.outputs.items() if name in rules}, cells=())


def _sort(result: Result, seen: Seen) -> None:
    """Put what one result says under the layers that said it."""
    if result.evidence == "exact":
        if result.verdict is Verdict.REFUTED:
            stepsize = result.witness is not None and result.witness["kind"] == "stepsize"
            seen.caught["stepsize" if stepsize else "exact"] = result.summary
        return
    if result.verdict is Verdict.NOT_APPLICABLE:
        seen.caught["preconditions"] = result.summary
    seen.rows = list(result.details["cells"])
    _sort_rows(seen)
    if result.details["rate"]["verdict"] == "SLOWER":
        seen.caught["rate"] = "the rate is SLOWER"


def _sort_rows(seen: Seen) -> None:
    """Put what the cells say under the layers that said it, and fit coefficients to those without sampling error."""
    seen.fitted = coefficients.of(seen.rows, {})
    for cell in seen.rows:
        for name, one in cell.get("inequalities", {}).items():
            if one["verdict"] == str(Verdict.REFUTED):
                layer = "moments" if one.get("by") == "moments" else name
                seen.caught.setdefault(layer, f"{name} broken by {one['ratio']:.4g} in {cell['label']}")
        for name, one in cell.get("float_identities", {}).items():
            if one["ratio"] > 1:
                seen.caught.setdefault("floats", f"{name} fails at step {one['step']} in {cell['label']}")
        if cell["verdict"] == str(Verdict.DIVERGED):
            seen.caught.setdefault("bound", f"runs diverge in {cell['label']}")


def _reweighted(mutant: Mutant, seen: Seen, scenario: Scenario, seed: int, lying: bool) -> None:
    """Look at cells whose output weights were tampered with inside the engine, which no part of a scenario can do.

    Cells are decided by exact moments, or by one run without noise.
    """
    asked = Asked(mutant.claim, seen.claim, scenario.cells(), "battery", seed, scenario.monte_carlo)
    states = [s for s in prepare(asked) if s.built]
    for state in states:
        assert state.built is not None
        if lying and mutant.weights:
            state.built = replace(state.built, weighted=mutant.weights(state.built.weighted))
        _decide(asked, state)
    seen.rows = [row(s) for s in states]
    _sort_rows(seen)


def _decide(asked: Asked, state: State) -> None:
    built, claim = state.built, asked.claim
    assert built is not None
    statement = claim.outputs[state.cell.output]
    state.terms = statement.bound.rhs.term_values(built.constants)
    state.runs = 1
    decided = moments.decided(claim, built)
    if decided:
        state.inequalities = {n: {**one, "se": 0.0, "by": "moments"} for n, one in decided.items()}
        return
    if built.noisy:
        raise AssumptionError(f"the battery has no way to decide {state.cell.label} with tampered weights.")
    wanted = wanted_of(claim)
    numbers = {n: np.array(v, dtype=float) for n, v in measure(built, 0, 1, wanted, ())["measured"].items()}
    for name, inequality in statement.inequalities().items():
        lhs = left_side(inequality, built, numbers)
        state.inequalities[name] = weigh(asked, built, name, inequality, lhs, None, 0.0)


def _compared(mutant: Mutant, seen: Seen, truth: Seen) -> Outcome:
    books = [{"claims": {"": {"scenario": "", "grid": "", "seed": 0, "entries": s.fitted}}} for s in (truth, seen)]
    moved = baseline.compare(*books).moved
    if moved:
        change = moved[0]
        seen.caught["baseline"] = f"coefficient of {change.term} was {change.then:.3g} and is {change.now:.3g}"
    status = CAUGHT if seen.caught else EQUIVALENT if _same(mutant, seen, truth) else SURVIVED
    return Outcome(mutant, status, seen.caught, truth.caught)


def _same(mutant: Mutant, seen: Seen, truth: Seen) -> bool:
    """True when all numbers are the original's: of cells up to rounding, residuals and slacks exactly.

    Rounding: two ways to write one algorithm may differ by ``ROUNDING_PER_STEP`` a step, as a run may from its bound.
    """
    for cell, one, other in zip(truth.rows, _numbers(seen), _numbers(truth), strict=True):
        room = ROUNDING_PER_STEP * cell["K"]
        if one.shape != other.shape or not np.all(np.abs(one - other) <= room * np.abs(other)):
            return False
    return _facts(mutant, seen.claim) == _facts(mutant, truth.claim)


def _numbers(seen: Seen) -> list[Floats]:
    """Return for each cell what it measured in its first runs, what is known without sampling, and the right sides.

    Means are not compared: how many runs a cell gets depends on what is proven of its claim.
    """
    found = []
    for cell in seen.rows:
        sides = cell.get("inequalities", {}).values()
        record = seen.records.get(record_key(seen.name, cell["digest"], 0), {"measured": {}})
        known = [[one["lhs"] for one in sides if one["se"] == 0], [one["rhs"] for one in sides]]
        found.append(np.concatenate([np.array(v, dtype=float) for v in (*known, *record["measured"].values())]))
    return found


def _facts(mutant: Mutant, claim: Claim) -> list[Any]:
    """Return the residuals of identities, under a method that breaks them, and the slacks of counting facts."""
    broken, scheduler = shelf.METHODS.get(BROKEN), shelf.SCHEDULERS.get(claim.scheduler)
    found: list[Any] = []
    for workers, steps in mutant.cases:
        for order in arrival_orders(scheduler, workers, steps, labelled=False):
            found += [exact.slack_of(fact, scheduler, workers, order) for fact in claim.counting]
            schedule = from_order(scheduler, workers, np.array(order, dtype=np.int64))
            for identity in claim.identities:
                rows: list[Any] = []
                replay_rows(broken, schedule, *exact.stepsizes(schedule), {},
                            lambda view, to=rows, of=identity: to.append(list(of.residual(view))))  # type: ignore[misc]  # fmt: skip
                found.append(rows)
    return found
