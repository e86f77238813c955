"""Which cells get more runs next: decided from closed looks only, in deterministic units of work.

First every cell goes on to its next look, cheap ones first, until its bound has a verdict. What work is left goes where
it decides most per cost: to a sharper inequality that is on its way to being refuted, then to slopes of the rate whose
intervals are still wide. Betting e-processes stay valid under any such rule, since it looks at the past only; the
rate's rule looks at widths and never at slopes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ratecheck.checks.question import State
from ratecheck.engine.build import Built
from ratecheck.engine.sweep import width_of

#: first look; later ones double
FIRST_LOOK = 8
#: cells that get more runs in one round once all bounds have a verdict
ROUND = 16


def blocks(built: Built, look: int) -> int:
    """Return how many blocks of replicates hold the first ``look`` runs of a cell."""
    return -(-look // width_of(built)) if built.noisy else 1


def next_look(state: State, cap: int) -> int:
    """Return the number of runs at which a cell is looked at next; ``cap`` is what it may have."""
    return min(cap, 2 * state.runs if state.runs else FIRST_LOOK)


def cost(state: State, look: int) -> int:
    """Return the work of going on to ``look`` runs: replicates x steps x dimension of the blocks not yet made."""
    built = state.built
    assert built is not None
    width = width_of(built)
    more = blocks(built, look) - (blocks(built, state.runs) if state.runs else 0)
    return more * width * state.cell.K * built.instance.dimension


def cost_so_far(state: State) -> int:
    """Return the work that the runs of a cell took."""
    return cost(replace(state, runs=0), state.runs) if state.runs else 0


def undecided(states: Sequence[State], cap: int, left: float) -> list[State]:
    """Return the cells whose bound needs another look, as far as the work ``left`` goes, best value first.

    Cells never looked at come first, cheap before dear; then by evidence gained so far (either way) per run and cost.
    """
    waiting = [s for s in states if s.open and not s.settled]

    def rank(state: State) -> tuple[bool, float]:
        one = cost(state, next_look(state, cap))
        if not state.runs:
            return False, one
        bound = state.inequalities["bound"]
        growth = max(0.0, bound.get("log10_e", 0.0), bound.get("log10_e_holds", 0.0)) / state.runs
        return True, -growth / max(1, one)

    return _affordable(sorted(waiting, key=rank), cap, left)


def worth_more(states: Sequence[State], gains: Mapping[str, float], threshold: float, cap: int,
               left: float) -> list[State]:  # fmt: skip
    """Return the settled cells that should get more runs: at most ROUND of them, most value per cost first.

    ``gains`` say by digest how much doubling a cell's runs would narrow the widest slope; ``threshold`` is the log10 of
    the e-value that refutes, ``cap`` the runs a cell may have.
    """
    able = [s for s in states if s.open and s.settled]
    promising = [s for s in able if _promising(s, threshold, cap)]
    useful = [s for s in able if gains.get(s.cell.digest, 0.0) > 0 and s not in promising]
    useful.sort(key=lambda s: -gains[s.cell.digest] / max(1, cost(s, next_look(s, cap))))
    return _affordable([*promising, *useful], cap, left)[:ROUND]


def _promising(state: State, threshold: float, cap: int) -> bool:
    """True when some inequality would be refuted within ``cap`` runs if its evidence went on growing as it did."""
    values = [i.get("log10_e", 0.0) for i in state.inequalities.values()]
    return any(e > 0 and e / state.runs * cap >= threshold for e in values)


def _affordable(ranked: Sequence[State], cap: int, left: float) -> list[State]:
    found = []
    for state in ranked:
        one = cost(state, next_look(state, cap))
        if one <= left:
            found.append(state)
            left -= one
    return found
