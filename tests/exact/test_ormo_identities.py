"""The identities of OrMo, exactly on all arrival orders and on floats along runs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from ratecheck.checks import exact, reproduce
from ratecheck.checks.measure import measure
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.identity import View
from ratecheck.core.part import Part
from ratecheck.core.verdict import Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import build
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.replay import replay_rows
from ratecheck.engine.schedule import from_order
from ratecheck.errors import PartError

CLAIMS = {n: shelf.CLAIMS.get(n) for n in shelf.CLAIMS.names() if n.startswith("ormo2024.")}
OURS = [n for n, claim in CLAIMS.items() if not claim.outputs and (claim.identities or claim.counting)]
LEMMAS = ("closed_forms", "lemma1", "lemma2", "lemma3", "lemma8", "virtual_iterate")
IDENTITIES = [i for name in LEMMAS for i in shelf.CLAIMS.get(f"ormo2024.{name}").identities]
CASES = [(1, 8), (2, 8), (3, 7), (4, 6), (5, 5), pytest.param((2, 10), marks=pytest.mark.slow)]


def residuals(identities, scheduler, case, method="ormo", labelled=False):
    """Replay all orders of a case once; return how many there are and which identities fail.

    beta is a power of 64 smaller than every stepsize: a residual, times 1 - beta, is a sum of stepsizes times powers
    of beta with coefficients below 32, which are the digits of the number at this point. If it is 0 they all are, so
    the identities hold for every beta and all stepsizes.
    """
    (workers, steps), failing, orders = case, set(), 0
    rule, desk = shelf.METHODS.get(method), shelf.SCHEDULERS.get(scheduler)
    constants = {"beta": Fraction(1, 64 ** (2 * steps + workers + 1)), "M": workers, "K": steps}
    for order in arrival_orders(desk, workers, steps, labelled=labelled):
        orders += 1
        schedule = from_order(desk, workers, np.array(order, dtype=np.int64))

        def visit(view: View) -> None:
            failing.update(i.name for i in identities if any(i.residual(view)))

        replay_rows(rule, schedule, *exact.stepsizes(schedule), constants, visit)
    return orders, failing


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_identity_is_exactly_zero_for_all_orders_stepsizes_and_beta(case):
    orders, failing = residuals(IDENTITIES, "async", case)
    assert failing == set()
    assert orders == {(1, 8): 1, (2, 8): 128, (3, 7): 365, (4, 6): 187, (5, 5): 52, (2, 10): 512}[case]


BARRIER = [
    ((1, 6), 1),
    ((2, 8), 16),
    pytest.param((3, 9), 216, marks=pytest.mark.slow),
    pytest.param((4, 8), 576, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("case", "orders"), BARRIER)
def test_under_the_barrier_for_all_orders_of_named_workers(case, orders):
    """Together the 809 orders in which every round is any permutation."""
    claims = [shelf.CLAIMS.get(f"ormo2024.{n}") for n in ("proposition1", "closed_forms_barrier")]
    assert residuals([i for c in claims for i in c.identities], "barrier", case, labelled=True) == (orders, set())
    plain = shelf.CLAIMS.get("ormo2024.remark1").identities
    assert residuals(plain, "barrier", case, method="async_sgd", labelled=True) == (orders, set())


def test_closed_forms_hold_when_work_goes_to_random_workers():
    identities = shelf.CLAIMS.get("ormo2024.closed_forms").identities
    orders, failing = residuals(identities, "random_assignment", (3, 5))
    assert (orders > 20, failing) == (True, set())


@pytest.mark.parametrize("cases", [((2, 5), (3, 4)), pytest.param(((2, 6), (3, 5)), marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("name", OURS)
def test_the_claims_are_exact(name, cases):
    """The cases are the claim's own where it has them; they are small, so that the main job stays quick."""
    result = exact.check(name, shelf.claim(name), cases, "test")
    assert result.verdict is Verdict.EXACT


def test_delay_counting_on_all_orders():
    facts = shelf.CLAIMS.get("ormo2024.delay_counting").counting
    desk = shelf.SCHEDULERS.get("async")
    for case in ((1, 8), (2, 10), (3, 7), (4, 6), (5, 5)):
        assert all("fault" not in exact.sweep_counting(fact, desk, case) for fact in facts), case


