"""What is misprinted, left out or needed in Mishchenko et al. (2022): false claims are refuted, by what they say."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from ratecheck.api import exact_moments
from ratecheck.checks import dimensions, exact, reproduce
from ratecheck.checks.job import Job, claims_of, exit_code, run
from ratecheck.checks.kappa import derived
from ratecheck.checks.moments import why_not
from ratecheck.checks.preconditions.dependence import delays_of, dependent
from ratecheck.checks.question import inequalities_of
from ratecheck.core import scenario
from ratecheck.core.claim import Inequality, Statement
from ratecheck.core.delays import Delays
from ratecheck.core.formula import Formula
from ratecheck.core.identity import Identity
from ratecheck.core.part import Part
from ratecheck.core.shelf import CLAIMS, METHODS, PROBLEMS, SCHEDULERS, STEPSIZES
from ratecheck.core.symbols import B, K, L, M, output_gap
from ratecheck.core.verdict import Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import build, of_block
from ratecheck.engine.schedule import from_order, weigh
from ratecheck.engine.sweep import simulate, width_of
from ratecheck.errors import CapabilityError, FormulaError, PartError
from tests.command import ROOT

PAPER = "mishchenko2022."
CONVEX = CLAIMS.get(PAPER + "theorem3_convex")
INDICATOR, UNITS = PAPER + "lemma1_printed_indicator", PAPER + "theorem3_printed_units"
VARIANCE, ANY_DELAY = PAPER + "theorem3_without_variance", PAPER + "theorem3_convex_any_delay"
LITERAL, FROM_M = PAPER + "literal_weights", PAPER + "literal_weights_from_m"
FALSE = [name for name in CLAIMS.names() if CLAIMS.get(name).expect == "refuted"]
FINDINGS = scenario.find("findings")[0]
RUNS = ("monte-carlo",)


def results(claims, evidence=("exact", "monte-carlo")):
    """Return the results of the main job."""
    return run(Job(claims, FINDINGS, "findings", 1, evidence))


@pytest.mark.parametrize("name", FALSE)
def test_a_false_claim_is_refuted_and_no_surprise(name):
    found = results(claims_of([name]))
    assert exit_code(found) == 0
    refuted = [r for r in found if r.verdict.negative]
    assert refuted
    for one in refuted:
        again = reproduce.witness(Witness.from_json(one.as_json()["witness"], name))
        assert again.same


def test_all_false_claims_are_in_the_scenario_and_on_the_page():
    page = (ROOT / "docs" / "findings.md").read_text()
    assert sorted(FINDINGS.claims) == sorted(FALSE)
    assert [name for name in FALSE if name not in page] == []
    assert not FINDINGS.grid


def test_a_true_claim_declared_false_is_a_surprise():
    """The cells of the misprint, with the bound as it should be."""
    claim = replace(CLAIMS.get(UNITS), outputs={"R1": Statement(CONVEX.outputs["R1"].bound)})
    found = results({UNITS: claim}, RUNS)
    assert [r.verdict for r in found] == [Verdict.EXACT]
    assert exit_code(found) == 1
    assert found[0].details["rate"] == {}, "nobody asks for the rate of a claim that is known to be false"


# Lemma 1's indicator


def test_what_is_missing_in_the_printed_rewrite_is_what_is_in_flight():
    """With the gradients of x_1, x_2, .. in flight put back the rewrite is exact, on every order."""
    (printed,) = CLAIMS.get(INDICATOR).identities

    def right(view):
        flying = (f for f in view.in_flight if f.version > 0 and f.worker != view.arrived)
        return printed.residual(view) - sum((f.gamma_next * f.gradient for f in flying), 0 * view.x)

    where = METHODS.get("async_sgd"), SCHEDULERS.get("async")
    for case in ((2, 5), (3, 5)):
        assert "fault" not in exact.sweep_identity(Identity("right", right, "", ""), *where, case)
        assert "fault" in exact.sweep_identity(printed, *where, case)
    assert exact.residual_of(printed, *where, 2, (0, 0), {"M": 2, "K": 2}) is None, "one worker: nothing of x_1 flies"
    assert exact.residual_of(printed, *where, 2, (0, 1), {"M": 2, "K": 2}) is not None


# B for B^2


def test_the_constant_that_would_be_needed_grows_without_bound():
    """Rational: c(d) = c(1)/d^2, with c(1) = 0.356 for F = x^2/2, M = K = 4 and round robin."""
    claim = CLAIMS.get(UNITS)
    needed = {}
    for radius in (1, 0.1, 0.01, 0.001):
        cell = replace(claim.cells[0], problem=Part("quadratic", {"spectrum": [1], "radius": radius}))
        needed[radius] = Fraction(8, 3) * exact_moments(claim, cell, rational=True)["bound"]["ratio"]
    assert float(needed[1]) == pytest.approx(0.356, abs=5e-4)
    for radius, constant in needed.items():
        assert constant * Fraction(radius) ** 2 == needed[1]


def with_rhs(**terms):
    """Return the misprint's claim with another right side."""
    return replace(CLAIMS.get(UNITS), outputs={"R1": Statement(Inequality(Formula(output_gap), Formula(**terms)))})


