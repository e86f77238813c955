"""Lies about outputs: what is averaged, with which weights, and what the left side of an inequality measures."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ratecheck.core.claim import Claim, Inequality
from ratecheck.core.formula import Formula
from ratecheck.core.schedule import Floats, Weighted
from ratecheck.core.symbols import W, mean_gap, virtual_sq
from ratecheck.mutants.grids import (
    FLAT,
    HARDEST,
    HARDEST_ALONE,
    LADDER,
    MINIBATCH,
    ROUNDS,
    SLOWEST,
    STRONG,
    THEOREM3,
    under,
)
from ratecheck.mutants.mutant import Mutant


def measuring(output: str, term: str, quantity: object) -> Callable[[Claim], Claim]:
    """Return what puts another quantity into a term of the left side of the master inequality."""

    def changed(claim: Claim) -> Claim:
        statement = claim.outputs[output]
        assert statement.master is not None
        lhs = Formula(**{**statement.master.lhs.terms, term: quantity})
        false = replace(statement, master=Inequality(lhs, statement.master.rhs))
        return replace(claim, outputs={output: false})

    return changed


def weighing(rule: Callable[[Weighted], Floats]) -> Callable[[Weighted], Weighted]:
    """Return what gives the iterates these output weights (K + 1,), scaled to the true sum."""

    def changed(weighted: Weighted) -> Weighted:
        weight = rule(weighted)
        return replace(weighted, weight=weight * (weighted.weight.sum() / weight.sum()))

    return changed


def by_arrival(weighted: Weighted) -> Floats:
    """Weigh each iterate by the stepsizes its gradients arrived with: the weights of R0."""
    schedule = weighted.schedule
    stamp = schedule.stamp[: schedule.horizon]
    return np.bincount(stamp, weighted.gamma, minlength=len(weighted.weight)).astype(np.float64)


def last(weighted: Weighted) -> Floats:
    """Weigh the last iterate alone."""
    weight = np.zeros_like(weighted.weight)
    weight[-1] = 1
    return weight


def growing(weighted: Weighted) -> Floats:
    """Weigh x_k by k times its weight: an average that other theorems use."""
    return weighted.weight * np.arange(len(weighted.weight))


def first_half(weighted: Weighted) -> Floats:
    """Forget the second half of the iterates."""
    weight = weighted.weight.copy()
    weight[len(weight) // 2 :] = 0
    return weight


def not_normalised(weighted: Weighted) -> Weighted:
    """Give every iterate twice its weight, and divide by the true sum."""
    return replace(weighted, weight=2 * weighted.weight)


WEIGHTS = (
    ("weights_by_arrival", "the weights of R0 under R1", weighing(by_arrival), LADDER, "baseline"),
    ("first_half_only", "the second half of the iterates forgotten", weighing(first_half), HARDEST, "bound"),
    ("not_normalised", "the average is twice itself", not_normalised, HARDEST, "bound"),
    ("last_iterate", "the last iterate for the average", weighing(last), LADDER, "baseline"),
    ("growing_weights", "k gamma_hat for gamma_hat", weighing(growing), LADDER, "baseline"),
)

MUTANTS = (
    *(Mutant(n, "output", THEOREM3, lie, under(grid, "R1"), (by,), weights=w) for n, lie, w, grid, by in WEIGHTS),
    Mutant(
        "distance_twice", "output", THEOREM3, "the distance counted twice", under(FLAT, "R1"), ("moments",),
        change=measuring("R1", "distance", 2 * virtual_sq),
    ),
    Mutant(
        "gap_twice", "output", THEOREM3, "the errors counted twice", under(HARDEST_ALONE, "R1"), ("master",),
        change=measuring("R1", "gap", 4 * W * mean_gap),
    ),
    Mutant(
        "virtual_for_last", "output", MINIBATCH, "the virtual iterate for the last one", (ROUNDS,), ("master",),
        change=measuring("R0", "distance", virtual_sq), cases=((2, 4),),
    ),
    Mutant(
        "distance_over_w", "output", THEOREM3, "a distance divided by the weights: a fault of dimension",
        under(FLAT, "R1"), ("dimensions",), change=measuring("R1", "distance", virtual_sq / W),
    ),
    Mutant(
        "weights_do_not_grow", "output", STRONG, "weights gamma_hat, which do not grow",
        under({**SLOWEST, "M": 4, "K": 4096}, "R1"), ("moments",), weights=weighing(lambda w: _of_handouts(w)),
    ),
    Mutant(
        "weights_in_other_words", "output", THEOREM3, "no lie: the weights from the stepsizes of the hand-outs",
        under(LADDER, "R1"), (), weights=weighing(lambda w: _of_handouts(w)),
    ),
)  # fmt: skip


def _of_handouts(weighted: Weighted) -> Floats:
    weight = np.zeros_like(weighted.weight)
    np.add.at(weight, weighted.schedule.made_at[: weighted.schedule.handouts], weighted.gamma_hat)
    weight[0] = 0
    return weight
