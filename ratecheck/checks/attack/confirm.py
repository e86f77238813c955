"""Doubt: a cell that looks broken is measured anew, under seeds that the search never used, and put to the check."""

from __future__ import annotations

from dataclasses import replace

from ratecheck.checks import monte_carlo
from ratecheck.checks.attack.attack import ALPHA, Attack
from ratecheck.checks.attack.score import BOUND, score
from ratecheck.checks.attack.search import Board, told
from ratecheck.checks.measure import Store
from ratecheck.checks.question import Asked
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Claim
from ratecheck.core.scenario import MonteCarlo

#: runs of a confirmation at most
REPLICATES = 256
#: a candidate is measured by so many runs before it is confirmed, a simpler one before it takes its place
SECOND_LOOK = 8
#: cells of a generation that are above the bound by less than two standard errors and looked at longer, and runs of it
LONGER, LONG_LOOK = 2, 32
#: candidates that are confirmed at most: what looks broken so often and never is has heavy tails
CANDIDATES = 60


def confirmed(attack: Attack, board: Board) -> bool:
    """Look again at the cells that look broken; return whether the bound is, in one of them.

    Where a sharper inequality alone is broken, the first such cell is kept, and it is not over: that the claim itself
    is false is more. After a KeyboardInterrupt, which goes on, the cell that was being looked at counts as one that was
    not.
    """
    new = [s for digest, s in board.broken.items() if digest not in attack.looked]
    new.sort(key=lambda s: (s.broken != BOUND, -s.ratios[s.broken].value, s.cell.label))
    near = [s for digest, s in board.near.items() if digest not in attack.looked]
    near.sort(key=lambda s: (-s.near, s.cell.label))
    board.near.clear()
    for one in [*new, *near[:LONGER]]:
        if len(attack.looked) >= CANDIDATES or attack.budget.late:
            return False
        if one.broken and not attack.more(one.broken):
            continue
        attack.looked.add(one.cell.digest)
        try:
            name = again(attack, one.cell, runs=SECOND_LOOK if one.broken else LONG_LOOK)
            if attack.more(name) and confirm(attack, one.cell, name):
                if attack.broken == BOUND:
                    return True
                attack.say(f"{attack.broken} is broken at {told(one.cell)}; is the bound, somewhere?")
        except KeyboardInterrupt:
            attack.looked.discard(one.cell.digest)
            raise
    return False


def again(attack: Attack, cell: Cell, least: float = 1.0, runs: int = SECOND_LOOK, name: str = "") -> str:
    """Return which inequality looks broken under a fresh seed, by a ratio of ``least`` where it is sampled.

    '' if there is none; the one of this ``name`` and no other, where one is given.
    """
    found = score(attack.target, cell, attack.fresh(), runs)
    attack.budget.spend()
    broken = name or (found.broken if found else "")
    ratio = found.ratios.get(broken) if found else None
    return broken if ratio and ratio.broken and (ratio.exact or ratio.value >= least) else ""


def confirm(attack: Attack, cell: Cell, name: str) -> bool:
    """Put the cell to the Monte Carlo check under a fresh seed; keep its result when it refutes the claim.

    The bound is tested alone, any other inequality (``name``) with all of them. Raises KeyboardInterrupt when it is
    stopped before it says so.
    """
    attack.tests += 1
    settings = MonteCarlo(replicates=REPLICATES, alpha=ALPHA / (attack.tests * (attack.tests + 1)))
    claim = alone(attack.target) if name == BOUND else attack.target
    asked = Asked(attack.name, claim, [cell], attack.scenario, attack.fresh(), settings, threads=attack.threads)
    store = Store()
    found = monte_carlo.check(asked, store)
    attack.budget.spend()
    if found.verdict.negative:
        attack.confirmed.append(found)
        return True
    if store.stop.is_set():
        raise KeyboardInterrupt
    return False


def alone(claim: Claim) -> Claim:
    """Return the claim with its bounds and without their sharper forms."""
    return replace(claim, outputs={o: replace(s, conditional=None, master=None) for o, s in claim.outputs.items()})
