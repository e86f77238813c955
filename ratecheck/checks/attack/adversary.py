"""The attack on one claim: orders one by one where few, the search where many, then shrink, confirm, and the verdict.

A cell that looks broken is only a candidate: the search looked at many. It is measured anew under a seed that the
search never used, by the Monte Carlo check itself, preconditions and exact moments included; the j-th such test has
alpha / (j (j + 1)) for its e-value, so that the probability that any true claim is refuted by chance is below alpha.

Ctrl-C ends an attack with what is known: a violation that was found is kept, and cells that look broken are put to the
test first; a second one ends that, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ratecheck.checks import every_order
from ratecheck.checks.attack.attack import ALPHA, Attack, Stopped
from ratecheck.checks.attack.budget import Budget
from ratecheck.checks.attack.confirm import again, confirm, confirmed
from ratecheck.checks.attack.orders import Walk
from ratecheck.checks.attack.score import BOUND, Score, score
from ratecheck.checks.attack.search import Board, Search, best_of, told
from ratecheck.checks.attack.shrink import shrink
from ratecheck.checks.attack.space import Space, space_of
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part
from ratecheck.core.verdict import Result, Verdict

#: (M, K) whose orders are all looked at before the search
CASES = ((2, 4), (3, 4))
#: part of the budget for identities and counting facts of a claim with bounds
FACTS = 0.02
#: runs of the best cells, where nothing was found
LAST_LOOK = 64
#: evaluations of shrinking, and its part of the seconds where the search leaves less
SHRINKING, SHARE = 240, 0.25


def check(attack: Attack) -> Result:
    """Return the evidence of an attack: REFUTED or DIVERGED with a witness, or NOT REFUTED with what was spent.

    Raises Stopped, a KeyboardInterrupt that has the result so far, on Ctrl-C.
    """
    if not attack.claim.outputs:
        return _of_orders(attack, attack.budget)
    known = None if attack.beyond or attack.workers else _orders(attack)
    if known is not None:
        return known
    claim = attack.target
    base = Cell(Part("quadratic"), Part("none"), Part("round_robin"), 1, 1, method=attack.method,
                stepsize=attack.stepsize)  # fmt: skip
    space = space_of(claim, base, attack.claim.policy, attack.seed, attack.workers)
    own = claim.cells if claim.kind == "lower" and not (attack.method or attack.stepsize) else ()
    own = tuple(one for one in own if attack.workers in (None, one.M))
    if space.empty and not own:
        words = f"no parts on the shelves satisfy the assumptions of the claim under {claim.policy} delays: {space.why}"
        words += "; a check looks at the cells that it brings" if claim.cells else ""
        return _result(attack, Verdict.NOT_APPLICABLE, words, _details(attack, space, None))
    search = Search(claim, space, attack.seed, attack.budget, partial(confirmed, attack), attack.say, attack.threads,
                    own)  # fmt: skip
    try:
        found = search.run()
        return (_broken if found else _unbroken)(attack, space, search.board)
    except KeyboardInterrupt:
        raise Stopped(_at_once(attack, space, search.board)) from None


def _orders(attack: Attack) -> Result | None:
    """Return a refutation by one of the arrival orders of small cases; None where there is none."""
    claim = attack.claim
    found: Result | None = None
    if claim.identities or claim.counting:
        found = _of_orders(attack, attack.budget.part_of(FACTS))
    try:
        for case in CASES:
            if attack.budget.over or (found is not None and found.verdict.negative):
                break
            found = every_order.check(attack.name, claim, (case,), None, attack.scenario, method=attack.method,
                                      say=attack.say, stopped=lambda: attack.budget.late)  # fmt: skip
            attack.budget.spend(sum(one["orders"] for one in found.details.get("bounds", ())) if found else 0)
    except KeyboardInterrupt:
        if attack.budget.stopped() or not attack.budget.late:
            words = f"stopped after {attack.budget.spent:,} evaluations, all arrival orders: nothing broken so far"
            raise Stopped(_result(attack, Verdict.INCONCLUSIVE, words, _details(attack, None, None))) from None
    if found is None or not found.verdict.negative:
        return None
    return replace(found, evidence="attack", details={**found.details, **_details(attack, None, None)})


def _of_orders(attack: Attack, budget: Budget) -> Result:
    """Return what all arrival orders of small cases say of identities and counting facts, till the budget is over."""
    walk = Walk(attack.claim, budget, attack.say)
    stopped = False
    try:
        found = walk.run(attack.name, attack.scenario, attack.method)
    except KeyboardInterrupt:
        found, stopped = walk.found, True
    if budget is not attack.budget:
        attack.budget.spend(budget.spent)
    if not (attack.claim.identities or attack.claim.counting) or (found and found.verdict is Verdict.NOT_APPLICABLE):
        words = found.summary if found else "the claim has no bound, no identity and no counting fact to attack"
        return _result(attack, Verdict.NOT_APPLICABLE, words, {})
    details = {**(found.details if found else {}), **_details(attack, None, None)}
    if found is not None and found.verdict.negative:
        return replace(found, evidence="attack", details=details)
    words = f"no arrival order breaks it: {budget.spent:,} of (M,K) up to {walk.words} (budget {budget.words})"
    details |= {"orders": walk.words}
    if stopped:
        raise Stopped(_result(attack, Verdict.INCONCLUSIVE, f"stopped; {words}", details))
    return _result(attack, Verdict.NOT_REFUTED, words, details)


def _at_once(attack: Attack, space: Space, board: Board) -> Result:
    """Return what is known when the search is stopped: cells that look broken are put to the test, no more."""
    try:
        if attack.broken != BOUND and any(digest not in attack.looked for digest in board.broken):
            attack.say("stopping; cells that look broken are measured once more (Ctrl-C: they are not)")
            confirmed(attack, board)
    except KeyboardInterrupt:
        pass
    if attack.confirmed:
        return _kept(attack, space, board, "and not made simpler: stopped")
    left = [s for digest, s in board.broken.items() if digest not in attack.looked]
    seen = {s.cell.digest: s for s in board.best.values()}
    best = best_of(board, lambda cell: seen[cell.digest])
    words = f"stopped after {attack.budget.spent:,} evaluations"
    words += f": best ratio {_near(best)}" if best else ""
    words += f"; looks broken, and not confirmed: {told(left[0].cell)}" if left else ""
    details = {**_details(attack, space, board), **({"best": best} if best else {})}
    return _result(attack, Verdict.INCONCLUSIVE, words, details)


def _broken(attack: Attack, space: Space, board: Board) -> Result:
    """Shrink what was confirmed, confirm the smallest cell that can be, and return the result."""
    first = attack.confirmed[-1]
    assert first.witness is not None
    cell = Cell.from_json(dict(first.witness["cell"]))
    attack.say(f"{attack.budget.spent:,} evaluations, broken at {told(cell)}; looking for a simpler cell")
    budget = attack.budget.part(SHRINKING, SHARE)
    spent, name = attack.budget.spent, attack.broken
    ratio = float(first.witness["found"].get("ratio") or 2.0)
    least = min(1.25, ratio**0.5)

    def stays(simpler: Cell) -> bool:
        budget.spend()
        if attack.workers not in (None, simpler.M):
            return False
        return bool(again(attack, simpler, least, name=name))

    path = shrink(cell, stays, lambda: budget.over)
    for smaller in reversed(path[1:]):
        attack.looked.add(smaller.digest)
        if confirm(attack, smaller, name):
            break
    way = {"found_at": told(cell), "after": spent, "steps_down": len(path) - 1}
    return _kept(attack, space, board, f"after {spent:,} evaluations", way)


def _kept(attack: Attack, space: Space, board: Board, words: str, way: Mapping[str, Any] | None = None) -> Result:
    """Return the last result that refutes the claim, as that of the attack."""
    last = attack.confirmed[-1]
    beyond = f" under {attack.policy} delays, which the claim does not cover" if attack.beyond else ""
    details = _details(attack, space, board)
    if way:
        details["failed"] = dict(way)
    return replace(last, evidence="attack", summary=f"{last.summary}; found{beyond} {words}", details=details)


def _unbroken(attack: Attack, space: Space, board: Board) -> Result:
    fresh: list[Score] = []

    def longer(cell: Cell) -> Score | None:
        found = score(attack.target, cell, attack.fresh(), LAST_LOOK)
        fresh.extend([found] if found is not None and attack.more(found.broken) else [])
        return found

    best = best_of(board, longer)
    for one in fresh:
        attack.looked.add(one.cell.digest)
        if confirm(attack, one.cell, one.broken):
            break
    if attack.confirmed:
        return _broken(attack, space, board)
    details = _details(attack, space, board)
    if best is None:
        words = f"no cell of the search satisfies the assumptions of the claim (budget {attack.budget.words})"
        return _result(attack, Verdict.NOT_APPLICABLE, words, details)
    words = f"nothing broken by {attack.budget.spent:,} evaluations (budget {attack.budget.words}): best ratio "
    return _result(attack, Verdict.NOT_REFUTED, words + _near(best), {**details, "best": best})


def _near(best: Mapping[str, Any]) -> str:
    """Return the best ratio and its cell in words."""
    near = f"{best['ratio']:.4g}" + ("" if best["exact"] else f" +- {best['error']:.2g}")
    return f"{near} ({best['inequality']}) at {best['cell']}"


def _result(attack: Attack, verdict: Verdict, words: str, details: Mapping[str, Any]) -> Result:
    return Result(attack.name, attack.scenario, "attack", verdict, words, attack.claim.expect, details)


def _details(attack: Attack, space: Space | None, board: Board | None) -> dict[str, Any]:
    """Return what was searched and how near it came, as plain data."""
    found: dict[str, Any] = {
        "title": attack.claim.title, "seed": attack.seed, "alpha": ALPHA,
        "policy": attack.policy or attack.claim.policy, "beyond": attack.beyond,
        "budget": attack.budget.words, "evaluations": attack.budget.spent,
    }  # fmt: skip
    if space is not None:
        found["searched"] = space.words
    if board is not None:
        found["ratios"] = {f"{name} {rule}": s.ratios[name].sure for (rule, name), s in sorted(board.best.items())}
        found["candidates"] = len(attack.looked)
    return found
