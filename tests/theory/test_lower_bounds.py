"""Lower bounds for methods that are always busy: two worlds, all methods of the shelf, and who escapes.

Sampled tests have fixed seeds; HOLDS HERE has false alarms of at most alpha = 1e-3 a claim (``statistics.betting``).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import ceil, e, log

import numpy as np
import pytest

from ratecheck.checks import exact, monte_carlo
from ratecheck.checks.measure import Store
from ratecheck.checks.preconditions.coordinates import uneven
from ratecheck.checks.question import Asked
from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.keys import key_of, wrapping
from ratecheck.core.method import Method
from ratecheck.core.part import Part
from ratecheck.core.scenario import MonteCarlo
from ratecheck.core.verdict import Verdict
from ratecheck.engine.build import build, of_block
from ratecheck.engine.sweep import simulate
from ratecheck.errors import CapabilityError, PartError
from ratecheck.report import captions, plots, statement, text

CLAIMS = [f"levy2026.lower_{name}" for name in ("convex", "strongly_convex", "nonconvex", "linear")]
METHODS = (
    "async_mu2_sgd", "ringmaster", "rennala", "async_sgd", "ordered_momentum", "ordered_momentum_in_order",
    "naive_momentum", "polyak_momentum", "delay_filtered_sgd", "ringleader", "async_minibatches",
)  # fmt: skip
#: some always, all where time is no matter
FEW = (*METHODS[:3], *(pytest.param(name, marks=pytest.mark.slow) for name in METHODS[3:]))
DELAYS = Part("held_back")


def cell(workers=5, steps=64, world="both", delays=DELAYS, **par):
    return Cell(Part("two_worlds", {"world": world, **par}), Part("rows"), delays, workers, steps, None)


def checked(name, *cells, method=None, force=False, replicates=1024, claim=None, **more):
    claim = claim or shelf.claim(name)
    settings = MonteCarlo.model_validate({"replicates": replicates})
    asked = Asked(name, claim, cells or claim.cells, "test", 1, settings, method=method, force=force, **more)
    return monte_carlo.check(asked, Store())


def errors_of(given, runs, *, method="async_sgd", stepsize="delay_adaptive_convex", wanted="output_gap", output="R1"):
    """Return the built cell and what its runs measured (runs,)."""
    built = build(replace(given, output=output), 1, method=method, scheduler="async", stepsize=stepsize)
    assert built.own_schedules, "delays look at samples, or at copies"
    return built, np.array([simulate(of_block(built, i), i, 1, (wanted,)).measured[wanted][0] for i in range(runs)])


# the bounds


@pytest.mark.parametrize("name", CLAIMS)
def test_the_claims_hold_on_their_own_cells(name):
    assert checked(name).verdict is Verdict.HOLDS_HERE
    assert exact.check(name, shelf.claim(name), [], "test").verdict is Verdict.EXACT


@pytest.mark.parametrize("method", FEW)
def test_every_method_of_the_shelf_has_the_convex_error(method):
    constants = {"beta": 0.02} if method.startswith("ordered") else {}
    one = replace(cell(), constants=constants)
    assert checked(CLAIMS[0], one, method=method).verdict is Verdict.HOLDS_HERE


@pytest.mark.slow
@pytest.mark.parametrize("name", CLAIMS[1:])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_shelf_has_the_other_errors(name, method):
    constants = {"beta": 0.02} if method.startswith("ordered") else {}
    shape = "linear" if name.endswith("linear") else "quadratic"
    cells = [replace(cell(m, k, shape=shape), constants=constants) for m, k in ((5, 64), (17, 256))]
    assert checked(name, *cells, method=method).verdict is Verdict.HOLDS_HERE


@pytest.mark.parametrize("stepsize", [0.01, 1.0])
def test_no_stepsize_helps(stepsize):
    tuned = replace(cell(), stepsize="constant", constants={"stepsize": stepsize})
    assert checked(CLAIMS[0], tuned).verdict is Verdict.HOLDS_HERE


# why: the two worlds are one run until a flagged gradient arrives


def leaning(server, a):
    """Move by the gradient and a little more, so that no symmetry keeps the model at the start."""
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * (g[i] + 1)


def flags_of(built, block):
    """Return how many flagged samples a run draws before its last delivery, and how many of these arrive."""
    own = of_block(built, block)
    schedule = own.weighted.schedule
    source, flagged = schedule.source[: schedule.horizon], np.zeros(schedule.handouts, dtype=bool)
    sample = np.zeros(1, dtype=np.int64)
    with wrapping():
        for h in range(schedule.handouts):
            built.noise.draw(key_of(int(built.key), "block", block), h, built.instance.rows, sample)
            flagged[h] = sample[0] < built.instance.data[3]
    drawn = schedule.steps + schedule.workers - 1  # what is handed out after the last delivery comes too late
    return int(flagged[:drawn].sum()), int(flagged[source].sum())


@pytest.mark.parametrize("shape", ["quadratic", "linear"])
def test_transcripts_coincide_to_the_bit_while_no_flag_arrives(shape):
    given = replace(cell(shape=shape), output="R1", constants={"stepsize": 0.05})
    built = build(given, 1, method="async_sgd", scheduler="async", stepsize="constant")
    built = replace(built, method=Method("leaning", leaning))
    few = 0
    for block in range(40):
        last = simulate(of_block(built, block), block, 1, ("output_gap",)).last
        drawn, back = flags_of(built, block)
        assert (back == 0) == (drawn <= given.M - 1)
        assert (last[0] == last[1]) == (back == 0)
        assert last[0] < 0, "it moves"
        few += back == 0
    assert 10 < few < 40


def test_a_biased_method_is_better_in_one_world_and_no_better_in_the_mean():
    """It knows world A: its error there is below the bound, and the mean of both is not (a world alone is no claim)."""
    gaps = {}
    for world in ("A", "B"):
        given = replace(cell(5, 256, world, sigma=8), output="R1", constants={"stepsize": 1 / 160})
        built = build(given, 1, method="async_sgd", scheduler="async", stepsize="constant")
        built = replace(built, method=Method("leaning", leaning))
        assert built.constants["L"] == built.constants["B"] == 1  # level at -R, if no flag arrives
        runs = [simulate(of_block(built, i), i, 1, ("last_gap",)).measured["last_gap"][0] for i in range(60)]
        gaps[world] = float(np.mean(runs))
        bound = shelf.claim(CLAIMS[0]).outputs["R1"].bound.rhs.value(built.constants)
    assert gaps["A"] < bound < (gaps["A"] + gaps["B"]) / 2
    found = checked(CLAIMS[0], cell(world="A"))
    assert found.verdict is Verdict.NOT_APPLICABLE


def test_the_chance_is_at_least_even_and_tends_to_it():
    module = _module("_two_worlds")
    chances = {(m, t): module.chance(m, t) for m, t in product(range(2, 30), (1, 2, 5, 40))}
    assert all(c >= Fraction(1, 2) for c in chances.values())
    assert module.chance(200, 400) < Fraction(53, 100)
    assert module.chance(2, 1) == Fraction(3, 4)


def _module(name):
    shelf.claim(CLAIMS[0])
    shelf.claim("levy2026.lower_noise")
    shelf.claim("levy2026.lower_momentum_noise")
    shelf.claim("levy2026.lower_ordered_momentum")
    return next(m for n, m in sys.modules.items() if n.endswith(f".{name}") and "levy2026" in n)


# who escapes


def test_synchronous_minibatch_idles_and_beats_the_bound():
    """M = 33: it waits for what is flagged, and its error is M L B^2/K + sigma B/sqrt(K) as in theory."""
    far = replace(cell(33, 33 * 32), scheduler="barrier", stepsize="minibatch_convex", method="minibatch_sgd")
    far = replace(far, output="R0")
    refused = checked(CLAIMS[0], far)
    assert refused.verdict is Verdict.NOT_APPLICABLE
    assert "scheduler 'barrier'" in refused.summary
    forced = checked(CLAIMS[0], far, force=True)
    assert forced.verdict is Verdict.REFUTED
    assert "; as forced: work is handed out by scheduler 'barrier'" in forced.summary
    assert " < " in forced.summary
    assert "assuming E[R^2] <= 4" in forced.summary
    upper = checked("mishchenko2022.minibatch_convex", far, force=True)
    assert upper.verdict is Verdict.HOLDS_HERE, upper.summary


def test_delays_that_do_not_look_escape():
    """The blind twin: the same durations, of an independent copy of the samples."""
    blind = cell(65, 4096, delays=Part("held_back", {"blind": 1}))
    assert checked(CLAIMS[0], blind).verdict is Verdict.NOT_APPLICABLE
    assert checked(CLAIMS[0], blind, force=True).verdict is Verdict.REFUTED


def test_other_delays_are_not_its_instance():
    early = cell(delays=Part("held_back", {"factor": 3}))
    found = checked(CLAIMS[0], early)
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "its own instance" in found.summary


def test_constants_by_hand_are_refused():
    """B may be any bound on the distance in an upper bound; here it is the distance."""
    for name in ("B", "sigma"):
        found = checked(CLAIMS[0], replace(cell(), constants={name: 100.0}))
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert "declared by hand" in found.summary


def stopped(factor, stepsize=1 / 16):
    """Return the built cell and the errors of Ringmaster's stops, threshold 2M: flagged work takes ``factor``."""
    delays = Part("held_back", {"factor": factor})
    numbers = {"threshold": 66, "stepsize": stepsize}
    given = replace(cell(33, 1056, delays=delays), scheduler="stop_late", constants=numbers)
    return errors_of(given, 12, stepsize="constant")


