"""Preconditions are measured: each declaration is caught when it lies, with the number, and passes when it does not.

Delays against noise: the level is exact for any number of gradients, so it is tried by brute force; an order made with
a look at this seed's noise is found, and the same order is innocent under another seed.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ratecheck.checks.preconditions.dependence import ALARM, delays_of, dependence, dependent, identical, noise_of
from ratecheck.checks.preconditions.preconditions import contradiction, hidden, unlawful
from ratecheck.checks.preconditions.solver import extremes, lowest
from ratecheck.core.cell import Cell
from ratecheck.core.method import Method
from ratecheck.core.part import Part
from ratecheck.core.shelf import DELAYS, PROBLEMS
from ratecheck.engine.build import Built, build
from ratecheck.engine.sweep import block_width, simulate, try_out
from ratecheck.errors import AssumptionError
from tests.makers import built_of, parameters_of


def built_on(problem: str, par: dict[str, Any], **more: Any) -> Built:
    rule: dict[str, Any] = {"stepsize": "lipschitz_constant", "sigma": 0.0} if problem == "asymmetric_abs" else {}
    return built_of(problem=Part(problem, par), **rule, **more)


def saying(built: Built, **change: Any) -> Built:
    """Return the cell with another declaration: constants by name, or ``minimum`` and ``minimiser`` of the instance."""
    fields = {n: change.pop(n) for n in ("minimum", "minimiser", "classes") if n in change}
    away = np.linalg.norm(built.instance.start - fields.get("minimiser", built.instance.minimiser))
    constants = {**built.constants, **({"B": float(away)} if "minimiser" in fields else {}), **change}
    return replace(built, constants=constants, instance=replace(built.instance, **fields))


# constants and minima

LARGE = [
    ("quadratic", {"dimension": 200, "condition": 1e4}),
    ("dense_quadratic", {"dimension": 150, "condition": 100}),
    ("logistic", {"rows": 120, "dimension": 70, "l2": "1/10"}),
    ("huber", {"dimension": 100, "kink": "1/20"}),
    ("rational_well", {"dimension": 80}),
    ("asymmetric_abs", {"dimension": 80}),
]
SMALL = [(name, {}) for name in PROBLEMS.names() if name not in ("least_squares", "digits_network")]


@pytest.mark.parametrize(("name", "par"), [*SMALL, *LARGE])
def test_what_the_shelf_declares_is_not_contradicted(name, par):
    assert contradiction(built_on(name, par)) is None


@pytest.mark.parametrize(("name", "par"), [p for p in LARGE if p[0] not in ("asymmetric_abs", "logistic")])
def test_a_smoothness_one_percent_too_small_is_met_in_many_dimensions(name, par):
    """Logistic regression attains its L only where all margins vanish, which is at the start."""
    built = built_on(name, par)
    found = contradiction(saying(built, L=0.99 * built.constants["L"]))
    assert found is not None
    assert "but the curvature met is" in found
    assert "from the minimiser" in found


@pytest.mark.parametrize(("name", "par"), LARGE[:2])
def test_a_strong_convexity_twice_too_large_is_met_in_many_dimensions(name, par):
    built = built_on(name, par)
    assert "but the curvature met is only" in str(contradiction(saying(built, mu=2 * built.constants["mu"])))


def test_curvature_is_met_where_it_is():
    """A Huber loss curves only near its minimiser: the place is named."""
    built = built_on("huber", {"dimension": 100, "kink": "1/20"})
    found = str(contradiction(saying(built, L=0.5)))
    away = float(found.split("at a distance of ")[1].split()[0])
    assert away <= math.sqrt(100) / 20


def test_extreme_directions_against_the_eigenvectors():
    """Full Lanczos steps give both ends; few of them still a lower and an upper bound that are no worse than chance."""
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    values = np.geomspace(1e-3, 1, 60)
    matrix = basis * values @ basis.T
    low, high = extremes(lambda v: matrix @ v, rng.normal(size=60))
    assert low @ matrix @ low == pytest.approx(1e-3, rel=1e-9)
    assert high @ matrix @ high == pytest.approx(1, rel=1e-12)
    low, high = extremes(lambda v: matrix @ v, rng.normal(size=60), steps=12)
    assert 1e-3 <= low @ matrix @ low < 0.02
    assert 0.999 < high @ matrix @ high <= 1 + 1e-12
    assert np.linalg.norm(extremes(lambda v: 2 * v, np.ones(5))[0]) == pytest.approx(1)


def moved(built: Built, step: Any) -> Built:
    """Return the cell declaring another minimiser, and what F is there as its minimum: consistent, and wrong."""
    star = built.instance.minimiser + np.asarray(step)
    value = np.zeros(1)
    built.problem.value(star, built.instance.data, value)
    return saying(built, minimiser=star, minimum=float(value[0]))


def test_a_minimum_that_is_none_is_found_by_the_solver():
    """Too flat for its gradient to tell (1e-9, where rounding of L B is 1e-8), and on a kink, where there is none."""
    flat = built_on("quadratic", {"spectrum": [1e-6, 1]})
    assert contradiction(flat) is None
    found = str(contradiction(moved(flat, [1e-3, 0])))
    assert found.startswith("declared minimum 5e-13, but F = ")
    assert "was found, 5e-13 lower, at a distance of 0.001 from the declared minimiser" in found
    kinked = built_on("asymmetric_abs", {"dimension": 3})
    assert "but F = " in str(contradiction(moved(kinked, [0.01, 0, 0])))
    assert "but F at the minimiser is" in str(contradiction(saying(kinked, minimum=-0.5)))


def test_a_second_well_is_found():
    def value(x: Any) -> float:
        return float((x[0] ** 2 - 1) ** 2 + x[0] / 10 + x[1] ** 2)

    def gradient(x: Any) -> Any:
        return np.array([4 * x[0] * (x[0] ** 2 - 1) + 0.1, 2 * x[1]])

    starts = [np.array([0.9, 0.0]), np.array([-0.3, 1.0])]
    low = lowest(value, gradient, starts, smooth=True)
    assert low == pytest.approx([-1.0123, 0], abs=1e-3)
    assert lowest(value, gradient, starts[:1], smooth=True)[0] > 0, "from one start the nearer well"


@pytest.mark.parametrize("d", [2, 20])
def test_subgradient_steps_go_where_kinks_stop_the_solver(d):
    """The largest of |x_i| i: a solver of smooth problems stops on a ridge; from there it is still far down."""
    weights = np.arange(1, d + 1)

    def value(x: Any) -> float:
        return float(np.abs(weights * x).max())

    def gradient(x: Any) -> Any:
        i = int(np.abs(weights * x).argmax())
        return np.eye(d)[i] * weights[i] * np.sign(x[i])

    starts = [np.ones(d)]
    stopped = value(lowest(value, gradient, starts, smooth=True))
    assert value(lowest(value, gradient, starts, smooth=False)) < 0.6 * stopped


@pytest.mark.parametrize(
    ("radius", "declared", "words"),
    [
        (2, 4.0, "B is the distance, not its square"),
        (0.5, 0.25, "B is the distance, not its square"),
        (2, 1.0, "the start is 2 away from the minimiser"),
        (2, 2.0, None),
        (2, 3.0, None),
        (1, 1.0, None),
    ],
)
def test_the_distance_is_not_its_square(radius, declared, words):
    built = built_on("quadratic", {"spectrum": [1, 2], "radius": radius})
    found = contradiction(saying(built, B=declared))
    assert words in str(found) if words else found is None


def test_a_large_minimum_hides_small_errors():
    built = built_on("quadratic", {"spectrum": [1, 2]})
    assert hidden(built, 1e-300) is None, "a minimum of zero hides nothing"
    large = saying(built, minimum=1e12)
    assert "F* = 1e+12 hides an error of 1e-06" in str(hidden(large, 1e-6))
    assert hidden(large, 1.0) is None


# noise

NOISE = """
import math
import numpy as np
from ratecheck.core.keys import cos_sin, exponential, word
from ratecheck import Noise
def fill(key, position, par, out):
    for i in range(out.shape[0]):
        radius = math.sqrt(2.0 * exponential(word({key}, 2 * (position + i))))
        out[i] = radius * cos_sin(word({key}, 2 * (position + i) + 1))[0] * {scale} + {shift}
