"""The theorems on ordered momentum with a cap on delays, and with bounded noise, on runs: bounds hold, with room."""

import numpy as np
import pytest

from ratecheck.core.cell import Cell
from ratecheck.core.part import Part
from ratecheck.core.shelf import CLAIMS, METHODS
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import build, of_block
from ratecheck.engine.sweep import simulate
from ratecheck.errors import AssumptionError
from tests.teeth.planted import results

ANY, CAPPED, RATE_CAPPED, RATE_BOUNDED = (
    f"levy2026.theorem_nonconvex{end}" for end in ("", "_delay_cap", "_rate_delay_cap", "_rate_bounded")
)
#: f = x^2/2, so near its minimiser that only noise is seen; beta is the largest for 32 workers
FLAT = {"dimension": 1, "condition": 1, "radius": 0.001}
NEWEST, WORKERS, STEPS, RUNS = 1 / 256, 32, 20_000, 3
ABOVE = 0.5


def cell(wait, *, workers=WORKERS, steps=STEPS, p="1/5", beta=NEWEST, **constants):
    """Errors of one sign are parked until ``wait`` others have arrived."""
    return Cell(problem=Part("quadratic", FLAT), noise=Part("two_point", {"p": p}),
                delays=Part("parked", {"above": ABOVE, "wait": wait}), M=workers, K=steps, sigma=1.0, output="uniform",
                constants={"beta": beta, "stepsize": beta / 4, **constants})  # fmt: skip


def made(of, name=CAPPED):
    claim = CLAIMS.get(name)
    return build(of, 1, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize)


def measured(wait, **more):
    """Return the mean of ||grad F||^2 over some runs, in units of beta sigma^2, and the largest delay of any."""
    built = made(cell(wait, **more))
    blocks = [of_block(built, block) for block in range(RUNS)]
    found = [simulate(one, n, 1, wanted=("mean_gradient_sq",)).measured["mean_gradient_sq"][0]
             for n, one in enumerate(blocks)]  # fmt: skip
    return np.mean(found) / NEWEST, max(one.weighted.schedule.oldest for one in blocks)


def right_side(name, **constants):
    at = {"M": WORKERS, "K": STEPS, "L": 1.0, "sigma": 1.0, "Delta": 5e-7, "beta": NEWEST, "stepsize": NEWEST / 4}
    return CLAIMS.get(name).outputs["uniform"].bound.rhs.value({**at, **constants}) / NEWEST


@pytest.mark.slow
def test_the_longer_the_cap_the_more_noise_up_to_the_bound_without_one():
    """Measured .15, 4.5, 7.5 beta sigma^2 (waits of 8, 100, 256): a cap costs what it says, but for a constant."""
    short, longest = measured(8)
    assert longest == 40
    assert 6 * short < (longer := measured(100)[0]) < measured(256, p="1/13")[0]
    bounds = [right_side(CAPPED, tau_cap=cap) for cap in (40, 132, 288)]
    assert bounds == sorted(bounds)
    assert short < bounds[0] / 100
    assert 10 < bounds[1] / longer < 30
    assert bounds[2] == right_side(CAPPED, tau_cap=1e9) == pytest.approx(right_side(ANY), rel=1e-14)  # rounding


def test_a_cap_is_what_all_delays_are_within():
    """The largest one here is 40, of a gradient back or in flight at K."""
    assert made(cell(8, steps=500, tau_cap=40.0)).weighted.schedule.oldest == 40
    with pytest.raises(AssumptionError, match="tau_cap = 39"):
        made(cell(8, steps=500, tau_cap=39.0))
    for name in (CAPPED, RATE_CAPPED):
        assert "no finite tau_cap" in CLAIMS.get(name).failing(made(cell(8, steps=500)).facts)[0]
    assert CLAIMS.get(CAPPED).failing(made(cell(8, steps=500, tau_cap=40.0)).facts) == []


# the main job


GRID = {"problem": [{"name": "quadratic", "dimension": 4, "condition": 100}], "M": [2, 8], "K": [128],
        "sigma": [0, 1]}  # fmt: skip
ALONE = {"problem": {"name": "quadratic", **FLAT}, "noise": {"name": "two_point", "p": "1/5"}, "M": [8], "K": [500],
         "sigma": [1], "delays": [{"name": "parked", "above": ABOVE, "wait": 100}],
         "constants": {"tau_cap": 108, "beta": 1 / 64, "stepsize": 1 / 256}}  # fmt: skip
GRIDS = {
    CAPPED: ALONE,
    RATE_CAPPED: {**GRID, "delays": [{"name": "parked", "wait": 16},
                                     {"name": "slow_samples", "factor": 4, "jitter": 0}, "round_robin"],
                  "constants": {"tau_cap": 64}},
    RATE_BOUNDED: {**GRID, "delays": ["slow_samples", {"name": "parked", "wait": 16}],
                   "noise": ["rademacher", "two_point"]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "cells", "room"),
    [(CAPPED, 1, 60), *(pytest.param(*one, marks=pytest.mark.slow)
                        for one in ((RATE_CAPPED, 12, 4), (RATE_BOUNDED, 16, 4)))],
)  # fmt: skip
def test_they_hold_here(name, cells, room):
    """The bound is 68, 4.6 and 4.6 times what is measured, at the least."""
    found = {one.evidence: one for one in results(name, GRIDS[name], replicates=128, kappa=4, bare=True)}["monte-carlo"]
    assert found.verdict is Verdict.HOLDS_HERE
    rows = [row["inequalities"]["bound"] for row in found.details["cells"] if row.get("inequalities")]
    assert len(rows) == cells
    assert room < 1 / max(one["ratio"] for one in rows) < 1.4 * room


def test_they_say_that_they_are_ours_and_have_dimensions():
    for name in GRIDS:
        claim = CLAIMS.get(name)
        claim.require_dimensions()
        assert "(ours)" in claim.title
        assert METHODS.get(claim.method).queries == 1
