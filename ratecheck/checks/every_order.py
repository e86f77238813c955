"""Bounds over all arrival orders of a small case, without sampling error.

Quadratics by their exact second moments (``moments``), for any noise of mean 0. Where a claim needs bounded stochastic
gradients, functions with a kink take their place: the noise is +-sigma, and all 2^(M + K) sign patterns are run, one
replicate each; their mean is the expectation. That takes one float64 run a pattern, with the rounding allowed to a run
without noise. On a kink rounding may choose another subgradient, which a theorem about subgradients covers.

Numbers that a claim leaves open are at their limits, where the bound is asked for most: the largest beta and stepsize
that it allows (rounded down), fourth moments, a cap that is the largest delay of the order. An order that the claim
does not cover with this cap, K >= tau_cap say, is not among those looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ratecheck.checks import moments
from ratecheck.checks.declared import letters, open_of, plainly
from ratecheck.checks.question import inequalities_of, wanted_of
from ratecheck.checks.weigh import ROUNDING_PER_STEP
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.core.noise import Noise
from ratecheck.core.part import Part
from ratecheck.core.scheduler import Scheduler
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import Built, build
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.rows import given
from ratecheck.engine.schedule import from_order
from ratecheck.engine.sweep import simulate
from ratecheck.errors import AssumptionError, CapabilityError, RatecheckError

Case = tuple[int, int]
#: kind of the witness of a bound that fails
KIND = "every-order"
#: what is tried, with the noise levels: every objective of the class that a claim assumes
QUADRATICS = (
    Part("quadratic", {"spectrum": ["1/8", 1], "radius": 2}),
    Part("heterogeneous_quadratic", {"spectrum": ["1/8", 1], "radius": 2, "zeta": "1/2"}),
)
KINKED = (
    Part("asymmetric_abs"),
    Part("huber", {"kink": "1/4", "dimension": 1}),
)
LEVELS = (0.0, 0.5)
#: largest number of sign patterns, as a power of 2
MOST = 12


def check(
    name: str, claim: Claim, cases: Sequence[Case], identities: Result | None, scenario: str, *,
    method: str | None = None, folder: Path | None = None, say: Callable[[str], None] = lambda text: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Result | None:  # fmt: skip
    """Return the exact evidence for a claim with its bounds: ``identities`` is that for the rest of it.

    A refuted identity stays. Where nothing applies in any case the result is the one given, with the reasons.
    """
    if not claim.outputs or (identities and identities.verdict.negative) or _of_an_instance(claim):
        return identities
    found: list[dict[str, Any]] = []
    for workers, steps in cases:
        say(f"bounds: all arrival orders of M = {workers}, K = {steps}")
        found.append(_case(claim, workers, steps, method, folder, stopped))
        if "fault" in found[-1]:
            return _refuted(name, claim, scenario, found[-1], method)
    if not any(one["by"] for one in found):
        return identities
    if identities is None or identities.verdict is Verdict.NOT_APPLICABLE:
        return Result(name, scenario, "exact", Verdict.EXACT, summary(found), claim.expect, {"bounds": found})
    first, *rest = identities.summary.split(";")  # tables show the first part
    words = ";".join([f"{first}, {summary(found)}", *rest])
    return replace(identities, summary=words, details={**identities.details, "bounds": found})


def _of_an_instance(claim: Claim) -> bool:
    """True for a lower bound that brings its instances: it says nothing of other objectives and orders."""
    return claim.kind == "lower" and bool(claim.cells)


def summary(found: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what was found in the cases that apply."""
    some = [one for one in found if one["by"]]
    cases = ", ".join(f"({one['M']},{one['K']})" for one in some)
    largest: dict[str, float] = {}
    for one in some:
        for key, ratio in one["largest"].items():
            largest[key] = max(ratio, largest.get(key, 0.0))
    top = max(largest, key=lambda key: largest[key])
    orders = "all orders that it covers" if any(one["beyond"] for one in some) else "all orders"
    names = sorted({name for one in some for name in one["declared"]})
    words = f", with {', '.join(names)} declared" if names else ""
    return f"bounds: at most {largest[top]:.3f} of the right side ({top}) on {orders} of {cases}, in float64{words}"


def _refuted(name: str, claim: Claim, scenario: str, found: Mapping[str, Any], method: str | None) -> Result:
    cell: Cell = found["cell"]
    roles = (("method", method or ""), ("claim", name))
    files = {role: file for role, file in roles if file.endswith(".py")}
    seen = {side: float(found["found"][side]) for side in ("lhs", "rhs")}
    witness = Witness(name, KIND, found["inequality"], cell.as_json(), seen, files=files)
    summary = f"the {found['fault']} at {cell.label}"
    details = {"failed": {"fault": found["fault"], "cell": cell.label}}
    return Result(name, scenario, "exact", Verdict.REFUTED, summary, claim.expect, details, witness.as_json())


def _case(claim: Claim, workers: int, steps: int, method: str | None, folder: Path | None,
          stopped: Callable[[], bool]) -> dict[str, Any]:  # fmt: skip
    """Return one entry: orders, what was run, the largest lhs/rhs by inequality and output rule, and reasons.

    ``declared`` are the numbers that the claim leaves open, in the last order; ``beyond`` counts orders not covered.
    """
    entry: dict[str, Any] = {"M": workers, "K": steps, "orders": 0, "beyond": 0, "largest": {}, "by": {},
                             "left_out": {}, "declared": {}}  # fmt: skip
    for problems in (QUADRATICS, KINKED):
        for problem in problems if not entry["by"] else ():
            _all(claim, entry, problem, method, folder, stopped)
            if "fault" in entry:
                return entry
    return entry