def test_dimensions_refute_only_what_no_constant_can_save():
    right, wrong = M * L * B**2 / K, M * L * B**4 / K
    assert dimensions.check("x", with_rhs(a=right), "test") is None
    assert "length^2 too much" in dimensions.check("x", with_rhs(a=wrong), "test").summary
    assert "length^1 too much" in dimensions.check("x", with_rhs(a=wrong, b=wrong / B), "test").summary
    assert "length^-2 too much" in dimensions.check("x", with_rhs(a=L), "test").summary
    assert "F^1 too much" in dimensions.check("x", with_rhs(a=L**2 * B**4), "test").summary
    for terms in ({"a": right, "b": wrong}, {"a": wrong, "b": L}, {"a": wrong * (1 + B)}):
        if "b" in terms:
            with pytest.raises(FormulaError, match="does not scale"):
                dimensions.check("x", with_rhs(**terms), "test")
        else:
            assert dimensions.check("x", with_rhs(**terms), "test").verdict is Verdict.REFUTED
    with pytest.raises(FormulaError, match="does not scale"):
        dimensions.check("x", replace(with_rhs(a=wrong), expect="holds"), "test")
    with pytest.raises(FormulaError, match="does not scale"):
        replace(with_rhs(a=wrong), expect="holds").require_dimensions()
    assert dimensions.check("x", CONVEX, "test") is None


def test_dimensions_say_nothing_where_the_runs_change_with_the_unit():
    stepsize = replace(CLAIMS.get(UNITS), stepsize=type(CLAIMS.get(UNITS).stepsize)(cap=B / (M * L)))
    with pytest.raises(FormulaError, match="does not scale"):
        dimensions.check("x", stepsize, "test")


# bounded variance


def test_the_declared_deviation_at_the_minimiser_is_true_and_none_is_elsewhere():
    (cell,) = CLAIMS.get(VARIANCE).cells
    problem = PROBLEMS.get("least_squares")
    made = problem.instance(cell.problem.par, {"M": 4, "K": 4}, np.uint64(0))
    d, n = int(made.data[0]), int(made.data[1])
    rows = made.data[3 + d * d + d : 3 + d * d + d + n * d].reshape(n, d)
    labels = made.data[-n:]
    for far, limit in ((0.0, cell.constants["sigma_star"]), (1.0, math.inf)):
        point = made.minimiser + far * np.eye(d)[0]
        gradients = rows * (rows @ point - labels)[:, None]
        deviation = math.sqrt(np.square(gradients - gradients.mean(axis=0)).sum(axis=1).mean())
        assert (far == 0.0) == (deviation < 0.2)
        assert deviation < limit
    assert "sigma" not in made.constants


def test_the_true_theorem_does_not_apply_there():
    (cell,) = CLAIMS.get(VARIANCE).cells
    found = results({"true": replace(CONVEX, cells=(cell,))}, RUNS)
    assert found[0].verdict is Verdict.NOT_APPLICABLE
    assert "no finite sigma" in found[0].summary


# delays that look at samples


def looking(steps=2000, delays=("slow_samples", {"factor": 50}), noise=("two_point", {"p": 0.05}), **more):
    """Return a built cell, of delays that look at the sample unless told otherwise."""
    (cell,) = CLAIMS.get(ANY_DELAY).cells
    cell = replace(cell, noise=Part(*noise), delays=Part(*delays), K=steps, M=8, output="R1", **more)
    return build(cell, 1, method=CONVEX.method, scheduler=CONVEX.scheduler, stepsize=CONVEX.stepsize)