NOISE = Noise("mine", fill, fourth_moment=lambda par: {fourth}, bound=lambda par: math.inf)
"""


def with_noise(folder, sigma=1.0, **change):
    path = folder / "mine.py"
    path.write_text(NOISE.format(**{"key": "key", "scale": 1.0, "shift": 0.0, "fourth": 3.0, **change}))
    return built_of(noise=str(path), sigma=sigma)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"scale": 1.03}, "the variance is declared 1, and 131072 draws give 1.0"),
        ({"scale": 0.97}, "the variance is declared 1, and 131072 draws give 0.9"),
        ({"shift": 0.05}, "the mean is declared 0, and 131072 draws give 0.05"),
        ({"fourth": 2.7}, "the fourth moment is declared 2.7, and 131072 draws give 3.0"),
        ({"fourth": "math.inf"}, None),
        ({"key": "np.uint64(1)"}, "draws by two keys are correlated"),
    ],
)
def test_a_noise_is_measured(tmp_path, change, words):
    found = unlawful(with_noise(tmp_path, **change))
    assert words in str(found) if words else found is None


def test_a_noise_that_is_not_used_is_not_measured(tmp_path):
    assert unlawful(with_noise(tmp_path, sigma=0.0, scale=2.0)) is None


SHELF = [
    ("gaussian", {}), ("rademacher", {}), ("student_t", {"df": 2.001}), ("student_t", {"df": 4.01}),
    ("student_t", {"df": 5}), ("two_point", {"p": 1e-6}), ("two_point", {"p": 1e-5}), ("two_point", {"p": 0.999}),
]  # fmt: skip


@pytest.mark.statistical
@pytest.mark.parametrize(("name", "par"), SHELF)
def test_the_shelf_is_measured_too_and_stands(name, par):
    """Also where large noise is so rare that none or one of the draws has it. Alarm: 1e-6 a test."""
    cell = replace(built_of().cell, noise=Part(name, par))
    built = build(cell, 3, method="async_sgd", scheduler="async", stepsize="delay_adaptive_convex")
    assert unlawful(built) is None


def test_sampled_rows_are_measured():
    built = built_on("logistic", {"rows": 32, "dimension": 4}, noise="rows")
    assert unlawful(built) is None
    biased = replace(built.noise, name="biased", draw=always_first)
    assert "rows are not drawn uniformly" in str(unlawful(replace(built, noise=biased)))


def always_first(key: Any, handout: Any, rows: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i] = 0 if i % 2 == 0 else (handout + i) % rows


# what a cell declares of its noise by hand


def declaring(noise: Part, level: float | None, problem: Part, **constants: Any) -> Built:
    cell = Cell(problem, noise, Part("exponential"), 4, 64, level, "R1", constants={"stepsize": 0.01, **constants})
    return build(cell, 3, method="async_sgd", scheduler="async", stepsize="constant")


SQUARE, KINK = Part("quadratic", {"dimension": 4}), Part("asymmetric_abs", {"dimension": 4})


@pytest.mark.parametrize(
    ("noise", "sigma_inf", "words"),
    [
        (Part("gaussian"), 1e-9, "declared sigma_inf = 1e-09, but noise 'gaussian' has no bound"),
        (Part("gaussian"), 1e9, "has no bound"),
        (Part("student_t"), 1e9, "has no bound"),
        (Part("rademacher"), 1.999, "declared sigma_inf = 1.999, but noise 'rademacher' has lengths up to 2"),
        (Part("rademacher"), 0.0, "has lengths up to 2"),
        (Part("rademacher"), 2.0, None),
        (Part("two_point", {"p": 1e-6}), 1998.0, "lengths up to 2000"),  # sqrt(1e6 - 1) sigma: no draw shows it
        (Part("two_point", {"p": 1e-6}), 2000.0, None),
    ],
)
def test_a_declared_bound_is_held_against_the_noise(noise, sigma_inf, words):
    found = unlawful(declaring(noise, 2.0, SQUARE, sigma_inf=sigma_inf))
    assert words in str(found) if words else found is None
    without = unlawful(declaring(noise, 0.0, SQUARE, sigma_inf=abs(sigma_inf)))
    assert without is None, "no noise is longer than nothing"


def test_a_bound_that_a_law_does_not_say_is_drawn(tmp_path):
    """Uniform noise in [-sqrt 3, sqrt 3] that says nothing of its bound: the largest of 2^17 draws is as good as it."""
    path = tmp_path / "uniform.py"
    path.write_text(
        "from ratecheck.core.keys import uniform, word\nfrom ratecheck import Noise\n"
        "def fill(key, position, par, out):\n"
        "    for i in range(out.shape[0]):\n"
        "        out[i] = (2 * uniform(word(key, position + i)) - 1) * 3**0.5\n"
        "NOISE = Noise('uniform', fill)\n"
    )
    for times, words in ((0.999, "lengths up to 3.46"), (1.0, None)):
        found = unlawful(declaring(Part(str(path)), 2.0, SQUARE, sigma_inf=times * 2 * math.sqrt(3)))
        assert words in str(found) if words else found is None


@pytest.mark.parametrize(
    ("noise", "sigma", "given", "words"),
    [
        (Part("gaussian"), 20.0, 1.0, "declared G = 1, but noise 'gaussian' has no bound"),
        (Part("rademacher"), 20.0, 20.99, "gradients with noise 'rademacher' have lengths up to 21"),
        (Part("rademacher"), 20.0, 21.0, None),
        # the slope is -1 or 1/2 (over sqrt d), and the noise 3 or -1/3 in units of sigma/sqrt d, or the other way round
        (Part("two_point", {"p": "1/10"}), 1.0, 3.49, "have lengths up to 3.5"),
        (Part("two_point", {"p": "1/10"}), 1.0, 3.5, None),
        (Part("two_point", {"p": "9/10"}), 1.0, 3.99, "have lengths up to 4"),
        (Part("gaussian"), 0.0, 1.0, None),
    ],
)
def test_a_declared_slope_has_room_for_the_noise(noise, sigma, given, words):
    built = declaring(noise, sigma, KINK, G=given)
    assert contradiction(built) is None, "F itself is not as steep"
    found = unlawful(built)
    assert words in str(found) if words else found is None
    assert unlawful(declaring(noise, sigma, KINK, G_F=1.0)) is None, "the slope of F alone"


def test_a_slope_that_no_class_promises_is_measured():
    assert "but a gradient of norm" in str(contradiction(declaring(Part("rademacher"), 1.0, SQUARE, G=5.0)))
    assert contradiction(declaring(Part("rademacher"), 1.0, SQUARE, G=1e6)) is None


@pytest.mark.parametrize(("noise", "sigma"), [("gaussian", 2.0), ("rademacher", 2.0), ("rows", None)])
def test_no_moment_is_nothing(noise, sigma):
    problem = SQUARE if sigma else Part("logistic", {"rows": 16, "dimension": 2, "batch": 2})
    for given, words in ((0.0, "declared sigma_r = 0"), (0.1, "declared sigma_r = 0."), (50.0, None)):
        found = unlawful(declaring(Part(noise), sigma, problem, sigma_r=given, excess=2.0))
        assert words in str(found) if words else found is None


def test_the_longest_row_is_held_against_a_bound():
    worlds = Part("two_worlds", {"bound": 2})
    truth = declaring(Part("rows"), None, worlds).constants["sigma_inf"]
    assert truth == pytest.approx(2 * math.sqrt(2))
    for times, words in ((0.99, "the gradient of a sampled row is"), (1.0, None)):
        found = unlawful(declaring(Part("rows"), None, worlds, sigma_inf=times * truth))
        assert words in str(found) if words else found is None
    lying = declaring(Part("rows"), None, worlds)
    lying = replace(lying, constants={**lying.constants, "sigma_inf": truth / 2})
    assert "declared sigma_inf = 1.41" in str(unlawful(lying)), "a problem may lie as well"


@pytest.mark.parametrize(("noise", "sigma"), [("gaussian", 1.0), ("rows", None)])
@pytest.mark.parametrize("name", ["sigma_L", "zeta"])
def test_a_size_below_zero_is_a_sentence(noise, sigma, name):
    """Nothing is met of either here, so no place can be said."""
    built = declaring(Part(noise), sigma, Part("two_worlds"))
    assert contradiction(saying(built, **{name: -0.01})) == f"declared {name} = -0.01 is below 0: it is a size"
    assert contradiction(saying(built, **{name: 0.0})) is None


def test_the_level_of_additive_noise_is_not_declared_by_hand():
    with pytest.raises(AssumptionError, match=r"sigma = 0\.001 as a constant, and the level of noise 'gaussian'"):
        declaring(Part("gaussian"), 20.0, SQUARE, sigma=0.001)
    rows = Part("logistic", {"rows": 16, "dimension": 2})
    assert declaring(Part("rows"), None, rows, sigma=7.0).constants["sigma"] == 7


# delays and noise


def test_the_level_is_exact_by_brute_force():
    """For every order of 6 marks, with and without ties: the chance of a statistic as large is at most its p-value."""
    for delays in ([1, 1, 2, 5, 5, 30], [3, 1, 4, 1, 5, 9], [6, 5, 4, 3, 2, 1], [0, 0, 0, 0, 0, 1]):
        for marks in ([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 2]):
            found = np.array([dependence(delays, p).p_value for p in itertools.permutations(marks)])
            values, counts = np.unique(found, return_counts=True)
            assert (np.cumsum(counts) / len(found) <= values + 1e-12).all()
            assert values[0] < 1


@pytest.mark.statistical
def test_small_p_values_are_as_rare_as_they_say():
    """Delays that drift in time, marks of three laws: P(p <= x) <= x, tried at four x (alarm 1e-6 each)."""
    rng = np.random.default_rng(8)
    delays = np.cumsum(rng.normal(size=120)) + np.linspace(0, 30, 120)
    laws = (rng.normal, lambda size: rng.choice([-1.0, 1.0], size), lambda size: rng.pareto(1.0, size))
    for law in laws:
        found = np.array([dependence(delays, law(size=120)).p_value for _ in range(1500)])
        for x in (0.5, 0.1, 0.01, 0.001):
            assert stats.binomtest(int((found <= x).sum()), found.size, x, "greater").pvalue > 1e-6
        assert found.min() < 0.2, "the bound is not empty"


def test_a_correlation_of_two_fifths_is_seen_and_said():
    rng = np.random.default_rng(2)
    marks = rng.normal(size=812)
    found = dependence(0.43 * marks + rng.normal(size=812), marks)
    assert found.correlation == pytest.approx(stats.spearmanr(0.43 * marks, marks).statistic * 0.39, abs=0.06)
    assert found.n == 812
    assert found.p_value < ALARM
    assert dependence(np.ones(50), rng.normal(size=50)).p_value == 1
    assert dependence(rng.normal(size=50), np.ones(50)) == type(found)(0.0, 1.0, 50)


SEEN: list[Any] = []


def keep(server: Any, a: Any) -> None:
    SEEN.append(a.grad[0].copy())


@pytest.mark.parametrize(
    ("problem", "noise"),
    [
        (Part("quadratic", {"spectrum": [0.125, 0.3, 1.0], "radius": 2}), "gaussian"),
        (Part("quadratic", {"dimension": 130}), "rademacher"),
        (Part("logistic", {"rows": 32, "dimension": 4, "batch": 3}), "rows"),
    ],
)
def test_the_noise_is_that_of_the_runs(problem, noise):
    """Gradients that a method received in the engine's first block, at a model that never moves; within 2 ulp."""
    built = built_of(noise=noise, problem=problem, steps=60)
    held = replace(built, method=Method("keep", keep, symbolic=False, compiled=False))
    try_out(held)
    SEEN.clear()
    replicates = block_width(built.instance.dimension)
    simulate(held, 0, replicates)
    slope = np.zeros(built.instance.dimension)
    built.problem.mean_gradient(built.instance.start, 0, built.instance.data, slope)
    schedule = built.weighted.schedule
    drawn = noise_of(built, schedule.handouts)[schedule.source[: schedule.horizon]]
    scale = 1.0 if built.noise.draw else built.constants["sigma"] / math.sqrt(built.instance.dimension)
    expected = slope[:, None] + scale * drawn
    received = np.array(SEEN).reshape(expected.shape)
    assert np.abs(received - expected).max() <= 2 * np.spacing(np.abs(expected).max())
    if built.noise.fill:
        total = np.square(received - slope[:, None]).sum(axis=1).mean()
        wide = built.constants["sigma"] ** 2  # E = sigma^2; 5 standard deviations of a mean of squares (kurtosis 3)
        assert total == pytest.approx(wide, rel=5 * math.sqrt(2 / drawn.size))