def test_stops_do_not_help():
    """What is flagged is stopped before it comes: the two worlds stay one run, and the model where it starts."""
    built, seen = stopped(1e9)
    bound = shelf.claim(CLAIMS[0]).outputs["R1"].bound.rhs.value(built.constants)
    assert seen == pytest.approx(2 * bound, rel=1e-12)  # rounding
    early, late = stopped(10)[1], stopped(1)[1]  # ten times as long is late enough; no longer than others is not
    assert early == pytest.approx(2 * bound, rel=1e-12)
    assert late.mean() < bound / 2
    heard = replace(cell(33, 1056, delays=Part("held_back", {"factor": 10})), constants={"stepsize": 1 / 16})
    assert errors_of(heard, 12, stepsize="constant")[1].mean() < bound / 2


def test_stops_are_not_covered_by_the_claim():
    given = replace(cell(33, 1056), scheduler="stop_late", constants={"threshold": 66})
    found = checked(CLAIMS[0], given)
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "work is handed out by scheduler 'stop_late'" in found.summary
    forced = checked(CLAIMS[0], given, force=True)
    assert forced.verdict is Verdict.HOLDS_HERE
    assert "as forced: work is handed out by scheduler 'stop_late'" in forced.summary


# a method that knows which world it is in, and what --force cannot waive


