"""Sharp instances of Mishchenko et al. (2022): how much of a constant is attained, in one run without noise."""

import pytest

from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part
from ratecheck.engine.build import build
from ratecheck.engine.sweep import simulate

CONVEX = shelf.CLAIMS.get("mishchenko2022.theorem3_convex")


def attained(delays, workers, steps):
    """Return F(output) - F* in units of M L B^2/K, on a Huber loss with its kink at B/W."""
    cell = Cell(Part("huber", {"kink": "B_over_W"}), Part("none"), Part(delays), workers, steps, 0.0)
    built = build(cell, 1, method=CONVEX.method, scheduler=CONVEX.scheduler, stepsize=CONVEX.stepsize)
    gap = float(simulate(built, 0, 1, ("output_gap",)).measured["output_gap"][0])
    c = built.constants
    return gap * steps / (workers * c["L"] * c["B"] ** 2)


@pytest.mark.parametrize(("workers", "least"), [(16, 2.45), (64, 2.48), (128, 2.54)])
def test_one_worker_at_every_other_step_attains_almost_8_thirds(workers, least):
    """The linear part gives B^2/(2 W) exactly, and delay counting is sharp: 8M/(3M + 1) in the limit of long runs."""
    found = attained("half_fast", workers, 150 * workers)
    assert least <= found < 8 / 3


def test_a_round_robin_attains_less():
    """So that the number above is about the delays: without long ones W is K/(4ML), and the ratio 2."""
    assert attained("round_robin", 16, 2400) < 2.1