def test_the_same_delays_are_harmless_without_a_look_and_for_a_constant_stepsize():
    """The false claim's own cell, 8 runs each: 7.5 times the bound; the controls are far below it."""
    (cell,) = CLAIMS.get(ANY_DELAY).cells
    constant = {"stepsize": "constant", "constants": {"stepsize": 1 / (5 * math.sqrt(cell.K))}}
    twin = Part("slow_at_random", {"p": cell.noise.par["p"], "factor": cell.delays.par["factor"]})
    ratios = []
    for one in (cell, replace(cell, delays=twin), replace(cell, **constant)):
        built = build(one, 1, method=CONVEX.method, scheduler=CONVEX.scheduler, stepsize=CONVEX.stepsize)
        errors = [simulate(of_block(built, i), i, 1, ("output_gap",)).measured["output_gap"][0] for i in range(8)]
        ratios.append(np.mean(errors) / CONVEX.outputs["R1"].bound.rhs.value(built.constants))
    assert 7 < ratios[0] < 8
    assert max(ratios[1:]) < 0.1


def test_a_task_is_slow_exactly_where_the_run_meets_a_large_error():
    """Errors are read off the durations of the schedule, and the recursion with these errors is the run."""
    for block in range(3):
        built = of_block(looking(), block)
        schedule = built.weighted.schedule
        handed = np.concatenate([[0.0], schedule.time])[
            np.searchsorted(schedule.offset[1:], range(schedule.handouts), "right")
        ]
        back = schedule.source < schedule.handouts
        lasted = schedule.time[back] - handed[schedule.source[back]]
        slow = np.zeros(schedule.handouts, dtype=bool)
        slow[schedule.source[back][lasted > 10]] = True
        assert 0.02 < slow.mean() < 0.08
        z = np.where(slow, math.sqrt(0.95 / 0.05), -math.sqrt(0.05 / 0.95))
        x = [1.0]
        for n in range(schedule.horizon):
            gradient = x[schedule.stamp[n]] + built.constants["sigma"] * z[schedule.source[n]]
            x.append(x[-1] - built.weighted.gamma[n] * gradient)
        assert simulate(built, block, 1, ("output_gap",)).last[0] == pytest.approx(x[-1], rel=1e-9)


def test_every_run_has_a_schedule_of_its_own():
    built = looking()
    assert width_of(built) == 1
    others = [of_block(built, i).weighted.schedule for i in range(3)]
    assert others[0] is built.weighted.schedule
    assert not np.array_equal(others[0].worker, others[1].worker)
    assert not np.array_equal(others[1].worker, others[2].worker)
    assert np.array_equal(of_block(built, 1).weighted.schedule.worker, others[1].worker)
    same = looking(delays=("slow_at_random", {}))
    assert of_block(same, 3) is same
    assert width_of(same) > 1


def test_the_dependence_is_seen_in_the_noise_and_that_of_the_twin_is_not():
    assert "correlate" in dependent(looking())
    assert dependent(looking(delays=("slow_at_random", {"p": 0.05, "factor": 50}))) is None
    built = looking()
    rare = delays_of(built.weighted.schedule, 1000)
    assert rare.max() > 5 * np.median(rare)


def test_numbers_of_one_schedule_are_not_used_where_there_are_many():
    built, twin = looking(), looking(delays=("slow_at_random", {}))
    assert set(inequalities_of(CONVEX, built)) == {"bound"}
    assert set(inequalities_of(CONVEX, twin)) == {"bound", "conditional", "master"}
    assert "look at samples" in why_not(built)
    assert why_not(twin) is None
    either = replace(CONVEX, policy="data-dependent")
    assert derived(either, built) is None
    assert derived(either, twin) is not None
    with pytest.raises(CapabilityError, match="schedule of its own"):
        looking(problem=Part("huber", {"kink": "B_over_W"}))
    in_schedule = replace(either, outputs={"R1": Statement(CONVEX.outputs["R1"].conditional)}, identities=())
    (cell,) = CLAIMS.get(ANY_DELAY).cells
    (found,) = results({"x": replace(in_schedule, cells=(replace(cell, K=100),))}, RUNS)
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "every run has its own" in found.summary


def test_the_true_theorem_covers_independent_delays_only():
    (cell,) = CLAIMS.get(ANY_DELAY).cells
    (found,) = results({"true": replace(CONVEX, cells=(replace(cell, K=100),))}, RUNS)
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "data-dependent" in found.summary


