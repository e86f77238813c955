"""From a question to cells that can be run: parts built, assumptions looked at, and a reason for each one left out."""

from __future__ import annotations

from ratecheck.checks.preconditions.coordinates import uneven
from ratecheck.checks.preconditions.dependence import dependent
from ratecheck.checks.preconditions.preconditions import contradiction, hidden, unlawful
from ratecheck.checks.question import Asked, State, inequalities_of, under
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import build
from ratecheck.errors import AssumptionError, CapabilityError, FormulaError, MethodError

#: constants that may be declared by hand and are held against the objective and its rows
DECLARED = {"L", "mu", "G", "G_F", "B", "sigma", "sigma_L", "zeta", "Delta", "M"}


def prepare(asked: Asked) -> list[State]:
    """Build every cell and say which do not apply, with the reason; nothing is simulated yet."""
    states: list[State] = []
    seen: set[str] = set()
    known: dict[str, str | None] = {}
    for i, given in enumerate(asked.cells):
        asked.progress("preparing cells", i, len(asked.cells))
        state = State(under(given, asked.claim, asked.method, asked.stepsize))
        if state.cell.digest in seen:  # the default output rule, named once more
            continue
        seen.add(state.cell.digest)
        states.append(state)
        reason = _build(asked, state) or _failing(asked, state, known)
        if reason:
            state.verdict, state.reason, state.open = Verdict.NOT_APPLICABLE, reason, False
    if asked.claim.kind == "lower":
        _unfit(asked, states)
    return states


def _unfit(asked: Asked, states: list[State]) -> None:
    """Turn down in every cell the methods that tell two worlds apart in one: they know the worlds, wherever they run.

    Under ``--force`` the cells are told.
    """
    found: dict[str, str] = {}
    for state in states:
        name = state.cell.method or asked.claim.method
        if name not in found and state.built is not None and (reason := uneven(state.built)):
            found[name] = reason
    for state in states:
        reason = found.get(state.cell.method or asked.claim.method, "")
        if reason and asked.force:
            state.forced = reason
        elif reason:
            state.verdict, state.reason, state.open, state.unfit = Verdict.NOT_APPLICABLE, reason, False, True


def _build(asked: Asked, state: State) -> str | None:
    """Build the cell into the state; return why it cannot be."""
    cell = state.cell
    if cell.output not in asked.claim.outputs:
        return f"the claim says nothing about output rule {cell.output}"
    try:
        state.built = build(cell, asked.seed, method=asked.claim.method, scheduler=asked.claim.scheduler,
                            stepsize=asked.claim.stepsize, growth=asked.claim.growth, folder=asked.folder,
                            failing=asked.claim.fixed_by if asked.force else asked.claim.failing)  # fmt: skip
    except (CapabilityError, AssumptionError, FormulaError) as fault:
        state.unfit = isinstance(fault, MethodError)
        return str(fault)
    if "bound" not in inequalities_of(asked.claim, state.built):
        return "the bound uses numbers of the schedule, and where delays look at samples every run has its own"
    return None


def _failing(asked: Asked, state: State, known: dict[str, str | None]) -> str | None:
    """Return the first assumption that fails, declared or measured; under ``--force`` the state is told, and None."""
    reason = _reason(asked, state, known)
    if asked.force:
        state.forced, reason = reason or "", None
    return reason


def _reason(asked: Asked, state: State, known: dict[str, str | None]) -> str | None:
    built = state.built
    assert built is not None
    if failing := asked.claim.failing(built.facts):
        return failing[0]
    constants = {n: v for n, v in built.constants.items() if n in DECLARED}
    problem = str((state.cell.problem, built.instance.data.tobytes(), constants, built.noise.additive))
    if problem not in known:
        known[problem] = contradiction(built)
    rhs = asked.claim.outputs[state.cell.output].bound.rhs.value(built.constants)
    reason = known[problem] or unlawful(built) or hidden(built, rhs)
    if reason is None and asked.claim.policy == "independent":
        reason = dependent(built)
    return reason