def test_delays_of_gradients_that_are_not_back_are_what_they_are_at_the_end():
    schedule = built_of(workers=3, steps=20).weighted.schedule
    found = delays_of(schedule, schedule.handouts)
    for h in range(schedule.handouts):
        (back,) = np.nonzero(schedule.source == h)
        known = schedule.delay[back[0]] if back.size else 21 - schedule.made_at[h]
        assert found[h] == known


def late_when_loud(built: Built, size: Any) -> list[int]:
    """Return an order of arrivals in which a gradient waits the longer the larger its mark ``size`` (handouts,)."""
    wait = stats.rankdata(size) / len(size) * 6 * built.cell.M
    due = {m: wait[m] for m in range(built.cell.M)}
    order = []
    for n in range(built.cell.K):
        m = min(due, key=lambda j: due[j])
        order.append(m)
        due[m] = n + 1 + wait[built.cell.M + n]
    return order


@pytest.mark.parametrize("part", ["the first run", "the block"])
@pytest.mark.parametrize("noise", ["gaussian", "rademacher", "rows"])
def test_an_order_made_for_this_noise_is_found_and_innocent_for_another(noise, part):
    problem = Part("logistic", {"rows": 32, "dimension": 4}) if noise == "rows" else None
    built = built_of(workers=8, steps=600, noise=noise, problem=problem)
    drawn = noise_of(built, built.weighted.schedule.handouts)
    drawn = drawn[:, :, :1] if part == "the first run" else drawn
    slope = np.zeros(drawn.shape[1])
    built.problem.mean_gradient(built.instance.start, 0, built.instance.data, slope)
    loud = np.einsum("hir,i->h", drawn, slope) if noise == "rademacher" else np.square(drawn).sum(axis=(1, 2))
    order = late_when_loud(built, loud)
    cell = replace(built.cell, delays=Part("order", {"workers": order}))
    innocent = build(cell, 3, method="async_sgd", scheduler="async", stepsize="delay_adaptive_convex")
    assert dependent(innocent) is None, "an order is part of its cell, whose noise is another"
    guilty = replace(innocent, key=built.key)
    found = str(dependent(guilty))
    assert found.startswith("delays correlate with gradient noise (rank correlation 0.")
    assert found.endswith("over 608 gradients, p < 1e-6): the theorem assumes that they are independent")
    assert dependent(replace(guilty, key=built.key + np.uint64(1))) is None


