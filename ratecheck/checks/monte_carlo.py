"""Monte Carlo evidence: do the bound and its sharper forms hold on simulated runs, cell by cell.

Looks are at n = 8, 16, 32, ... runs. The bound decides the positive verdict; the conditional and the master form can
only refute. Everything is conditional on the cell's schedule, so every stepsize is a number and runs are independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from ratecheck.checks import summary
from ratecheck.checks.betting import runs_needed
from ratecheck.checks.measure import Store, gathered, run_units
from ratecheck.checks.preconditions import contradiction, unlawful
from ratecheck.checks.question import Asked, State, under, wanted_of
from ratecheck.checks.weigh import second_moment, weigh, why_not_more
from ratecheck.core.run import record_key
from ratecheck.core.verdict import Result, Verdict
from ratecheck.engine.build import Built, build
from ratecheck.engine.sweep import block_width
from ratecheck.errors import AssumptionError, CapabilityError, FormulaError

#: first look; later ones double
FIRST_LOOK = 8
#: an error below zero by more than this part of the trivial bound means that the declared minimum is wrong
NEGATIVE = 1e-9
#: a refuted cell with a run this many times above the trivial bound has diverged
DIVERGENCE = 1e3


def prepare(asked: Asked) -> list[State]:
    """Build every cell and say which do not apply, with the reason; nothing is simulated yet."""
    states: list[State] = []
    seen: set[str] = set()
    curvature: dict[str, str | None] = {}
    for i, given in enumerate(asked.cells):
        asked.progress("preparing cells", i, len(asked.cells))
        state = State(under(given, asked.claim, asked.method, asked.stepsize))
        cell = state.cell
        if cell.digest in seen:  # the default output rule, named once more
            continue
        seen.add(cell.digest)
        states.append(state)
        statement = asked.claim.outputs.get(cell.output)
        if statement is None:
            _leave_out(state, f"the claim says nothing about output rule {cell.output}")
            continue
        try:
            state.built = build(cell, asked.seed, method=asked.claim.method, scheduler=asked.claim.scheduler,
                                stepsize=asked.claim.stepsize, folder=asked.folder,
                                failing=None if asked.force else asked.claim.failing)  # fmt: skip
        except (CapabilityError, AssumptionError, FormulaError) as fault:
            _leave_out(state, str(fault))
            continue
        failing = asked.claim.failing(state.built.facts)
        problem = str((cell.problem, state.built.instance.data.tobytes(), sorted(cell.constants.items())))
        if not failing and problem not in curvature:
            curvature[problem] = contradiction(state.built)
        if not failing and curvature[problem]:
            failing = [str(curvature[problem])]
        law = None if failing else unlawful(state.built)
        if law:
            failing = [law]
        if failing and not asked.force:
            _leave_out(state, failing[0])
    return states


def _leave_out(state: State, reason: str) -> None:
    state.verdict, state.reason, state.open = Verdict.NOT_APPLICABLE, reason, False


def check(asked: Asked, store: Store) -> Result:
    """Return the Monte Carlo evidence. On KeyboardInterrupt the open cells are INCONCLUSIVE and the result says so."""
    states = prepare(asked)
    wanted = wanted_of(asked.claim)
    tests = sum(len(asked.claim.outputs[s.cell.output].inequalities()) for s in states if s.open)
    threshold = math.log(max(1, tests) / asked.alpha)
    look = FIRST_LOOK
    interrupted = False
    while not interrupted and any(s.open for s in states):
        opened = [s for s in states if s.open]
        units = [(s.built, i) for s in opened if s.built for i in range(_blocks(s.built, look))]
        try:
            run_units(asked.name, units, wanted, asked.claim.identities, store, asked.threads, asked.strict,
                      partial(asked.progress, f"runs (look at {look})"))  # fmt: skip
        except KeyboardInterrupt:
            interrupted = True
        for state in opened:
            if state.built and _complete(asked.name, state.built, look, store):
                _decide(asked, state, look, threshold, store, wanted)
        look *= 2
    return summary.result_of(asked, states, interrupted)


def _blocks(built: Built, look: int) -> int:
    return -(-look // block_width(built.instance.dimension)) if built.noisy else 1


def _complete(name: str, built: Built, look: int, store: Store) -> bool:
    return all(record_key(name, built.cell.digest, i) in store.records for i in range(_blocks(built, look)))


def _decide(asked: Asked, state: State, look: int, threshold: float, store: Store, wanted: Sequence[str]) -> None:
    """Look at a cell after ``look`` runs, and close it when there is a verdict or no more runs are allowed."""
    built = state.built
    assert built is not None
    runs = look if built.noisy else 1
    found = gathered(asked.name, built, _blocks(built, look), store, wanted)
    numbers = {n: found[n][:runs] for n in wanted}
    state.runs, state.identities = runs, dict(found["identities"])
    trivial = asked.claim.trivial.value(built.constants) if asked.claim.trivial else None
    gap = numbers["output_gap"]
    if trivial is not None and np.nanmin(gap, initial=0.0) < -NEGATIVE * trivial:
        raise AssumptionError(
            f"in cell {state.cell.label} the error is {np.nanmin(gap):.3g} < 0: the minimum that problem "
            f"{built.problem.name!r} declares is not its minimum."
        )
    large = trivial is not None and np.nanmax(gap, initial=0.0) > DIVERGENCE * trivial
    statement = asked.claim.outputs[state.cell.output]
    for name, inequality in statement.inequalities().items():
        state.inequalities[name] = weigh(asked, built, name, inequality, numbers, trivial, threshold)
    broken = [n for n, i in state.identities.items() if i["ratio"] > 1]
    refuted = [n for n, i in state.inequalities.items() if i["verdict"] is Verdict.REFUTED]
    bound = state.inequalities["bound"]["verdict"]
    # one large run proves nothing by itself where there is noise: the e-values must agree
    diverged = not found["finite"][:runs].all() or (large and bool(refuted))
    if diverged and asked.claim.kind == "upper":
        state.verdict, state.failed = Verdict.DIVERGED, "divergence"
    elif broken:
        state.verdict, state.failed = Verdict.REFUTED, broken[0]
    elif refuted:
        state.verdict, state.failed = Verdict.REFUTED, refuted[0]
    else:
        state.verdict = bound
    # a cell goes on after HOLDS HERE: more runs sharpen the rate and what the master inequality can refute
    state.open = not (state.verdict.negative or look >= asked.settings.replicates or not built.noisy)
    if state.verdict is Verdict.VACUOUS:
        state.reason = f"the bound, {state.inequalities['bound']['rhs']:.3g}, is above the trivial {trivial:.3g}"
    if not state.open and state.verdict is Verdict.NOT_REFUTED:
        few = state.runs > 1 and state.runs < runs_needed(asked.settings.kappa, asked.alpha)
        if few and second_moment(built) and asked.claim.kind == "upper":
            state.verdict = Verdict.INCONCLUSIVE
        state.reason = why_not_more(asked, built, state.runs)