def told_apart(server, a):
    """Go to the minimiser of each world, which is where the other one's is not: x_1 falls, x_2 rises."""
    x = server.x[0]
    for i in range(x.shape[0]):
        x[i] += a.gamma * (1 if i * 2 >= x.shape[0] else -1)


def late_apart(server, a):
    """Do what is right at first."""
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i]
    if server.clock[0] > 100:
        x[0] -= a.gamma


def if_large(server, a):
    """Tell coordinates apart in a branch on what is in them."""
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i]
    if abs(g[0]) > 10:
        x[0] = 0 * x[0]


def by_norm(server, a):
    """Look at the norm, and at the larger coordinate: coordinates may still change places."""
    x, g = server.x[0], a.grad[0]
    total = 0 * a.gamma
    for i in range(x.shape[0]):
        total += g[i] * g[i]
    for i in range(x.shape[0]):
        if g[i] * g[i] * 2 >= total:
            x[i] -= a.gamma * g[i]


class Apart:
    """An optimiser that is no kernel and moves one coordinate only."""

    def step(self, x, gradient, gamma):
        return x - gamma * gradient * np.arange(x.size)


APART = (Method("told_apart", told_apart), Method("late_apart", late_apart), Method("if_large", if_large),
         Method.from_python(Apart))  # fmt: skip