@pytest.mark.statistical
@pytest.mark.parametrize("name", [n for n in DELAYS.names() if DELAYS.get(n).policy == "independent"])
def test_the_delays_of_the_shelf_do_not_look_at_the_noise(name, tmp_path):
    """15 seeds each, at 1e-6 a seed."""
    cell = Cell(Part("quadratic", {"dimension": 2, "condition": 2}), Part("gaussian"),
                Part(name, parameters_of(name, 6, 300, tmp_path)), 6, 300, 1.0, "R1")  # fmt: skip
    for seed in range(15):
        built = build(cell, seed, method="async_sgd", scheduler="async", stepsize="delay_adaptive_convex")
        assert dependent(built) is None


def test_without_noise_or_with_one_delay_there_is_nothing_to_find():
    assert dependent(built_of(sigma=0.0)) is None
    assert dependent(built_of(workers=1)) is None


CLAIRVOYANT = '''
"""Delays that look at the noise: the file works out the key of its own cell and delivers loud gradients late."""
from dataclasses import replace
import numpy as np
from ratecheck import Delays
from ratecheck.core.cell import Cell
from ratecheck.core.keys import key_of, word, wrapping
SEED = {seed}
def order(workers, steps, par, key):
    cell = Cell.from_json({{"problem": {{"name": "huber", "par": {{}}}}, "noise": {{"name": "rademacher", "par": {{}}}},
                          "delays": {{"name": __file__, "par": {{}}}}, "M": workers, "K": steps, "sigma": 1.0}})
    samples = key_of("samples", SEED, replace(cell, output="").digest)
    block = key_of(int(samples), "block", 0)
    with wrapping():  # one coordinate, 64 runs, signs of which 64 stand in a word: the block's noise of hand-out h
        bits = np.array([word(block, h // 32 * 2048 + h % 32) for h in range(workers + steps)])
    ones = np.array([int(b).bit_count() for b in bits])
    wait = ones.argsort().argsort() / len(ones) * 6 * workers
    due = {{m: wait[m] for m in range(workers)}}
    found = []
    for n in range(steps):
        m = min(due, key=due.get)
        found.append(m)
        due[m] = n + 1 + wait[workers + n]
    return np.array(found, dtype=np.int64)
DELAYS = Delays("clairvoyant", order=order)
'''


