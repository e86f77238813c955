"""The largest stable stepsizes, against printed recursions in plain Python, closed forms and numbers known before."""

import math
from dataclasses import replace
from fractions import Fraction
from itertools import cycle, islice

import numpy as np
import pytest

from ratecheck.checks.stability import schur
from ratecheck.checks.stability.effect import effect
from ratecheck.checks.stability.growth import Run
from ratecheck.checks.stability.stability import (
    FACTOR,
    FIRST,
    LAST,
    NO_PERIOD,
    Setting,
    around,
    first_loss,
    limit,
    period,
    ready,
)
from ratecheck.core import shelf
from ratecheck.core.part import Part
from ratecheck.errors import CapabilityError, PartError
from tests import momentum_oracle
from tests.oracle import order_of

BETA = (("beta", "9/10"),)
#: computed elsewhere, from hand-written recursions: M L gamma at beta = 9/10, to four digits
KNOWN = {
    ("async_sgd", 4): 1.7802, ("naive_momentum", 4): 0.1391, ("shifted_momentum", 4): 0.2591,
    ("ormo_vanilla_step", 4): 0.6100, ("ormo", 4): 0.7936,
    ("async_sgd", 16): 1.6208, ("naive_momentum", 16): 0.1269, ("shifted_momentum", 16): 0.2092,
    ("ormo_vanilla_step", 16): 0.5319, ("ormo", 16): 0.6352, ("smega2", 16): 0.657,
}  # fmt: skip
OURS = ("naive_momentum", "shifted_momentum", "ormo_vanilla_step", "ormo", "smega2")


def setting(method, workers, **others):
    beta = BETA if "beta" in shelf.METHODS.get(method).par else ()
    return Setting(method, workers, constants=beta, **others)


@pytest.mark.parametrize(("method", "workers"), KNOWN)
def test_numbers_known_before(method, workers):
    found, known = limit(setting(method, workers)), KNOWN[method, workers]
    digits = 4 if known != 0.657 else 3  # that one is known from runs
    assert abs(found.value - known) <= 1.0001 * 10.0**-digits  # of the one at M = 4 (0.25915) four digits were cut off
    assert found.by == "eigenvalues"
    assert found.high - found.low <= 1e-9


def grows(method, workers, order, stepsize):
    """Run the printed recursion on F = x^2/2; return whether it is larger at the end than halfway."""
    found = momentum_oracle.run(method, 1.0, lambda w, *_: w, [stepsize] * len(order), workers, order, 0.9)
    path = np.abs([float(w) for w, _ in found])
    quarter = len(order) // 4
    return path[-quarter:].max() > path[-2 * quarter : -quarter].max()


@pytest.mark.parametrize("method", OURS)
@pytest.mark.parametrize("workers", [1, 4, 7])
def test_the_printed_recursion_shrinks_below_and_grows_above(method, workers):
    """Half a per cent on either side; the oracle shares nothing with the kernels."""
    value = limit(setting(method, workers)).value / workers
    order = list(islice(cycle(range(workers)), 6000))
    assert not grows(method, workers, order, 0.995 * value)
    assert grows(method, workers, order, 1.005 * value)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 8, 16, 32])
def test_asynchronous_sgd_has_a_closed_form(workers):
    value = limit(setting("async_sgd", workers)).value
    assert value == pytest.approx(2 * workers * math.sin(math.pi / (2 * (2 * workers - 1))), rel=1e-9)


@pytest.mark.parametrize("beta", ["0", "0.3", "0.9"])
@pytest.mark.parametrize("method", ["ormo", "minibatch_momentum"])
def test_momentum_under_the_barrier_is_polyaks(method, beta):
    found = limit(Setting(method, 3, "barrier", constants=(("beta", beta),)), exact=True)
    scale = 3 if method == "minibatch_momentum" else 1  # its rate is that of a mean
    assert found.by == "exact"
    assert float(found.low) < scale * 2 * (1 + float(beta)) <= float(found.high)


@pytest.mark.parametrize("method", [*OURS, "async_sgd"])
def test_an_enclosure_is_where_the_eigenvalues_say(method):
    found, rough = limit(setting(method, 4), exact=True), limit(setting(method, 4))
    assert found.by == "exact"
    assert found.low < rough.value < found.high
    assert found.high - found.low == Fraction(8, 10**7)


