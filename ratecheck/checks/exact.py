"""Exact evidence: identities and counting facts over *all* arrival orders of small cases, in rational arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
import sympy as sp

from ratecheck.core import shelf
from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting, Identity, View
from ratecheck.core.method import Method
from ratecheck.core.scheduler import Scheduler
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.replay import replay_rows
from ratecheck.engine.schedule import from_order
from ratecheck.errors import CapabilityError, PartError

Case = tuple[int, int]
Order = tuple[int, ...]
#: a case with more arrival orders (workers told apart) than this is refused: minutes of exact arithmetic
LARGEST_CASE = 10**8


class Found(Exception):
    """Carries the first nonzero residual out of a replay."""

    def __init__(self, step: int, coefficient: str) -> None:
        super().__init__(step, coefficient)
        self.step, self.coefficient = step, coefficient


def stepsizes(schedule: Any) -> tuple[list[Fraction], list[Fraction]]:
    """Return (gamma per delivery, gamma_hat per hand-out): a distinct power of 64 each, in flight ones included.

    What was stopped or dropped has 0.

    A residual that is linear in the stepsizes with coefficients p/q, |p| < 32 and a common q, vanishes at this point
    only if it vanishes for all stepsizes: the numbers are digits in base 64.
    """
    n = schedule.horizon
    gamma = [Fraction(64) ** i for i in range(n)]
    gamma_hat = [Fraction(64) ** (n + h) * int(out) for h, out in enumerate(schedule.flying)]
    for i in range(n):
        gamma_hat[int(schedule.source[i])] = gamma[i] * int(schedule.counted[i])
    return gamma, gamma_hat


def residual_of(identity: Identity, method: Method, scheduler: Scheduler, workers: int, order: Order,
                constants: dict[str, Any]) -> tuple[int, str] | None:  # fmt: skip
    """Return (step, coefficient in words) of the first nonzero residual in this arrival order, or None."""
    schedule = from_order(scheduler, workers, np.array(order, dtype=np.int64))
    gamma, gamma_hat = stepsizes(schedule)

    def visit(view: View) -> None:
        row = identity.residual(view)
        if any(isinstance(value, float) for value in (*row, *view.x)):
            raise PartError(
                f"method {method.name!r} turns exact numbers into floats: write x / 2 for 0.5 * x, never divide two "
                "integers, or declare symbolic=False."
            )
        for i, value in enumerate(row):
            if value != 0:
                raise Found(view.step, f"{_vector(i, len(row), schedule)} is left with coefficient {value}")

    try:
        replay_rows(method, schedule, gamma, gamma_hat, constants, visit)
    except Found as found:
        return found.step, found.coefficient
    return None


def compares(method: Method, scheduler: Scheduler, constants: dict[str, Any]) -> bool:
    """True when a kernel compares numbers, so that a replay at one point says nothing about others.

    Found by running it on symbols for stepsizes and vectors: they have no order.
    """
    order = next(arrival_orders(scheduler, 2, 6, labelled=True))
    schedule = from_order(scheduler, 2, np.array(order, dtype=np.int64))
    gamma = [sp.Symbol(f"gamma_{n}") for n in range(schedule.horizon)]
    later = [sp.Symbol(f"gamma_hat_{h}") for h in range(schedule.handouts)]
    try:
        replay_rows(method, schedule, gamma, later, {**constants, "M": 2, "K": 6}, lambda view: None, sp.Symbol)
    except TypeError as fault:
        return "relational" in str(fault).lower()
    except (ArithmeticError, LookupError, ValueError, AttributeError):
        return False  # the replay proper says what is wrong
    return False


def _vector(i: int, size: int, schedule: Any) -> str:
    if i == 0:
        return "x_0"
    if i == size - 1:
        return "a gradient taken at another point than the model handed out"
    j, h = divmod(i - 1, schedule.handouts)
    if j > 0:
        return f"the gradient at point {j} of the sample of hand-out {h}"
    return f"the gradient of worker {int(schedule.to_worker[h])} at x_{int(schedule.made_at[h])}"


@lru_cache(maxsize=256)
def sweep_identity(
    identity: Identity, method: Method, scheduler: Scheduler, case: Case, constants: tuple[tuple[str, Any], ...] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:  # fmt: skip
    """Check one identity on all arrival orders of one case (M, K); the same question is answered once a process.

    ``constants`` are further numbers of the cell that a method's ``par`` may name. Raises KeyboardInterrupt when
    ``stopped`` says so.
    """
    workers, steps = case
    orders = 0
    for order in arrival_orders(scheduler, workers, steps, labelled=method.sees_workers):
        orders += 1
        if stopped():
            raise KeyboardInterrupt
        fault = residual_of(identity, method, scheduler, workers, order, {**dict(constants), "M": workers, "K": steps})
        if fault is not None:
            found = {"order": list(order), "step": fault[0], "fault": fault[1]}
            return {"M": workers, "K": steps, "orders": orders, **found}
    whole = _all(scheduler, workers, steps)
    return {"M": workers, "K": steps, "orders": orders, "standing_for": whole, "residual": "0"}


def _all(scheduler: Scheduler, workers: int, steps: int) -> int:
    """Return the number of arrival orders with workers told apart."""
    if scheduler.every is None and not scheduler.keyed:
        return int(workers**steps)
    return sum(1 for _ in arrival_orders(scheduler, workers, steps, labelled=True))


def sweep_counting(
    fact: Counting, scheduler: Scheduler, case: Case, stopped: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """Check one counting fact on all arrival orders of one case; on one, where it makes its own delays.

    Raises KeyboardInterrupt when ``stopped`` says so.
    """
    listed = arrival_orders(scheduler, *case, labelled=False)
    return _sweep(fact, scheduler, case, islice(listed, 1) if fact.told else listed, stopped)


def _sweep(
    fact: Counting, scheduler: Scheduler, case: Case, listed: Iterable[Order], stopped: Callable[[], bool]
) -> dict[str, Any]:
    workers, steps = case
    smallest: Fraction | None = None
    orders = 0
    for order in listed:
        orders += 1
        if stopped():
            raise KeyboardInterrupt
        slack = slack_of(fact, scheduler, workers, order)
        smallest = slack if smallest is None else min(smallest, slack)
        if slack < 0:
            where = {} if fact.told else {"order": list(order)}
            return {"M": workers, "K": steps, "orders": orders, **where, "fault": _fault(fact, slack, workers, steps)}
    told = {"told": fact.told(workers, steps)} if fact.told else {}
    return {"M": workers, "K": steps, "orders": orders, "smallest_slack": str(smallest), **told}


def slack_of(fact: Counting, scheduler: Scheduler, workers: int, order: Order) -> Fraction:
    """Return the slack of a counting fact on one arrival order."""
    delay = [int(t) for t in from_order(scheduler, workers, np.array(order, dtype=np.int64)).delay]
    return fact.slack(order, delay, workers)


def counting_fault(fact: Counting, scheduler: Scheduler, workers: int, order: Order) -> dict[str, str]:
    """Return {'fault': sentence} when the fact fails on this arrival order, else {}."""
    slack = slack_of(fact, scheduler, workers, order)
    return {"fault": _fault(fact, slack, workers, len(order))} if slack < 0 else {}


def some_order(scheduler: Scheduler, case: Case) -> Order:
    """Return an arrival order, for a fact that makes its own delays."""
    return next(iter(arrival_orders(scheduler, *case, labelled=False)))


def _fault(fact: Counting, slack: Fraction, workers: int, steps: int) -> str:
    return f"slack {slack} < 0" + (f": {fact.told(workers, steps)}" if fact.told else "")


def check(
    name: str,
    claim: Claim,
    cases: Sequence[Case],
    scenario: str,
    *,
    method: str | None = None,
    constants: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = lambda text: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Result | None:
    """Return the exact evidence for a claim, or None when it has no identity and no counting fact.

    ``method`` overrides the claim's (a name or a file), ``constants`` are declared by hand in the scenario. A method
    with branches on numbers, or one that is no kernel, is NOT APPLICABLE here: its identities are looked at on floats,
    along the runs. Raises CapabilityError for a case with more arrival orders than anyone would wait for.
    """
    cases = claim.cases or cases
    for workers, steps in cases:
        if workers**steps > LARGEST_CASE:
            raise CapabilityError(
                f"exact case [{workers}, {steps}] has {workers}^{steps} arrival orders, and at most {LARGEST_CASE:.0e} "
                "are enumerated: take a smaller M or K."
            )
    if not claim.identities and not claim.counting:
        return None
    numbers = {**(constants or {}), **claim.fixed}
    rule = shelf.METHODS.get(method or claim.method)
    scheduler = shelf.SCHEDULERS.get(claim.scheduler).with_numbers(numbers)
    branches = not rule.symbolic or (rule.compiled and compares(rule, scheduler, numbers))
    if claim.identities and (branches or not rule.compiled):
        what = "branches on numbers" if rule.compiled else "is no kernel"
        why = f"method {rule.name!r} {what}; its identities are checked on floats, along the runs"
        return Result(name, scenario, "exact", Verdict.NOT_APPLICABLE, why, claim.expect)
    if lacking := [why for i in claim.identities if (why := i.lacking(rule))]:
        return Result(name, scenario, "exact", Verdict.NOT_APPLICABLE, lacking[0], claim.expect)
    given = tuple(sorted(numbers.items()))
    details: dict[str, Any] = {"identities": [], "counting": []}
    for kind, things in (("identities", claim.identities), ("counting", claim.counting)):
        for thing in things:
            found = []
            for one in _outcomes(thing, rule, scheduler, cases, given, say, stopped):
                if "fault" in one:
                    return _refuted(name, claim, scenario, rule, method, thing.name, {**one, "constants": dict(given)})
                found.append(one)
            details[kind].append({"name": thing.name, "statement": thing.statement, "cases": found, "verdict": "EXACT"})
    return Result(name, scenario, "exact", Verdict.EXACT, _summary(details), claim.expect, details)


def _outcomes(thing: Identity | Counting, rule: Method, scheduler: Scheduler, cases: Sequence[Case],
              given: tuple[tuple[str, Any], ...], say: Callable[[str], None],
              stopped: Callable[[], bool]) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Yield what each case says of an identity or a counting fact, and then each order that the fact names."""
    for workers, steps in cases:
        say(f"{thing.name}: all arrival orders of M = {workers}, K = {steps}")
        if isinstance(thing, Identity):
            yield sweep_identity(thing, rule, scheduler, (workers, steps), given, stopped)
        else:
            yield sweep_counting(thing, scheduler, (workers, steps), stopped)
    if isinstance(thing, Counting):
        for workers, order in thing.orders:
            yield _sweep(thing, scheduler, (workers, len(order)), [order], stopped)