def of_method(method, **par):
    output = replace(cell(2, 256, **par), output="R1", constants={"stepsize": 0.05, "beta": 0.02})
    name = method if isinstance(method, str) else "async_sgd"
    built = build(output, 1, method=name, scheduler="async", stepsize="constant")
    return built if isinstance(method, str) else replace(built, method=method)


@pytest.mark.parametrize("method", APART, ids=lambda m: m.name)
def test_a_method_that_tells_the_worlds_apart_is_noticed(method):
    assert "knows which world it is in" in uneven(of_method(method))
    assert uneven(of_method(method, world="A")) is None  # in one world there is nothing to tell apart


@pytest.mark.parametrize("name", [n for n in shelf.METHODS.names() if not n.startswith("minibatch")])
def test_no_method_of_the_shelf_tells_the_worlds_apart(name):
    assert uneven(of_method(name)) is None
    assert uneven(of_method(name, shape="linear")) is None


def test_what_looks_at_norms_does_not_tell_the_worlds_apart():
    assert uneven(of_method(Method("by_norm", by_norm))) is None


def adagrad_norm(server, a):
    """The sum of all squares of a replicate stands in its first coordinate of v: exchanged, it is rounded otherwise."""
    x, v, g, n = server.x[0], server.x[1], a.grad[0], server.replicates
    for r in range(n):
        for i in range(r, x.shape[0], n):
            v[r] += g[i] * g[i]
        for i in range(r, x.shape[0], n):
            x[i] -= a.gamma * g[i] / (1 + v[r])


def test_what_a_method_keeps_beside_its_model_is_its_own_affair():
    built = of_method(Method("adagrad_norm", adagrad_norm, slots=("x", "v")))
    assert uneven(built) is None
    assert uneven(replace(built, cell=replace(built.cell, M=7))) is None


def turning(turns):
    """Return a method that is honest until ``turns(server)``, and knows the worlds from then on."""

    def receive(server, a):
        x, g = server.x[0], a.grad[0]
        for i in range(x.shape[0]):
            x[i] -= a.gamma * g[i]
        if turns(server):
            x[: server.replicates] -= a.gamma / 16

    return Method("turning", receive, compiled=False)


@pytest.mark.parametrize(
    ("turns", "seen"),
    [
        (lambda s: s.clock[0] >= 9000, True),  # later than any free run
        (lambda s: s.workers > 4 and s.clock[0] > 60, True),
        (lambda s: s.replicates > 1, True),
        (lambda s: s.clock[0] >= 9500, False),  # not in this cell
        (lambda s: s.workers > 5, False),
    ],
)
def test_one_who_turns_later_or_among_more_workers_is_seen_in_such_a_cell(turns, seen):
    output = replace(cell(5, 9200), output="R1", constants={"stepsize": 0.05})
    built = build(output, 1, method="async_sgd", scheduler="async", stepsize="constant")
    assert (uneven(replace(built, method=turning(turns))) is not None) == seen


CHEAT = '''"""Cheat: it knows that x_1 is in world A and x_2 in world B."""

from ratecheck.core.method import Method


def receive(server, a):
    x, half = server.x[0], server.replicates
    for i in range(x.shape[0]):
        x[i] += (x[i] - x[i] + 1 - x[i] if i >= half else -1 - x[i]) / 8


METHOD = Method("cheat", receive)
'''


def test_the_one_who_knows_is_turned_down_and_refuted_as_forced_only(tmp_path):
    (tmp_path / "cheat.py").write_text(CHEAT)
    path = str(tmp_path / "cheat.py")
    for name in (CLAIMS[0], CLAIMS[2]):
        found = checked(name, cell(), method=path)
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert "does not treat both coordinates alike" in found.summary
        forced = checked(name, cell(), method=path, force=True)
        assert forced.verdict is Verdict.REFUTED
        assert "as forced: method 'cheat' does not treat both coordinates alike" in forced.summary
    plain = checked(CLAIMS[0], cell(), force=True)
    assert plain.verdict is Verdict.HOLDS_HERE
    assert "forced" not in plain.summary