def _all(claim: Claim, entry: dict[str, Any], problem: Part, method: str | None, folder: Path | None,
         stopped: Callable[[], bool]) -> None:  # fmt: skip
    """Add what one objective says, over all orders, output rules and noise levels."""
    desk, rule = shelf.SCHEDULERS.get(claim.scheduler), shelf.METHODS.get(method or claim.method, folder)
    labelled = shelf.PROBLEMS.get(problem.name).heterogeneous or rule.sees_workers
    orders = list(arrival_orders(desk, entry["M"], entry["K"], labelled=labelled))
    for output in claim.outputs:
        looked = 0
        try:
            first = Cell(problem, Part("rademacher"), Part("round_robin"), entry["M"], entry["K"], 0.0, output, method)
            whole = replace(first, constants=_at_limits(claim, first))
            for built in _covered(claim, (cell for order in orders for cell in _cells(whole, order, desk)), folder):
                if stopped():
                    raise KeyboardInterrupt
                _look(claim, built, entry)
                if "fault" in entry:
                    return
                looked += bool(built.cell.sigma)
        except RatecheckError as fault:
            entry["left_out"][f"{problem.label} {output}"] = str(fault)
        except Exception as fault:  # of a user's file; the runs will say where
            entry["left_out"][f"{problem.label} {output}"] = f"{type(fault).__name__}: {fault}"
        else:
            entry["orders"], entry["declared"] = max(looked, entry["orders"]), dict(built.cell.constants)
            entry["beyond"] = max(len(orders) - looked, entry["beyond"])
            entry["by"][problem.label] = "moments" if problem in QUADRATICS else "all sign patterns"


def _covered(claim: Claim, cells: Iterable[Cell], folder: Path | None) -> Iterator[Built]:
    """Yield the cells built, but those that the claim does not cover for lack of noise, or for their largest delay.

    Raises AssumptionError, with a reason, where it covers none with noise, or another lacks something.
    """
    noisy, why = False, AssumptionError("there is no arrival order")
    for cell in cells:
        try:
            built = built_of(claim, cell, folder)
        except AssumptionError as fault:
            if cell.sigma and "tau_cap" not in cell.constants:
                raise
            why = fault
        else:
            noisy = noisy or bool(cell.sigma)
            yield built
    if not noisy:
        raise why


def _look(claim: Claim, built: Built, entry: dict[str, Any]) -> None:
    cell = built.cell
    for inequality, one in decide(claim, built).items():
        key = f"{inequality} {cell.output}"
        entry["largest"][key] = max(float(one["ratio"]), entry["largest"].get(key, 0.0))
        if one["verdict"] is Verdict.REFUTED:
            sides = f"{inequality} under {cell.output} fails: {one['lhs']:.6g} > {one['rhs']:.6g}"
            entry |= {"fault": sides, "cell": cell, "inequality": inequality, "found": one}
            return


def built_of(claim: Claim, cell: Cell, folder: Path | None = None) -> Built:
    """Return the cell built for the claim. Raises AssumptionError where an assumption fails."""
    return build(cell, 0, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize,
                 growth=claim.growth, folder=folder, failing=claim.failing)  # fmt: skip


def _cells(cell: Cell, order: Sequence[int], desk: Scheduler) -> Iterator[Cell]:
    """Yield the cell with the delays of one order, which are its cap where it has one, at each level of noise."""
    delays, constants = Part("order", {"workers": list(order)}), dict(cell.constants)
    if "tau_cap" in constants:
        constants["tau_cap"] = from_order(desk, cell.M, np.array(order, dtype=np.int64)).oldest
    for sigma in LEVELS:
        yield replace(cell, delays=delays, sigma=sigma, constants=constants)


def _at_limits(claim: Claim, cell: Cell) -> dict[str, float]:
    """Return the numbers that the claim leaves open, at their limits."""
    opened = open_of(claim, letters(claim))
    return plainly(cell, cell.method or claim.method, opened) if opened else {}


def decide(claim: Claim, built: Built) -> dict[str, dict[str, Any]]:
    """Return lhs, rhs, ratio and verdict of each inequality. Raises CapabilityError where neither way applies."""
    if built.cell.problem in QUADRATICS:
        return moments.check_moments(claim, built)
    measured = mean_over_signs(built, wanted_of(claim))
    known: Mapping[str, Any] = {**built.constants, **measured}
    found = {}
    for name, inequality in inequalities_of(claim, built).items():
        left, right = inequality.lhs.value(known), inequality.rhs.value(known)
        room = ROUNDING_PER_STEP * built.cell.K * max(abs(left), abs(right))
        slack = right - left if claim.kind == "upper" else left - right
        verdict = Verdict.EXACT if slack > room else Verdict.NOT_REFUTED if slack >= -room else Verdict.REFUTED
        found[name] = {"lhs": left, "rhs": right, "ratio": left / right if right else np.inf, "verdict": verdict}
    return found


def mean_over_signs(built: Built, wanted: tuple[str, ...]) -> dict[str, float]:
    """Return the expectations of measured quantities under noise +-sigma on one coordinate: the mean over patterns.

    Raises CapabilityError for more than one coordinate, or more than 2^MOST patterns.
    """
    handouts = built.weighted.schedule.handouts if built.constants["sigma"] else 0
    if built.instance.dimension != 1 or handouts > MOST:
        raise CapabilityError(f"all sign patterns are run for one coordinate and at most {MOST} hand-outs.")
    patterns = 1 << handouts
    bits = np.arange(patterns)[None, :] >> np.arange(max(1, handouts))[:, None] & 1
    signs = np.asarray(2.0 * bits - 1.0, dtype=np.float64)
    run = replace(built, noise=Noise("all_signs", given), noise_par=signs.ravel())
    outcome = simulate(run, 0, patterns, wanted)
    return {name: float(np.mean(outcome.measured[name])) for name in wanted}
