"""The attack on one claim: orders one by one where few, the search where many, then shrink, confirm, and the verdict.

A cell that looks broken is only a candidate: the search looked at many. It is measured anew under a seed that the
search never used, by the Monte Carlo check itself, preconditions and exact moments included; the j-th candidate has
alpha / (j (j + 1)) for its e-value, so that the probability that any true claim is refuted by chance is below alpha.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ratecheck.checks import every_order, exact, monte_carlo
from ratecheck.checks.attack.budget import Budget
from ratecheck.checks.attack.score import score
from ratecheck.checks.attack.search import Board, Search, best_of, told
from ratecheck.checks.attack.shrink import shrink
from ratecheck.checks.attack.space import Space, space_of
from ratecheck.checks.measure import Store
from ratecheck.checks.question import Asked
from ratecheck.core.assumption import POLICIES
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.core.part import Part
from ratecheck.core.scenario import MonteCarlo
from ratecheck.core.verdict import Result, Verdict

#: (M, K) whose orders are all looked at before the search, and for claims about orders alone
CASES = ((2, 4), (3, 4))
ORDERS = ((2, 3), (2, 5), (3, 5), (2, 8), (3, 6))
#: false-alarm probability of an attack, and runs of a confirmation at most
ALPHA, REPLICATES = 1e-3, 256
#: a candidate is measured by so many runs before it is confirmed, a simpler one before it takes its place
SECOND_LOOK = 8
#: runs of the best cells, where nothing was found
LAST_LOOK = 64
#: evaluations of shrinking, and its part of the seconds where the search leaves less
SHRINKING, SHARE = 240, 0.25
#: candidates that are confirmed at most: what looks broken so often and never is has heavy tails
CANDIDATES = 40


@dataclass
class Attack:
    """An attack on one claim. ``policy``: the delay policy to go to; None: the one that the claim covers."""

    name: str
    claim: Claim
    scenario: str
    seed: int
    budget: Budget
    policy: str | None = None
    threads: int = 1
    method: str | None = None
    stepsize: str | None = None
    say: Callable[[str], None] = lambda text: None
    confirmed: list[Result] = field(default_factory=list)
    looked: set[str] = field(default_factory=set)
    seeds: int = 0

    @property
    def beyond(self) -> bool:
        """True when the attack goes beyond the delays that the claim covers."""
        return POLICIES.index(self.policy or self.claim.policy) > POLICIES.index(self.claim.policy)

    @property
    def target(self) -> Claim:
        """The claim as it is attacked: with the policy of the attack, its bounds only."""
        return replace(self.claim, policy=self.policy or self.claim.policy, identities=(), counting=(), stability=())

    def fresh(self) -> int:
        """Return a seed that was not used before."""
        self.seeds += 1
        return self.seed + self.seeds


def check(attack: Attack) -> Result:
    """Return the evidence of an attack: REFUTED or DIVERGED with a witness, or NOT REFUTED with what was spent."""
    by_orders = None if attack.beyond else _in_time(attack)
    if by_orders is not None and by_orders.verdict.negative:
        return replace(by_orders, evidence="attack", details={**by_orders.details, **_details(attack, None, None)})
    if not attack.claim.outputs:
        return _of_orders(attack, by_orders)
    claim = attack.target
    base = Cell(Part("quadratic"), Part("none"), Part("round_robin"), 1, 1, method=attack.method,
                stepsize=attack.stepsize)  # fmt: skip
    space = space_of(claim, base, attack.claim.policy, attack.seed)
    if not (space.problems and space.noises and space.delays):
        words = f"no parts on the shelves satisfy the assumptions of the claim under {claim.policy} delays"
        return _result(attack, Verdict.NOT_APPLICABLE, words, _details(attack, space, None))
    search = Search(claim, space, attack.seed, attack.budget, partial(_confirmed, attack), attack.say, attack.threads)
    if search.run():
        return _broken(attack, space, search.board)
    return _unbroken(attack, space, search.board)


def _in_time(attack: Attack) -> Result | None:
    """Return what ``_orders`` says; None where its time is over before it is done."""
    try:
        return _orders(attack)
    except KeyboardInterrupt:
        if attack.budget.stopped() or not attack.budget.late:
            raise
        return None


def _orders(attack: Attack) -> Result | None:
    """Return what the exact checks say of all orders of small cases; None where they have nothing to say."""
    claim, say = attack.claim, attack.say
    found: Result | None = None
    for case in CASES if claim.outputs else claim.cases or ORDERS:
        if attack.budget.over:
            break
        if claim.outputs:
            found = every_order.check(attack.name, claim, (case,), None, attack.scenario, method=attack.method, say=say,
                                      stopped=lambda: attack.budget.late)  # fmt: skip
            count = sum(one["orders"] for one in found.details.get("bounds", ())) if found else 0
        else:
            found = exact.check(attack.name, claim, (case,), attack.scenario, method=attack.method, say=say,
                                stopped=lambda: attack.budget.late)  # fmt: skip
            count = 1
        attack.budget.spend(count)
        if found is not None and found.verdict.negative:
            return found
    return found


def _of_orders(attack: Attack, found: Result | None) -> Result:
    if found is None or found.verdict is Verdict.NOT_APPLICABLE:
        words = found.summary if found else "the claim has no bound, no identity and no counting fact to attack"
        return _result(attack, Verdict.NOT_APPLICABLE, words, {})
    words = f"no order found that breaks it; at last {found.summary}"
    return _result(attack, Verdict.NOT_REFUTED, words, _details(attack, None, None))


def _confirmed(attack: Attack, board: Board) -> bool:
    """Look again at the cells that look broken; return whether one of them is."""
    new = [s for digest, s in board.broken.items() if digest not in attack.looked]
    for one in sorted(new, key=lambda s: (-s.ratios[s.broken].value, s.cell.label)):
        attack.looked.add(one.cell.digest)
        if len(attack.looked) > CANDIDATES or attack.budget.late:
            return False
        if _again(attack, one.cell) and _confirm(attack, one.cell):
            return True
    return False


def _again(attack: Attack, cell: Cell, least: float = 1.0) -> bool:
    """Return whether the cell looks broken under a fresh seed, by a ratio of ``least`` where it is sampled."""
    found = score(attack.target, cell, attack.fresh(), SECOND_LOOK)
    attack.budget.spend()
    if found is None or not found.broken:
        return False
    ratio = found.ratios[found.broken]
    return ratio.exact or ratio.value >= least


def _confirm(attack: Attack, cell: Cell) -> bool:
    """Put the cell to the Monte Carlo check under a fresh seed; keep its result when it refutes the claim."""
    share = len(attack.looked)
    settings = MonteCarlo(replicates=REPLICATES, alpha=ALPHA / (share * (share + 1)))
    asked = Asked(attack.name, attack.target, [cell], attack.scenario, attack.fresh(), settings,
                  threads=attack.threads)  # fmt: skip
    found = monte_carlo.check(asked, Store())
    attack.budget.spend()
    if found.verdict.negative:
        attack.confirmed.append(found)
        return True
    return False


def _broken(attack: Attack, space: Space, board: Board) -> Result:
    """Shrink what was confirmed, confirm the smallest cell that can be, and return the result."""
    first = attack.confirmed[-1]
    assert first.witness is not None
    cell = Cell.from_json(dict(first.witness["cell"]))
    attack.say(f"{attack.budget.spent:,} evaluations, broken at {told(cell)}; looking for a simpler cell")
    budget = attack.budget.part(SHRINKING, SHARE)
    spent = attack.budget.spent
    ratio = float(first.witness["found"].get("ratio") or 2.0)
    least = min(1.25, ratio**0.5)

    def stays(simpler: Cell) -> bool:
        budget.spend()
        return _again(attack, simpler, least)

    path = shrink(cell, stays, lambda: budget.over)
    for smaller in reversed(path[1:]):
        attack.looked.add(smaller.digest)
        if _confirm(attack, smaller):
            break
    last = attack.confirmed[-1]
    beyond = f" under {attack.policy} delays, which the claim does not cover" if attack.beyond else ""
    words = f"{last.summary}; found{beyond} after {spent:,} evaluations"
    details = {**_details(attack, space, board), "failed": {"found_at": told(cell), "steps_down": len(path) - 1}}
    return replace(last, evidence="attack", summary=words, details=details)


def _unbroken(attack: Attack, space: Space, board: Board) -> Result:
    details = _details(attack, space, board)
    best = best_of(board, lambda cell: score(attack.target, cell, attack.fresh(), LAST_LOOK))
    if best is None:
        words = f"no cell of the search satisfies the assumptions of the claim (budget {attack.budget.words})"
        return _result(attack, Verdict.NOT_APPLICABLE, words, details)
    near = f"{best['ratio']:.4g}" + ("" if best["exact"] else f" +- {best['error']:.2g}")
    words = f"nothing broken by {attack.budget.spent:,} evaluations (budget {attack.budget.words}): best ratio {near} "
    words += f"({best['inequality']}) at {best['cell']}"
    return _result(attack, Verdict.NOT_REFUTED, words, {**details, "best": best})


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