LATE = '''"""As SGD, until delivery 50: from there on it knows which coordinate is which."""

from ratecheck.core.method import Method


def receive(server, a):
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i]
        if server.clock[0] > 50:
            x[i] = (1 if 2 * i >= x.shape[0] else -1) + x[i] - x[i]


METHOD = Method("late", receive)
'''


def test_who_is_caught_in_one_cell_is_turned_down_in_all_and_that_is_said_first(tmp_path):
    """In the short cell nothing is seen of it, and other problems have reasons of their own: it is the method's."""
    (tmp_path / "late.py").write_text(LATE)
    path, problem = str(tmp_path / "late.py"), Part("quadratic")
    short, long = cell(2, 32), cell(2, 128)
    others = [Cell(problem, Part("gaussian"), Part("fixed"), 2, k, 1.0) for k in (64, 128, 256)]
    assert checked(CLAIMS[0], short, method=path).details["counts"] == {"HOLDS HERE": 1}  # never past delivery 50
    found = checked(CLAIMS[0], short, *others, long, method=path)
    assert found.details["counts"] == {"NOT APPLICABLE": 5}
    assert {c["reason"] for c in found.details["cells"]} == {found.summary}
    assert "method 'late' does not treat both coordinates alike" in found.summary
    assert {c["about"] for c in found.details["cells"]} == {"method"}
    mixed = checked(CLAIMS[0], replace(short, method=path), replace(long, method=path), short, *others)
    verdicts = [c["verdict"] for c in mixed.details["cells"]]  # another method, async_sgd, is as it was
    assert verdicts == ["NOT APPLICABLE", "NOT APPLICABLE", "HOLDS HERE", *["NOT APPLICABLE"] * 3]
    assert [c.get("about") for c in mixed.details["cells"]] == ["method", "method", None, None, None, None]


def test_a_method_for_another_scheduler_is_said_first():
    others = [Cell(Part("quadratic"), Part("gaussian"), Part("fixed"), 2, k, 1.0) for k in (64, 128)]
    found = checked(CLAIMS[0], *others, cell(2, 32), method="minibatch_sgd")
    assert found.details["counts"] == {"NOT APPLICABLE": 3}
    assert "method 'minibatch_sgd' is made for scheduler 'barrier'" in found.summary


@pytest.mark.parametrize("name", [*CLAIMS, "levy2026.lower_convex_bounded", "levy2026.lower_ordered_momentum"])
def test_a_lower_bound_is_about_its_own_instance_forced_or_not(name):
    """On another problem the error is below the bound, which says nothing: not even --force runs it there."""
    for problem, noise, sigma in (("quadratic", "gaussian", 1.0), ("two_worlds", "rows", None)):
        par = {"world": "A"} if sigma is None else {}
        other = Cell(Part(problem, par), Part(noise), Part("held_back"), 33, 512, sigma, constants={"beta": 1 / 512})
        found = checked(name, other, force=True)
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert "a lower bound is about its own instance, forced or not" in found.summary


def test_what_is_forced_is_said_when_the_bound_holds_all_the_same():
    named = checked(CLAIMS[0], replace(cell(), constants={"B": 1.0}), force=True)
    assert named.verdict is Verdict.HOLDS_HERE
    assert ", 1 of them as forced; as forced: B is declared by hand" in named.summary
    told = text.detail(named.as_json())
    assert "forced   1 cell: B is declared by hand" in told


