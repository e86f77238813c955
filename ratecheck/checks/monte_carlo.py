"""Monte Carlo evidence: do the bound and its sharper forms hold on simulated runs, cell by cell.

Cells whose moments are known exactly (``moments``) are decided by them; their runs, one look only, serve identities and
divergence. Elsewhere looks are at n = 8, 16, 32, ... runs, and a cell's bound keeps the first verdict it reaches
(``allocation`` says who goes on). The bound decides the positive verdict; the conditional and the master form can only
refute. Everything is conditional on the cell's schedule, so every stepsize is a number and runs are independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from ratecheck.checks import allocation, moments, rates, summary
from ratecheck.checks.measure import Store, fault_of, gathered, run_units
from ratecheck.checks.preconditions.dependence import identical
from ratecheck.checks.prepare import prepare
from ratecheck.checks.question import Asked, State, inequalities_of, wanted_of
from ratecheck.checks.statistics.betting import runs_needed
from ratecheck.checks.weigh import left_side, second_moment, weigh, why_not_more
from ratecheck.core.run import record_key
from ratecheck.core.verdict import Result, Verdict
from ratecheck.errors import AssumptionError

#: an error below zero by more than this part of the trivial bound means that the declared minimum is wrong
NEGATIVE = 1e-9
#: a refuted cell with a run this many times above the trivial bound has diverged
DIVERGENCE = 1e3


def check(asked: Asked, store: Store) -> Result:
    """Return the Monte Carlo evidence. After a KeyboardInterrupt cells without a verdict are INCONCLUSIVE."""
    states = prepare(asked)
    _by_moments(asked, [s for s in states if s.open and s.built and s.built.noisy])
    threshold = math.log(max(1, tests_of(asked, states)) / asked.alpha)
    interrupted = False
    while not interrupted and (chosen := _next(asked, states, threshold)):
        looks = [(s, allocation.next_look(s, asked.settings.replicates)) for s in chosen]
        interrupted = _run(asked, states, looks, store)
        for state, look in looks:
            if _complete(asked.name, state, look, store):
                _decide(asked, state, look, threshold, store)
    _close(asked, states, interrupted)
    return summary.result_of(asked, states, interrupted)


def tests_of(asked: Asked, states: Sequence[State]) -> int:
    """Return how many inequalities are put to a random test: those of noisy cells that exact moments do not decide."""
    random = [s for s in states if s.open and s.exact is None and s.built and s.built.noisy]
    return sum(len(inequalities_of(asked.claim, s.built)) for s in random if s.built)


def _by_moments(asked: Asked, states: Sequence[State]) -> None:
    """Put into the states what exact moments say, where they apply."""
    pool = ThreadPoolExecutor(asked.threads)
    try:
        for i, found in enumerate(pool.map(lambda s: moments.decided(asked.claim, s.built), states)):
            asked.progress("exact moments", i, len(states))
            states[i].exact = found
    finally:
        pool.shutdown(cancel_futures=True)


def _next(asked: Asked, states: Sequence[State], threshold: float) -> list[State]:
    """Return the cells of the next round; none when there is nothing left to decide, or no work left."""
    work = asked.settings.work
    spent = sum(allocation.cost_so_far(s) for s in states)
    left = math.inf if work is None else work - spent
    chosen = allocation.undecided(states, asked.settings.replicates, left)
    if chosen or any(s.verdict.negative or (s.open and not s.settled) for s in states):
        return chosen  # a refuted claim needs no sharper rate
    rows = [summary.row(s) for s in states] if asked.claim.kind == "upper" else []  # of a lower bound no rate is told
    gains = rates.gains(rows, asked.settings.margin)
    return allocation.worth_more(states, gains, threshold / math.log(10), asked.settings.replicates, left)


def _run(asked: Asked, states: Sequence[State], looks: Sequence[tuple[State, int]], store: Store) -> bool:
    """Make the runs of these looks; return whether they were interrupted."""
    units = [(s.built, i) for s, look in looks if s.built for i in range(allocation.blocks(s.built, look))]
    applicable = [s for s in states if s.verdict is not Verdict.NOT_APPLICABLE]
    pick, word = (max, "largest") if asked.claim.kind == "upper" else (min, "smallest")
    worst = pick((s.inequalities["bound"]["ratio"] for s in applicable if s.inequalities), default=0.0)
    closed = sum(s.settled for s in applicable)
    text = f"{closed}/{len(applicable)} cells decided, {sum(s.runs for s in states):,} runs"
    text += f", {word} measured/bound {worst:.3g}; blocks" if worst else "; blocks"
    try:
        run_units(asked.name, units, wanted_of(asked.claim), asked.claim.identities, store, asked.threads,
                  asked.strict, partial(asked.progress, text))  # fmt: skip
    except KeyboardInterrupt:
        return True
    return False


def _complete(name: str, state: State, look: int, store: Store) -> bool:
    built = state.built
    assert built is not None
    return all(record_key(name, built.cell.digest, i) in store.records for i in range(allocation.blocks(built, look)))


def _decide(asked: Asked, state: State, look: int, threshold: float, store: Store) -> None:
    """Look at a cell after ``look`` runs: what its inequalities and identities say, and its verdict."""
    built = state.built
    assert built is not None
    runs = look if built.noisy else 1
    wanted = wanted_of(asked.claim)
    if fault := fault_of(asked.name, built, allocation.blocks(built, look), store):  # in the schedule of a later run
        state.verdict, state.reason, state.settled, state.open = Verdict.NOT_APPLICABLE, fault, True, False
        return
    found = gathered(asked.name, built, allocation.blocks(built, look), store, wanted)
    numbers = {n: found[n][:runs] for n in wanted}
    state.runs, state.identities = runs, dict(found["identities"])
    trivial = asked.claim.trivial.value(built.constants) if asked.claim.trivial else None
    gap = numbers["output_gap"]
    if trivial is not None and np.nanmin(gap, initial=0.0) < -NEGATIVE * trivial:
        raise AssumptionError(
            f"in cell {state.cell.label} the error is {np.nanmin(gap):.3g} < 0: the minimum that problem "
            f"{built.problem.name!r} declares is not its minimum, or F is rounded by that much; give the minimum to 12 "
            "digits, or subtract it in the value kernel."
        )
    statement = asked.claim.outputs[state.cell.output]
    inequalities = inequalities_of(asked.claim, built)
    state.sides = {n: left_side(i, built, numbers) for n, i in inequalities.items()}
    state.terms = statement.bound.rhs.term_values(built.constants)
    held, settled = state.verdict is Verdict.HOLDS_HERE, state.settled
    for name, inequality in inequalities.items():
        before = state.inequalities.get(name, {})
        state.inequalities[name] = weigh(asked, built, name, inequality, state.sides[name], trivial, threshold)
        if settled and "log10_bets" in before:
            # runs made later were chosen by other cells too, which may share samples: a ledger wants a look of its own
            state.inequalities[name]["log10_bets"] = before["log10_bets"]
    if held and state.inequalities["bound"]["verdict"] is not Verdict.REFUTED:
        # a level that was crossed at an earlier look counts: the process is valid at any look
        state.inequalities["bound"]["verdict"] = Verdict.HOLDS_HERE
    for name, one in (state.exact or {}).items():
        factor = 1 / one["ratio"] if one["ratio"] > 0 else math.inf
        state.inequalities[name] = {**one, "se": 0.0, "n": runs, "detectable": factor, "by": "moments"}
    large = trivial is not None and np.nanmax(gap, initial=0.0) > DIVERGENCE * trivial
    _judge(asked, state, not found["finite"][:runs].all(), large)
    same = None if state.verdict.negative else identical(built, numbers)
    if same:
        state.verdict, state.reason, state.settled, state.open = Verdict.NOT_APPLICABLE, same, True, False
    if state.verdict is Verdict.VACUOUS:
        state.reason = f"the bound, {state.inequalities['bound']['rhs']:.3g}, is above the trivial {trivial:.3g}"


def _judge(asked: Asked, state: State, infinite: bool, large: bool) -> None:
    """Give the cell its verdict, and say whether it is settled and whether it may get more runs."""
    broken = [n for n, i in state.identities.items() if i["ratio"] > 1]
    refuted = [n for n, i in state.inequalities.items() if i["verdict"] is Verdict.REFUTED]
    # one large run proves nothing by itself where there is noise: the e-values must agree
    diverged = infinite or (large and bool(refuted))
    if diverged and asked.claim.kind == "upper":
        state.verdict, state.failed = Verdict.DIVERGED, "divergence"
    elif broken or refuted:
        state.verdict, state.failed = Verdict.REFUTED, [*broken, *refuted][0]
    else:
        state.verdict = state.inequalities["bound"]["verdict"]
    known = state.exact is not None or (state.built is not None and not state.built.noisy)
    state.settled = known or state.verdict.negative or state.verdict in (Verdict.HOLDS_HERE, Verdict.VACUOUS)
    state.open = not (known or state.verdict.negative or state.runs >= asked.settings.replicates)


def _close(asked: Asked, states: Sequence[State], interrupted: bool) -> None:
    """Say of each cell that has no verdict why it has none."""
    for state in states:
        built = state.built
        if state.settled or built is None or not state.verdict.measured:
            continue
        if interrupted and state.open:
            state.verdict, state.reason = Verdict.INCONCLUSIVE, f"stopped after {state.runs} runs"
        elif not state.runs:
            state.reason = "no work is left for a first look; raise 'work' in the scenario"
        else:
            few = state.runs < runs_needed(state.inequalities["bound"]["kappa"], asked.alpha)
            if few and second_moment(built) and asked.claim.kind == "upper":
                state.verdict = Verdict.INCONCLUSIVE
            state.reason = why_not_more(asked, built, state)