def test_the_bound_on_long_delays_is_nearly_attained():
    """M - 1 workers that deliver in a burst every 2 M + 1 steps: (M - 1)/(2 M + 1) of the delays are 2 M or more.

    M = 8: 0.41, where 0.4375 is the bound. For M = 2 and K = 15 the least possible number is 3, the bound rounded down.
    """
    workers, period, rounds = 8, 17, 40
    burst = [*range(1, 8), *([0] * (period - 7))]
    order = [0] * (period - 7) + burst * rounds
    delay = from_order(shelf.SCHEDULERS.get("async"), workers, np.array(order, dtype=np.int64)).delay
    share = np.count_nonzero(delay[-period * rounds :] - 1 >= 2 * workers) / (period * rounds)
    assert 0.40 < share < 7 / 16
    desk, most = shelf.SCHEDULERS.get("async"), 0
    for small in arrival_orders(desk, 2, 11, labelled=False):
        late = from_order(desk, 2, np.array(small, dtype=np.int64)).delay - 1 >= 4
        most = max(most, int(late.sum()))
    assert most == 11 // 4, "(M - 1) K/(2 M) rounded down"


def test_the_identities_are_about_momentum_methods():
    identity = shelf.CLAIMS.get("ormo2024.lemma1").identities[0]
    desk = shelf.SCHEDULERS.get("async")
    with pytest.raises(PartError, match="has none"):
        exact.sweep_identity(identity, shelf.METHODS.get("async_sgd"), desk, (2, 3))
    with pytest.raises(PartError, match="a vector 'u'"):
        exact.sweep_identity(identity, shelf.METHODS.get("shifted_momentum"), desk, (2, 3))
    result = exact.check("x", shelf.claim("ormo2024.lemma1"), [(2, 3)], "test", method="shifted_momentum")
    assert result.verdict is Verdict.NOT_APPLICABLE
    assert "method 'shifted_momentum' has no 'u', which lemma1 speaks of" in result.summary


def test_a_claim_fixes_numbers_and_cases_of_its_own():
    claim = shelf.claim("ormo2024.remark3")
    found = exact.check("x", claim, [(2, 3)], "test", constants={"beta": 0.5})
    assert found.verdict is Verdict.EXACT
    assert [(c["M"], c["K"]) for c in found.details["identities"][0]["cases"]] == list(claim.cases)
    lie = exact.check("x", replace(claim, fixed={"beta": "1/2"}, cases=()), [(2, 4)], "test")
    assert (lie.verdict, lie.witness["cell"]["constants"]) == (Verdict.REFUTED, {"beta": "1/2"})
    told = Witness.from_json(lie.witness, "test")
    assert reproduce.witness(replace(told, claim="ormo2024.remark3")).same
    with pytest.raises(PartError, match="fixes no numbers"):
        replace(shelf.claim("mishchenko2022.theorem2"), fixed={"beta": 0})


# on floats


DELAYS = {
    "exponential": Part("exponential", {"spread": 8}),
    "round robin": Part("round_robin"),
    "straggler": Part("one_straggler", {"factor": 50}),
}


def watched(method, delays="exponential", workers=4, strict=True):
    """Return how far each identity is off in the first block of a noisy cell, over all looks."""
    cell = Cell(
        Part("quadratic", {"spectrum": [0.125, 0.3, 1.0], "radius": 2}), Part("gaussian"), DELAYS[delays], workers,
        400, 0.4, "R1", constants={"stepsize": 0.08 / workers, "beta": 0.75},
    )  # fmt: skip
    built = build(cell, 3, method=method, scheduler="async", stepsize="ormo_delay_scaled")
    return measure(built, 0, 8, ("output_gap",), IDENTITIES, strict)["identities"]


@pytest.mark.parametrize("delays", DELAYS)
@pytest.mark.parametrize("workers", [1, 4, 16])
def test_residuals_on_floats_are_within_their_rounding(delays, workers):
    for strict in (True, False):
        found = watched("ormo", delays, workers, strict)
        assert set(found) == {i.name for i in IDENTITIES}
        assert all(one["ratio"] < 1 for one in found.values())


def test_on_floats_the_ablation_is_seen_and_naive_momentum_too():
    seen = {name for name, one in watched("ormo_vanilla_step").items() if one["ratio"] > 1e6}
    assert seen == {"closed form of w", "shift", "lemma2", "virtual iterate"}
    seen = {name for name, one in watched("naive_momentum").items() if one["ratio"] > 1e6}
    assert seen >= {"closed form of u", "lemma1", "lemma2"}