@pytest.mark.parametrize(
    ("lie", "match"),
    [
        ({"policy": "data-dependent"}, "looks at samples"),
        ({"stretch": lambda noise, par: noise[:, 0]}, "looks at samples"),
        ({"stretch": lambda noise, par: noise[:, 0], "policy": "oracle"}, "policy is one of"),
    ],
)
def test_a_clock_that_looks_says_so(lie, match):
    with pytest.raises(PartError, match=match):
        Delays("lie", lambda key, worker, number, mean, par: mean, **lie)


@pytest.mark.parametrize("factors", [lambda z, par: z[:, 0] - 100, lambda z, par: z, lambda z, par: z[:, 0] * math.nan])
def test_factors_are_positive_numbers(factors):
    clock = Delays("lie", lambda *of: 1.0, stretch=factors, policy="data-dependent")
    with pytest.raises(PartError, match="no positive number"):
        clock.factors(np.ones((5, 2)), {})


# literal weights


def test_weights_are_those_of_the_schedule():
    """The engine's own weights under RL, all gradients back in the end."""
    module = CLAIMS.module(LITERAL)
    rng = np.random.default_rng(1)
    for workers in (2, 3, 5):
        order = [*rng.integers(0, workers, 20).tolist(), *range(workers)]
        made = from_order(SCHEDULERS.get("async"), workers, np.array(order))
        constants = {"M": workers, "K": 20, "L": 1, "B": 1, "sigma": 0}
        found = weigh(made.prefix(20), STEPSIZES.get("delay_adaptive_convex"), constants, "RL").weight[1:]
        told = module.weights(order, workers, lambda k: Fraction(0))[:20]
        assert found * 4 * workers == pytest.approx([float(w) for w in told], rel=1e-15)


@pytest.mark.parametrize(("workers", "factor"), [(5, 0.200), (20, 0.0502), (100, 0.0110)])
def test_the_sum_at_m_is_as_small_as_one_over_m(workers, factor):
    order = [*range(workers), *[0] * 100_000]
    end = len(order) + 1
    found = CLAIMS.module(LITERAL).weights([*order[:workers], 0], workers, lambda k: Fraction(workers, end - k))
    assert float(sum(found[:workers]) / workers) == pytest.approx(factor, rel=5e-3)


def test_from_two_m_on_the_sum_is_large_and_not_before():
    """All orders of (3, 8); the counterexample to K >= M is none from K = 2 M on."""
    (true,), (false,) = CLAIMS.get(LITERAL).counting, CLAIMS.get(FROM_M).counting
    where = SCHEDULERS.get("async")
    assert Fraction(exact.sweep_counting(true, where, (3, 8))["smallest_slack"]) >= 0
    assert Fraction(exact.sweep_counting(true, where, (2, 8))["smallest_slack"]) >= 0
    ((workers, order),) = false.orders
    assert exact.slack_of(false, where, workers, order) < 0 <= exact.slack_of(true, where, workers, order)
    assert exact.slack_of(false, where, workers, order[:12]) >= 0, "too short to tell: the others may come back yet"
    least = CLAIMS.module(LITERAL).least
    assert least([Fraction(3, 8)] * 6, 6) == 0 > least([Fraction(3, 8)] * 5 + [Fraction(1, 3)], 6)


# 504


def test_the_bound_with_504_is_95_to_134_times_as_large():
    """Noise terms alone: 380 against 17/6 + (32/9) M/K, for K >= 3 M."""
    long, short = (
        CLAIMS.get(f"{PAPER}theorem3_strongly_convex{end}").outputs["R1"].bound.rhs for end in ("", "_short")
    )
    constants = {"M": 10, "L": 1.0, "mu": 0.5, "B": 1.0, "sigma": 1.0}
    ratios = [long.term_values({**constants, "K": k})["noise"] / short.term_values({**constants, "K": k})["noise"]
              for k in (30, 10**8)]  # fmt: skip
    assert ratios == pytest.approx([380 / (17 / 6 + 32 / 27), 380 * 6 / 17], rel=1e-6)


def test_a_noise_without_sigma_offers_no_rival_and_no_fault():
    """Rows may be sampled with no known sigma; a claim that holds there has a rate like others."""
    (cell,) = CLAIMS.get(VARIANCE).cells
    mild = replace(cell, problem=Part("least_squares", {"rows": 32, "dimension": 2}), K=400,
                   constants={"sigma_star": 5.0})  # fmt: skip
    claim = replace(CLAIMS.get(VARIANCE), expect="holds", cells=(mild,))
    (found,) = results({"mild": claim}, RUNS)
    assert not found.verdict.negative
    assert found.details["rivals"] == [] or all(r["words"] == "undecided" for r in found.details["rivals"])