@pytest.mark.parametrize(
    ("par", "said"),
    [
        ({"world": "C"}, "world = 'C': world is one of A, B, both, not 'C'"),
        ({"shape": 3}, "shape = 3: shape is one of quadratic, linear, not 3"),
        ({"workers": 1}, "workers = 1: workers must be at least 2: one worker hides nothing"),
        ({"radius": -1}, "radius = -1: radius must be positive, not -1"),
        ({"deliveries": 2.5, "sigma": 2}, "deliveries = 2.5, sigma = 2: deliveries must be a whole number, not 2.5"),
    ],
)
def test_a_wrong_parameter_is_named_and_no_other(par, said):
    given = replace(cell(), problem=Part("two_worlds", par))
    with pytest.raises(PartError) as fault:
        build(given, 1, method="async_sgd", scheduler="async", stepsize="constant")
    assert str(fault.value) == f"problem 'two_worlds' cannot be made with {said}"


def test_one_worker_is_turned_down():
    alone = replace(cell(workers=1), problem=Part("two_worlds"))
    with pytest.raises(PartError, match=r"'two_worlds' cannot be made: M must be at least 2"):
        build(alone, 1, method="async_sgd", scheduler="async", stepsize="constant")


def test_fair_signs_hold_nothing_back():
    """Noise that is never longer than one standard deviation has no rare part."""
    for noise in (Part("rademacher"), Part("two_point", {"p": "1/2"}), Part("none")):
        given = Cell(Part("quadratic"), noise, DELAYS, 5, 64, 1.0)
        with pytest.raises(CapabilityError, match=r"can hold nothing back: noise '.*' is never longer than 1 stan"):
            build(given, 1, method="async_sgd", scheduler="async", stepsize="constant")
        found = checked("mishchenko2022.theorem1", given)
        assert found.verdict is Verdict.NOT_APPLICABLE
        assert "can hold nothing back" in found.summary
    for noise in (Part("two_point"), Part("gaussian")):
        given = replace(given, noise=noise, constants={"stepsize": 0.1})
        schedule = build(given, 1, method="async_sgd", scheduler="async", stepsize="constant").weighted.schedule
        assert len({*schedule.worker[-16:].tolist()}) < 5, "some worker is held back"


# momentum, and the noise that has arrived


@pytest.mark.parametrize("name", ["levy2026.lower_noise", "levy2026.lower_momentum_noise"])
def test_floors_of_the_noise_are_exact(name):
    claim = shelf.claim(name)
    assert exact.check(name, claim, [], "test").verdict is Verdict.EXACT


def test_one_sided_noise_in_numbers():
    """Both readings of step (15): of order (M - 1) t sigma^2, and a part of t sigma^2."""
    module = _module("lower_noise")
    for workers, low, high in ((5, 0.74, 0.76), (17, 0.82, 0.84), (33, 0.86, 0.88), (65, 0.89, 0.91)):
        assert low < module.arrived(workers, 256) / (workers - 1) < high
    for workers, share in ((2, 0.371), (5, 0.209), (17, 0.158)):
        assert float(module.squares(workers, 256)) == pytest.approx(share, abs=1e-3)  # three printed digits


def test_the_floor_of_momentum_at_its_worst_time():
    """(1/2)(1 - exp(-beta t) - M beta)^2/(beta t) at beta t = 1.2564: 0.139, 0.17, 0.195 for M beta = 1/8 .. 1/64."""
    for part, floor in ((1 / 8, 0.139), (1 / 16, 0.170), (1 / 64, 0.195)):
        assert (1 - e**-1.2564 - part) ** 2 / 2 / 1.2564 == pytest.approx(floor, abs=1e-3)


def momentum_cells(workers, times, blind=False):
    given = _module("lower_ordered_momentum").cell(workers, times=times)
    return replace(given, delays=Part("parked", {**given.delays.par, "blind": 1})) if blind else given


def in_units(given, runs):
    """Return the mean of E||grad||^2 over a run in units of beta sigma^2, with its standard error."""
    built, seen = errors_of(given, runs, method="ordered_momentum", stepsize="constant", wanted="mean_gradient_sq")
    unit = built.constants["beta"] * built.constants["sigma"] ** 2
    return seen.mean() / unit, seen.std() / unit / np.sqrt(runs)