def _refuted(name: str, claim: Claim, scenario: str, rule: Method, method: str | None, check: str,
             found: dict[str, Any]) -> Result:  # fmt: skip
    at = f" at step {found['step']}" if "step" in found else ""
    order = f"arrival order {found['order']}" if "order" in found else f"K = {found['K']}"
    where = f"method {rule.name!r}, M = {found['M']}, {order}"
    summary = f"{check} fails{at} for {where}: {found['fault']}"
    files = {"method": method} if method and method.endswith(".py") else {}
    if name.endswith(".py"):
        files["claim"] = name
    cell = {
        "M": found["M"],
        **({"order": found["order"]} if "order" in found else {"K": found["K"]}),
        "method": method or claim.method,
        "scheduler": claim.scheduler,
        "constants": found["constants"],
    }
    seen: dict[str, Any] = {k: found[k] for k in ("step", "fault") if k in found}
    witness = Witness(name, "identity", check, cell, seen, files=files)
    return Result(name, scenario, "exact", Verdict.REFUTED, summary, claim.expect, {"failed": found}, witness.as_json())


def _summary(details: dict[str, Any]) -> str:
    parts = []
    for one in details["identities"]:
        cases = ", ".join(f"({c['M']},{c['K']})" for c in one["cases"])
        orders, all_of = (sum(c[n] for c in one["cases"]) for n in ("orders", "standing_for"))
        parts.append(
            f"{one['name']}: residual exactly 0 on all {all_of:,} arrival orders ({orders:,} up to names) "
            f"of (M,K) = {cases}; any nonzero coefficient would have been seen"
        )
    if details["counting"]:
        cases = details["counting"][0]["cases"]
        where = cases[-1].get("told") or f"{sum(c['orders'] for c in cases):,} orders up to names"
        facts = "1 counting fact" if len(details["counting"]) == 1 else f"{len(details['counting'])} counting facts"
        parts.append(f"{facts}: exact slack >= 0 on {where}")
    return "; ".join(parts)