def vanilla(workers, beta):
    """OrMo with a vanilla step: a gradient moves the model by 1, and its share of u joins beta/(1 - beta) later moves.

    In turn, the gradient that ends a group is of the group it ends, all others are of the one before.
    """
    return ((1 + beta / (1 - beta)) + (workers - 1) * (1 + beta**2 / (1 - beta))) / workers


BETAS = ("0.9", "0.999999", *(pytest.param(b, marks=pytest.mark.slow) for b in ("0.99", "0.995", "0.999", "0.9999")))


@pytest.mark.parametrize("text", BETAS)
@pytest.mark.parametrize("method", OURS)
def test_the_effect_of_a_gradient_is_exact_whatever_the_momentum(method, text):
    workers, beta = 4, Fraction(text)
    found = effect(period(ready(Setting(method, workers, constants=(("beta", text),)))))
    assert found == (vanilla(workers, beta) if method == "ormo_vanilla_step" else 1 / (1 - beta))


def test_the_effect_is_of_one_gradient_whatever_else():
    """A mean under the barrier counts 1/M; a rule that cuts some stepsizes cuts their effect."""
    assert limit(setting("async_sgd", 4)).effect == 1
    assert limit(Setting("minibatch_momentum", 3, "barrier", constants=BETA)).effect == Fraction(10, 3)
    slow = {"delays": Part("fixed", {"slow": "1/4"}), "stepsize": "ormo_delay_scaled"}
    one = ready(setting("async_sgd", 4, **slow))
    schedule, found = one.schedule(4096), limit(one.setting)
    per = one.ratio(schedule)[-found.period :]
    assert float(found.effect) == pytest.approx(per.mean(), rel=1e-12)
    assert per.min() < 1 == per.max()


def test_a_run_tells_the_effect_of_a_gradient():
    """On F = x all gradients are 1, and the model has a speed: to the digits that quarters of the run agree in."""
    found = limit(setting("naive_momentum", 4, delays=Part("gamma", {"shape": 100})))
    assert (found.by, found.effect) == ("runs", pytest.approx(10, rel=1e-3))
    short = Setting("naive_momentum", 4, delays=Part("gamma", {"shape": 100}), constants=(("beta", "0.999999"),))
    assert (limit(short).by, limit(short).value) == ("short", None)


@pytest.mark.parametrize("method", ["ormo", "naive_momentum"])
def test_much_momentum_is_enclosed_below_the_first_stepsize_too(method):
    found = limit(Setting(method, 2, constants=(("beta", "0.999999"),)), exact=True)
    assert found.by == "exact"
    assert found.effect == 10**6
    assert found.high - found.low <= Fraction(8, 10**6) * found.high
    assert (found.high < FIRST) is (method == "naive_momentum")


def test_without_momentum_all_are_asynchronous_sgd():
    values = {limit(Setting(m, 5, constants=(("beta", "0"),))).value for m in OURS}
    assert max(values) - min(values) < 1e-8
    assert limit(setting("async_sgd", 5)).value == pytest.approx(values.pop(), abs=1e-8)


def test_fixed_clocks_repeat_too():
    """Two of 16 workers ten times slower: a period of 142 deliveries; the oracle has a clock of its own."""
    found = limit(setting("naive_momentum", 16, delays=Part("fixed", {"slow": "1/8"})))
    assert (found.by, found.period) == ("eigenvalues", 142)
    order = order_of(lambda m, n: 10 if m < 2 else 1, 16, 12000)
    assert not grows("naive_momentum", 16, order, 0.99 * found.value / 16)
    assert grows("naive_momentum", 16, order, 1.01 * found.value / 16)


def test_runs_agree_with_eigenvalues():
    one = ready(setting("ormo", 4))
    schedule = one.schedule(8192)
    run = Run(one.method, schedule, one.ratio(schedule), one.constants)
    low, high = first_loss(lambda x: run.growth(x / 4) < 0, 1e-4, FACTOR**4)
    assert limit(setting("ormo", 4)).value == pytest.approx((low + high) / 2, rel=1e-3)


def test_other_delays_are_run():
    """The 1.9 of asynchronous SGD was found elsewhere, with delays of the same kind."""
    found = limit(setting("async_sgd", 16, delays=Part("gamma", {"shape": 100, "slow": "1/8"})))
    assert found.by == "runs"
    assert found.value == pytest.approx(1.898, rel=0.02)
    assert found.effect == pytest.approx(1, rel=0.02)


