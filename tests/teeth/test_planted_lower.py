"""Planted lower bounds: too large a constant, a wrong power of M, a wrong instance. Each is seen; the truth passes."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from ratecheck.checks import exact, monte_carlo
from ratecheck.checks.attack.score import score
from ratecheck.checks.measure import Store
from ratecheck.checks.preconditions.dependence import noise_of
from ratecheck.checks.question import Asked
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.claim import Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.identity import Counting
from ratecheck.core.keys import key_of
from ratecheck.core.part import Part
from ratecheck.core.scenario import MonteCarlo
from ratecheck.core.symbols import M
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import build
from ratecheck.engine.compile import seal
from ratecheck.engine.samples import deviations, noise_of_rows

NAME = "levy2026.lower_convex"
TRUE = shelf.claim(NAME)


def times(factor, claim=TRUE):
    """Return the claim with its bound times a formula."""
    bound = claim.outputs["R1"].bound
    more = Inequality(bound.lhs, Formula(hidden=bound.rhs.expr * factor))
    return replace(claim, outputs={"R1": Statement(more)})


def cell(workers=17, steps=256):
    return Cell(Part("two_worlds"), Part("rows"), Part("held_back"), workers, steps, None, "R1")


def verdict(claim, *cells):
    settings = MonteCarlo.model_validate({"replicates": 1024})
    return monte_carlo.check(Asked("planted", claim, cells or (cell(),), "test", 1, settings), Store()).verdict


@pytest.mark.parametrize("factor", [4, M**0.5])
def test_a_constant_that_is_too_large_is_refuted(factor):
    """b R for b R/4, and M for sqrt(M). (b R/2 lies 1.4 times above the mean: more runs than these would see it.)"""
    assert verdict(times(factor)) is Verdict.REFUTED
    assert verdict(TRUE) is Verdict.HOLDS_HERE


def test_the_search_counts_a_lower_bound_the_other_way_round():
    assert score(times(4), cell(), 1, 40).ratios["bound"].value > 1
    assert score(TRUE, cell(), 1, 40).ratios["bound"].value < 1


@pytest.fixture
def worlds():
    """The module that the lower bounds share."""
    return next(m for n, m in sys.modules.items() if n.endswith("levy2026._two_worlds"))


def test_flags_that_come_back_too_early_are_seen(worlds):
    """Work that takes T + 1 is out of sight for good; work that takes T or less is not always, with M - 1 flags."""
    few = [f for f in product((False, True), repeat=8) if sum(f) <= 2]  # M = 3, T = 6
    for more, seen in ((7, False), (6, False), (5, True), (1, True)):  # 5: a tie with the last, won by worker
        assert any(any(worlds.delivered(flags, 3, 6, more)) for flags in few) is seen


def test_one_flag_more_than_workers_can_hold_is_not_even(worlds):
    for workers, deliveries in ((2, 5), (5, 20), (17, 64)):
        assert worlds.chance(workers, deliveries) >= Fraction(1, 2) > worlds.chance(workers, deliveries, workers)


def test_a_floor_with_m_for_m_minus_1_is_refuted_exactly():
    noise = shelf.claim("levy2026.lower_noise")
    half = next(c for c in noise.counting if c.name == "half of M - 1")

    def more(worker, delay, workers):
        """Slack of E S^2 >= (M - 1) t sigma^2, without the half."""
        return (half.slack(worker, delay, workers) + 1) / 2 - 1

    lie = replace(noise, counting=(Counting("without the half", more, ""),))
    assert exact.check("lie", lie, [], "test").verdict is Verdict.REFUTED
    assert exact.check("truth", noise, [], "test").verdict is Verdict.EXACT


def test_what_delays_see_of_rows_is_what_the_run_meets():
    """By the same key, in units of a standard deviation; and what it holds back is what is rare, and nothing else."""
    built = build(cell(), 1, method="async_sgd", scheduler="async", stepsize="delay_adaptive_convex")
    table, draw = deviations(built.problem, built.instance), seal("draw", built.noise.draw)
    schedule = built.weighted.schedule
    seen = noise_of_rows(draw, key_of(int(built.key), "block", 0), table, schedule.handouts, 1)
    met = noise_of(built, schedule.handouts)[:, :, 0]
    assert np.allclose(seen * built.constants["sigma"] / np.sqrt(2), met, rtol=1e-12)  # rounding of a few operations
    assert not np.array_equal(seen, noise_of_rows(draw, key_of("other"), table, schedule.handouts, 1))
    back = np.zeros(schedule.handouts, dtype=bool)
    back[schedule.source[: schedule.horizon]] = True
    rare = seen[: schedule.steps + schedule.workers - 1, 0] > 1
    assert 0 < rare.sum() < schedule.workers, "this run hides all of them"
    assert not back[: rare.size][rare].any()
    assert (~back).sum() == schedule.workers