def test_ordered_momentum_holds_and_its_blind_twin_does_not():
    name = "levy2026.lower_ordered_momentum"
    assert checked(name, momentum_cells(33, 1), momentum_cells(33, 8)).verdict is Verdict.HOLDS_HERE
    blind = momentum_cells(33, 40, blind=True)
    assert checked(name, blind).verdict is Verdict.NOT_APPLICABLE
    assert checked(name, momentum_cells(17, 1)).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.slow
def test_ordered_momentum_keeps_a_part_of_m_that_its_blind_twin_loses():
    """T = 40/beta: 0.12 to 0.14 (M - 1) beta sigma^2, for M = 5..65. Blind, T = 400/beta: what is left has no M."""
    for workers, runs in ((5, 40), (17, 24), (33, 12), (65, 6)):
        mean, error = in_units(momentum_cells(workers, 40), runs)
        assert (mean - 4 * error) / (workers - 1) > 0.10  # four standard errors
        assert (mean + 4 * error) / (workers - 1) < 0.15
    start = {workers: in_units(momentum_cells(workers, 40, blind=True), 16)[0] for workers in (5, 65)}
    assert start[65] > 4 * start[5]  # the start is not forgotten yet, and it is longer with more workers
    for workers, runs in ((5, 8), (17, 4), (33, 4), (65, 4)):
        mean, error = in_units(momentum_cells(workers, 4000, blind=True), runs)
        assert error < 0.01
        assert abs(mean - 0.125) < 0.02  # beta/8, and the start, a hundredth of what it is at T = 40/beta


def test_the_blind_twin_breaks_the_bound_of_momentum():
    blind = momentum_cells(33, 40, blind=True)
    assert checked("levy2026.lower_ordered_momentum", blind, force=True).verdict is Verdict.REFUTED


def stationary(workers, momentum, blind):
    """Return E||grad||^2/beta of ordered momentum on x^2/2 from next to 0: a clock on which rare noise takes long."""
    length = ceil(log(32) / momentum)
    heavy = Part("slow_samples", {"above": 0, "factor": 2 * length / workers, "blind": blind})
    noise = Part("two_point", {"p": (workers - 1) / (2 * length)})
    near = Part("quadratic", {"spectrum": [1], "radius": 1e-3})
    numbers = {"beta": momentum, "stepsize": momentum / 4}
    given = Cell(near, noise, heavy, workers, round(100 / momentum), 1.0, constants=numbers)
    _, seen = errors_of(given, 8, method="ordered_momentum", stepsize="constant", wanted="mean_gradient_sq")
    return seen.mean() / momentum


@pytest.mark.slow
def test_a_clock_that_sees_noise_costs_a_factor_m_and_its_blind_twin_none():
    """Exponents in M - 1 within 0.15 of 1 and of 0 (8 runs: 1 and 10 % each), beta times a constant."""
    others = np.log([1, 7, 31])
    sees, blind = (np.array([stationary(m, 1 / 256, b) for m in (2, 8, 32)]) for b in (0, 1))
    assert abs(np.polyfit(others, np.log(sees), 1)[0] - 1) < 0.15
    assert abs(np.polyfit(others, np.log(blind), 1)[0]) < 0.15
    assert sees[-1] > 25 * blind[-1]
    assert stationary(32, 1 / 512, 0) == pytest.approx(sees[-1], rel=0.1)


# how it is told


def test_a_lower_bound_is_told_as_one():
    found = checked(CLAIMS[0], cell(), cell(17, 256))
    result = found.as_json()
    assert "smallest measured/bound" in text.detail(result)
    assert "assuming" not in found.summary
    words = captions.caption("rate", result)
    assert "They lie above the lower bound" in words
    assert "Below 1" not in captions.caption("slack", result)
    assert "tightness" not in plots.kinds(result)
    claim = shelf.claim(CLAIMS[0])
    rule = claim.stepsize
    assert "E[output_gap] >= " in statement.as_text(CLAIMS[0], claim, rule)
    assert "how tight" not in statement.as_text(CLAIMS[0], claim, rule)