@pytest.mark.parametrize("peeked", [7, 8])
def test_a_file_of_delays_that_peeks_at_the_noise_is_found(tmp_path, peeked):
    """The control knows the noise of seed 8 and runs under seed 7."""
    path = tmp_path / "clairvoyant.py"
    path.write_text(CLAIRVOYANT.format(seed=peeked))
    cell = Cell(Part("huber"), Part("rademacher"), Part(str(path)), 8, 600, 1.0, "R1")
    built = build(cell, 7, method="async_sgd", scheduler="async", stepsize="delay_adaptive_convex")
    found = dependent(built)
    assert (found is not None) == (peeked == 7)


# runs that are all the same


def measured(built: Built) -> dict[str, Any]:
    return simulate(built, 0, 16).measured


class Deaf:
    """An optimiser that does not use its gradients."""

    def step(self, x: Any, gradient: Any, gamma: float) -> Any:
        return 0.9 * x


def test_runs_that_ignore_their_gradients_are_named():
    built = built_of()
    assert identical(built, measured(built)) is None
    deaf = replace(built, method=Method.from_python(Deaf))
    numbers = measured(deaf)
    found = str(identical(deaf, numbers))
    assert found.startswith("all 16 runs of cell M=4 K=100 sigma=0.4 quadratic")
    assert "are identical although sigma = 0.4: the method does not use the gradient" in found
    assert identical(deaf, {n: v[:15] for n, v in numbers.items()}) is None, "too few to tell"
    assert identical(replace(deaf, constants={**deaf.constants, "sigma": 0.0}), numbers) is None
    one = {n: np.where(np.arange(16) == 3, np.nextafter(v, np.inf), v) for n, v in numbers.items()}
    assert identical(deaf, one) is None, "one run that differs in the last digit"