# the search


def test_the_first_loss_is_found_where_the_stable_stepsizes_are_no_interval():
    low, high = first_loss(lambda x: x < 0.5 or 0.6 < x < 3, 1e-6)
    assert low < 0.5 <= high
    assert first_loss(lambda x: True, 1e-6)[1] is None
    assert first_loss(lambda x: False, 1e-6) == (None, FIRST)
    assert first_loss(lambda x: True, 1e-6)[0] <= LAST


# what is decided in whole numbers


@pytest.mark.parametrize("seed", range(20))
def test_schur_and_cohn_agree_with_numpy(seed):
    rng = np.random.default_rng(seed)
    p = [Fraction(20), *(Fraction(int(c)) for c in rng.integers(-9, 10, 5))]
    size = np.abs(np.roots([float(c) for c in p])).max()
    assert abs(size - 1) > 1e-6
    assert schur.inside(p) is bool(size < 1)


@pytest.mark.parametrize("p", [[1, -1], [1, 1], [1, 0, 1], [1, -2, 1], [2, -2, 1, -1]])
def test_a_root_on_the_circle_is_not_inside(p):
    assert not schur.inside([Fraction(c) for c in p])


def matrix(*rows):
    return np.array([[Fraction(v) for v in row] for row in rows], dtype=object)


