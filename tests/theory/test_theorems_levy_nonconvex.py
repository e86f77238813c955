"""The theorems on ordered momentum on runs: bounds hold, with room; a lost factor M shows where delays see samples."""

from dataclasses import replace

import numpy as np
import pytest
from sympy import Rational

from ratecheck.core.cell import Cell
from ratecheck.core.claim import Inequality, Statement, at_most
from ratecheck.core.formula import Formula
from ratecheck.core.part import Part
from ratecheck.core.shelf import CLAIMS, STEPSIZES
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import Delta, K, L, M, beta, mean_gradient_sq, sigma
from ratecheck.core.symbols import stepsize as gamma
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import build, of_block
from ratecheck.engine.sweep import simulate
from ratecheck.errors import AssumptionError
from tests.teeth.planted import result, results

ANY, INDEPENDENT, MEAN_ZERO, BOUNDED = (
    f"levy2026.theorem_nonconvex{end}" for end in ("", "_independent", "_mean_zero", "_bounded")
)
RATE, RATE_INDEPENDENT, RATE_MEAN_ZERO = (
    f"levy2026.theorem_nonconvex_rate{end}" for end in ("", "_independent", "_mean_zero")
)
#: rare large errors of one sign, which take 50 times as long: most workers hold one at any time
RARE, SLOW = {"p": "1/13"}, {"above": 1, "factor": 50, "jitter": 0}
#: f = x^2/2, so near its minimiser that only noise is seen; beta is the largest for 32 workers
FLAT = {"dimension": 1, "condition": 1, "radius": 0.001}
NEWEST = 1 / 256
RUNS = 6


def measured(blind=0, runs=RUNS, workers=32, steps=20_000):
    """Return the means of ||grad F||^2 of some runs, in units of beta sigma^2; delays in deliveries are as with 32."""
    fewer = 32 // workers
    noise, slow = {"p": f"1/{13 * fewer}"}, {**SLOW, "factor": 50 * fewer, "blind": blind}
    cell = Cell(problem=Part("quadratic", FLAT), noise=Part("two_point", noise),
                delays=Part("slow_samples", slow), M=workers, K=steps, sigma=1.0, output="uniform",
                constants={"beta": NEWEST, "stepsize": NEWEST / 4})  # fmt: skip
    built = build(cell, 1, method="ordered_momentum", scheduler="async", stepsize="constant")
    blocks = [simulate(of_block(built, block), block, 1, wanted=("mean_gradient_sq",)) for block in range(runs)]
    return np.array([one.measured["mean_gradient_sq"][0] for one in blocks]) / NEWEST


def without_m():
    """Return the bound whose noise in flight costs beta sigma^2/8, however many workers hold it."""
    rhs = Formula(rest=Rational(4, 3) * (2 * Delta / (gamma * K) + 8 * L * Delta / (beta * K)),
                  noise=Rational(16, 3) * beta * sigma**2 * (1 + Rational(1, 8)))  # fmt: skip
    return replace(CLAIMS.get(ANY), outputs={"uniform": Statement(bound=Inequality(Formula(mean_gradient_sq), rhs))})


def right_side(claim, workers=32, steps=20_000):
    at = {"M": workers, "K": steps, "L": 1.0, "sigma": 1.0, "Delta": 5e-7, "beta": NEWEST, "stepsize": NEWEST / 4}
    return claim.outputs["uniform"].bound.rhs.value(at) / NEWEST


# delays that see samples


def test_a_lost_factor_m_shows_with_32_workers_and_delays_that_see_samples():
    """9.6 beta sigma^2 against 6: each of the six runs is above, and their mean by 10 standard errors."""
    found = measured()
    apart = found.std(ddof=1) / np.sqrt(RUNS)
    wrong, right = right_side(without_m()), right_side(CLAIMS.get(ANY))
    assert 6 < wrong < 6.01
    assert found.min() > wrong
    assert found.mean() - 10 * apart > wrong
    assert found.mean() + 10 * apart < right
    assert 8 < right / found.mean() < 11  # 93.3 beta sigma^2 are allowed


def test_the_same_delays_seen_from_elsewhere_cost_nothing():
    """The blind twin has delays of the same law: 0.12 beta sigma^2, of 6 that are allowed."""
    found = measured(blind=1)
    assert found.max() < 0.5
    assert found.mean() < right_side(CLAIMS.get(INDEPENDENT)) / 20


@pytest.mark.slow
def test_noise_in_flight_grows_with_the_number_of_workers():
    """(M - 1) beta: 4 times as many workers, about 4 times as much, at the same beta and the same delays."""
    few, many = measured(workers=8, steps=80_000).mean(), measured(workers=32).mean()
    assert 3 < many / few < 6


@pytest.mark.slow
def test_the_main_job_does_not_refute_what_covers_these_delays():
    grid = {"problem": {"name": "quadratic", **FLAT}, "noise": {"name": "two_point", **RARE}, "M": 32, "K": 20_000,
            "delays": {"name": "slow_samples", **SLOW}, "sigma": 1.0,
            "constants": {"beta": NEWEST, "stepsize": NEWEST / 4}}  # fmt: skip
    more = {"evidence": ("monte-carlo",), "replicates": 16, "kappa": 4, "bare": True}
    assert result(ANY, grid, **more).verdict is not Verdict.REFUTED
    assert result(BOUNDED, grid, **more).verdict is not Verdict.REFUTED
    assert result(INDEPENDENT, grid, **more).verdict is Verdict.NOT_APPLICABLE