def same_for_all(key: Any, position: Any, par: Any, out: Any) -> None:
    """A sign that depends on the position alone, and is the same for all runs of a hand-out."""
    for i in range(out.shape[0]):
        out[i] = 1.0 if (position // 2048) % 3 == 0 else -1.0


def test_noise_that_ignores_its_key_is_named():
    built = built_of(problem=Part("quadratic", {"dimension": 16}), steps=200)
    lying = replace(built, noise=replace(built.noise, fill=same_for_all))
    found = str(identical(lying, measured(lying)))
    assert found.endswith("identical although sigma = 0.4: the noise does not depend on its key")
    assert unlawful(lying) is not None


def test_rare_noise_may_leave_all_runs_alike():
    """A large error once in 10^9: no draw of this cell has one, and nothing is wrong."""
    cell = replace(built_of().cell, noise=Part("two_point", {"p": 1e-9}))
    rare = build(cell, 3, method="async_sgd", scheduler="async", stepsize="delay_adaptive_convex")
    numbers = measured(rare)
    assert all((v == v[0]).all() for v in numbers.values())
    assert identical(rare, numbers) is None


def test_sampled_rows_that_do_not_reach_the_model_are_named():
    built = built_on("logistic", {"rows": 32, "dimension": 4}, noise="rows")
    deaf = replace(built, method=Method.from_python(Deaf), constants={**built.constants, "sigma": None})
    assert "although gradients sample rows" in str(identical(deaf, measured(deaf)))
    assert identical(built, measured(built)) is None