FAMILIES = {
    "through 1": (lambda h: matrix([h]), 1),
    "through -1": (lambda h: matrix([-h]), 1),
    "a pair": (lambda h: matrix([0, -h], [1, 0]), 1),
    "a pair beside others": (lambda h: matrix([1 - h / 2, -1, 0], [h / 2, 0, 0], [0, 0, Fraction(1, 3)]), 2),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_passage_is_seen(name):
    """Up to just below the passage nothing passes, up to just above it something does."""
    at, degree = FAMILIES[name]
    grid = [Fraction(k, 1000) for k in range(1, 4000)]
    sizes = [np.abs(np.linalg.eigvals(at(h).astype(float))).max() for h in grid]
    first = next(i for i, size in enumerate(sizes) if size > 1 + 1e-9)
    family = schur.Family(at, degree)
    assert family.stable_up_to(grid[first] - Fraction(2, 1000))
    assert not family.stable_up_to(grid[first] + Fraction(1, 1000))


def test_a_short_loss_of_stability_on_the_way_is_seen():
    """z = 1/2 + 3/5 (1 - 100 (h - 1)^2) is above 1 in a window around h = 1 only: stable at both of its sides."""

    def at(h):
        return matrix([Fraction(1, 2) + (1 - 100 * (h - 1) ** 2) * Fraction(3, 5)])

    family = schur.Family(at, 2)
    before, within, after = Fraction(95, 100), Fraction(1), Fraction(105, 100)
    assert [schur.inside(schur.characteristic(at(h))) for h in (before, within, after)] == [True, False, True]
    assert not family.stable_up_to(after)


def test_a_polynomial_is_found_through_its_values():
    assert schur.through([Fraction(3 - k + 2 * k**3) for k in range(1, 7)]) == [3, -1, 0, 2, 0, 0]


@pytest.mark.parametrize(("p", "upper", "none"), [
    ([-2, 0, 1], Fraction(14142, 10000), True), ([-2, 0, 1], Fraction(14143, 10000), False),
    ([0, -2, 0, 1], Fraction(1), True), ([1, 0, 1], Fraction(50), True), ([-1, 1], Fraction(1), False), ([0], 1, False),
    ([1, -4, 4], Fraction(1), False), ([1], Fraction(1), True),
])  # fmt: skip
def test_roots_up_to_a_number(p, upper, none):
    assert schur.rootless(p, Fraction(upper)) is none


# what a method has to be

METHOD = """
from ratecheck import Method

def receive(server, a):
    x, y, g = server.x[0], server.x[1], a.grad[0]
    for i in range(x.shape[0]):
        {body}

METHOD = Method("mine", receive, slots=("x", "y"))
"""


@pytest.fixture
def mine(tmp_path):
    """Write a method with this body and return its path."""

    def make(body):
        path = tmp_path / "mine.py"
        path.write_text(METHOD.format(body=body))
        return str(path)

    return make


def test_what_never_reaches_the_model_does_not_count(mine):
    """A running sum of gradients has an eigenvalue 1 for ever, and a growing one any other."""
    plain = limit(setting("async_sgd", 3)).value
    assert limit(Setting(mine("x[i] -= a.gamma * g[i]; y[i] = 3 * y[i] + g[i]"), 3)).value == pytest.approx(plain)
    assert limit(Setting(mine("x[i] -= a.gamma * g[i] + y[i]; y[i] = 3 * y[i] + g[i]"), 3)).low is None


def test_a_file_that_changes_is_read_again(mine):
    whole = limit(Setting(mine("x[i] -= a.gamma * g[i]"), 2)).value
    assert limit(Setting(mine("x[i] -= 2 * a.gamma * g[i]"), 2)).value == pytest.approx(whole / 2)


@pytest.mark.parametrize("body", [
    "x[i] -= a.gamma * g[i] * g[i]", "x[i] -= a.gamma * g[i] + 1", "x[i] -= g[i] / (1 + a.gamma)",
    "x[i] -= a.gamma * g[0]", "x[i] -= a.gamma * a.gamma * a.gamma * g[i]", "x[i] -= a.gamma * max(g[i], 0 * g[i])",
    "x[i] -= 0.5 * a.gamma * g[i]",
])  # fmt: skip
def test_other_methods_are_refused(mine, body):
    with pytest.raises(CapabilityError):
        limit(Setting(mine(body), 2))


def test_a_square_of_the_stepsize_is_understood(mine):
    """x - gamma (1 + gamma) g: with one worker the limit is where gamma + gamma^2 = 2."""
    assert limit(Setting(mine("x[i] -= (a.gamma + a.gamma * a.gamma) * g[i]"), 1), exact=True).value == pytest.approx(1)


@pytest.mark.parametrize("rule", ["drops", "delay_adaptive_convex", "ormo_delay_inverse"])
def test_a_rule_has_to_scale(rule):
    with pytest.raises(CapabilityError, match="times a factor"):
        limit(replace(setting("ormo", 2), stepsize=rule))


def test_a_number_of_the_rule_is_asked_for():
    with pytest.raises(CapabilityError, match="needs damping: give --constant damping="):
        limit(replace(setting("ormo", 2), stepsize="ormo_delay_practical"))


@pytest.mark.parametrize("par", [{}, {"blind": 1}])
def test_there_are_no_samples_to_look_at(par):
    with pytest.raises(CapabilityError, match="look at samples"):
        limit(replace(setting("ormo", 2), delays=Part("slow_samples", {"factor": 3, **par})))


def test_a_model_that_no_gradient_moves(mine):
    found = limit(Setting(mine("y[i] += g[i]"), 2), exact=True)
    assert (found.by, found.value, found.effect) == ("still", None, 0)


@pytest.mark.parametrize("first", [100, 5000])
def test_a_method_that_changes_is_no_period(mine, first):
    """Three times as fast from a step on: before the middle of what is looked at, and after it."""
    found = limit(Setting(mine(f"x[i] -= a.gamma * g[i] * (1 if server.clock[0] < {first} else 3)"), 2), exact=True)
    assert (found.by, found.undecided) == (("exact", "") if first == 100 else ("runs", NO_PERIOD))
    third = limit(setting("async_sgd", 2)).value / 3
    assert found.value == pytest.approx(third, rel=1e-3)
    assert found.effect == pytest.approx(3, rel=1e-3)


def test_what_is_not_enclosed_says_why():
    assert "period is above 16" in limit(setting("async_sgd", 17), exact=True).undecided
    assert limit(setting("async_sgd", 2), exact=True).undecided == ""


@pytest.mark.parametrize(("value", "half"), [(0.7936, 4e-7), (0.1, 4e-7), (0.09, 4e-8), (1.3e-6, 4e-12), (38.0, 4e-7)])
def test_an_enclosure_has_the_width_of_its_first_digit(value, half):
    low, high = around(value)
    assert low < Fraction(value) < high
    assert float(high - low) == pytest.approx(2 * half)


def test_the_period_has_the_entries_one_expects():
    """OrMo's model and momentum and M gradients in flight; one of these, just delivered, nothing depends on."""
    found = period(ready(setting("ormo", 4)))
    assert (len(found.deliveries), found.size, len(found.kept)) == (4, 6, 5)
    assert found.degree == 4


def test_a_fact_compares_something():
    from ratecheck.core.stability import Stability

    with pytest.raises(PartError, match="compares nothing"):
        Stability("one", ("ormo",), "", (4,))