# the rates


GRID = {"problem": [{"name": "quadratic", "dimension": 4, "condition": 100}], "M": [2, 8], "K": [512],
        "sigma": [0, 1]}  # fmt: skip
DELAYS = {
    RATE: ["slow_samples", "slow_large", "round_robin"],
    RATE_MEAN_ZERO: ["slow_large", {"name": "exponential", "spread": 8}],
    RATE_INDEPENDENT: [{"name": "exponential", "spread": 8}, {"name": "one_straggler", "factor": 1e6}],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DELAYS)
def test_the_rates_hold_with_some_room(name):
    grid = {**GRID, "delays": DELAYS[name]}
    found = {r.evidence: r for r in results(name, grid, replicates=16, kappa=4, bare=True)}
    assert found["exact"].verdict is Verdict.EXACT
    cells = [row["inequalities"]["bound"] for row in found["monte-carlo"].details["cells"] if row.get("inequalities")]
    assert len(cells) == 4 * len(DELAYS[name])
    assert found["monte-carlo"].verdict not in (Verdict.REFUTED, Verdict.NOT_APPLICABLE)
    assert 3 < 1 / max(one["ratio"] for one in cells) < 10


@pytest.mark.parametrize(("name", "policies"), [(RATE_INDEPENDENT, 1), (RATE_MEAN_ZERO, 2), (RATE, 4)])
def test_delays_beyond_those_covered_are_not_applicable(name, policies):
    for number, delays in enumerate(("round_robin", "slow_large", "slow_samples")):
        cell = replace(cell_of(), delays=Part(delays))
        claim = CLAIMS.get(name)
        built = build(cell, 1, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize)
        assert bool(claim.failing(built.facts)) == (number >= policies)


@pytest.mark.parametrize(("noise", "largest"), [("rademacher", 1.0), ("two_point", 19**0.5), ("gaussian", None)])
def test_the_largest_noise_is_known_where_the_law_has_one(noise, largest):
    cell = replace(cell_of(beta=0.01, stepsize=0.001), noise=Part(noise), sigma=2.0)
    built = built_of(BOUNDED, cell)
    assert built.constants["sigma_inf"] == (None if largest is None else pytest.approx(2 * largest, rel=1e-15))
    assert bool(CLAIMS.get(BOUNDED).failing(built.facts)) == (largest is None)
    assert built_of(BOUNDED, replace(cell, sigma=0.0)).constants["sigma_inf"] == 0


# numbers that a theorem chooses


def cell_of(**constants):
    return Cell(problem=Part("quadratic", {"dimension": 4}), noise=Part("gaussian"), delays=Part("round_robin"), M=4,
                K=64, sigma=1.0, constants=constants)  # fmt: skip


def built_of(name, cell):
    claim = CLAIMS.get(name)
    return build(cell, 1, method=claim.method, scheduler=claim.scheduler, stepsize=claim.stepsize)


def test_the_method_runs_with_the_beta_that_the_theorem_chooses():
    built = built_of(RATE_INDEPENDENT, cell_of())
    assert built.constants["beta"] == 4 * built.constants["L"] * built.weighted.gamma[0]
    assert built.facts["beta"] == built.constants["beta"] <= 1 / 32
    assert built_of(ANY, cell_of(beta=0.01, stepsize=0.001)).constants["beta"] == 0.01


def test_a_cell_that_declares_it_is_not_applicable():
    with pytest.raises(AssumptionError, match=r"declares beta = 0.01, and it is chosen with the stepsize: 4\*L\*step"):
        built_of(RATE, cell_of(beta=0.01))
    claim = replace(CLAIMS.get(RATE), cells=(cell_of(beta=0.01),))
    assert claim.stepsize.chosen.keys() == {"beta"}


def test_what_is_assumed_of_a_chosen_number_is_asked_of_what_was_chosen():
    """With beta = 5 for all M; the method's own beta is 1/10, and that is no more than 1/8."""
    claim = replace(CLAIMS.get(RATE), assumptions=(*CLAIMS.get(RATE).assumptions, at_most("beta", Rational(1, 8))))
    rule = Stepsize(cap=1 / (32 * M * L)).choosing(beta=5)
    with pytest.raises(AssumptionError, match=r"beta = 5 is above 1/8"):
        build(cell_of(), 1, method=claim.method, scheduler=claim.scheduler, stepsize=rule, failing=claim.failing)


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({"beta": 0.1, "stepsize": 0.001}, "beta = 0.1 is above 1/(8*M)"),
        ({"beta": 0.03, "stepsize": 0.03}, "stepsize = 0.03 is above beta/(4*L)"),
        ({"beta": 0, "stepsize": 0.001}, "beta"),
    ],
)
def test_numbers_beyond_those_of_the_theorem_are_not_applicable(constants, words):
    claim = CLAIMS.get(ANY)
    assert words in claim.failing(built_of(ANY, cell_of(**constants)).facts)[0]


def test_rates_have_dimensions_and_say_that_they_are_ours():
    for name in (ANY, INDEPENDENT, MEAN_ZERO, BOUNDED, RATE, RATE_INDEPENDENT, RATE_MEAN_ZERO):
        claim = CLAIMS.get(name)
        claim.require_dimensions()
        assert "(ours)" in claim.title
        rule = claim.stepsize if not isinstance(claim.stepsize, str) else STEPSIZES.get(claim.stepsize)
        assert len(rule.branches) == (2 if name.startswith(RATE) else 1)
