"""Exact replay has teeth: mutants of asynchronous SGD fail Lemma 1 on some order, wrong counting facts fail too."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

from ratecheck.checks.exact import check, counting_fault, slack_of, sweep_counting, sweep_identity
from ratecheck.core.identity import Counting, Identity, View
from ratecheck.core.method import Method
from ratecheck.core.schedule import Schedule
from ratecheck.core.shelf import CLAIMS, DELAYS, METHODS, SCHEDULERS
from ratecheck.core.verdict import Verdict
from ratecheck.engine import loop
from ratecheck.engine.replay import objects, plan_of, view_of
from ratecheck.engine.schedule import from_order
from ratecheck.engine.state import allocate, begin, no_fill, no_query, switches
from tests.makers import schedule_of

ASYNC, BARRIER = SCHEDULERS.get("async"), SCHEDULERS.get("barrier")
LEMMA = CLAIMS.get("mishchenko2022.lemma1").identities[0]
ROUNDS = CLAIMS.get("mishchenko2022.minibatch_convex").identities[0]
COUNTING = {c.name: c for c in CLAIMS.get("mishchenko2022.counting").counting}


# mutants of asynchronous SGD


def step(server: Any, a: Any, part: Any) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i] * part


def dispatches_the_previous_model() -> Method:
    """Hands out x_{k-1}, as some published code does: work is sent before the update."""

    def start(server: Any, x0: Any) -> None:
        server.x[0, :] = x0
        server.x[1, :] = x0

    def receive(server: Any, a: Any) -> None:
        x, old = server.x[0], server.x[1]
        for i in range(x.shape[0]):
            old[i] = x[i]
            x[i] -= a.gamma * a.grad[0][i]

    def query(server: Any, worker: Any, gamma: Any, out: Any) -> None:
        for i in range(out.shape[1]):
            out[0, i] = server.x[1, i]

    return Method("previous", receive, slots=("x", "old"), start=start, query=query)


def halves_late_gradients() -> Method:
    def receive(server: Any, a: Any) -> None:
        late = server.clock[0] + 1 - a.stamp > server.workers
        step(server, a, Fraction(1, 2) if late else 1)

    return Method("halves", receive)


def wrong_by_a_thousandth() -> Method:
    return Method("thousandth", lambda server, a: step(server, a, Fraction(1001, 1000)))


def applies_twice() -> Method:
    return Method("twice", lambda server, a: step(server, a, 2))


def drops_first_gradients() -> Method:
    def receive(server: Any, a: Any) -> None:
        server.tally[a.worker, 0] += 1
        step(server, a, 0 if server.tally[a.worker, 0] == 1 else 1)

    return Method("drops", receive, tally=("seen",))


def writes_another_slot() -> Method:
    def receive(server: Any, a: Any) -> None:
        to = server.x[1] if a.stamp > 0 else server.x[0]
        for i in range(to.shape[0]):
            to[i] -= a.gamma * a.grad[0][i]

    return Method("slot", receive, slots=("x", "other"))


def forgets_worker_one() -> Method:
    """Wrong for one worker only, which it sees through a helper: names of workers must not be dropped."""
    return Method("forgets", lambda server, a: step(server, a, 1 if number(a) != 1 else 0))


def number(a: Any) -> int:
    return int(a.worker)


def wrong_when_the_last_worker_is_first() -> Method:
    """Right on every order in which worker 0 arrives first: workers that are named must all be tried first."""

    def receive(server: Any, a: Any) -> None:
        step(server, a, 0 if a.worker == server.workers - 1 and server.clock[0] == 0 else 1)

    return Method("first", receive)


def swaps_the_sign_of_old_gradients() -> Method:
    """Wrong only from the delay 2 M + 1 on: the smallest case that shows it has K = 2 M + 1."""

    def receive(server: Any, a: Any) -> None:
        step(server, a, -1 if server.clock[0] + 1 - a.stamp > 2 * server.workers else 1)

    return Method("sign", receive)


def keeps_the_last_gradient() -> Method:
    """Applies the gradient before: a buffer that is one delivery behind."""

    def receive(server: Any, a: Any) -> None:
        x, kept = server.x[0], server.x[1]
        for i in range(x.shape[0]):
            x[i] -= a.gamma * kept[i]
            kept[i] = a.grad[0][i]

    return Method("behind", receive, slots=("x", "kept"))


MUTANTS = [
    dispatches_the_previous_model, halves_late_gradients, wrong_by_a_thousandth, applies_twice, drops_first_gradients,
    writes_another_slot, forgets_worker_one, wrong_when_the_last_worker_is_first, keeps_the_last_gradient,
]  # fmt: skip


def sweep(method: Method, cases: Sequence[tuple[int, int]], identity: Identity = LEMMA) -> dict[str, Any]:
    """Return what the first refuted case says, or the last answer."""
    found: dict[str, Any] = {}
    for case in cases:
        found = sweep_identity(identity, method, ASYNC, case)
        if "fault" in found:
            return found
    return found


@pytest.mark.parametrize("mutant", MUTANTS)
def test_lemma1_refutes_a_mutant(mutant):
    found = sweep(mutant(), [(2, 4), (3, 5)])
    assert 1 <= found["step"] <= len(found["order"])
    assert re.search(r"^(x_0|the gradient of worker \d at x_\d+|a gradient taken at another point .*) is left",
                     found["fault"])  # fmt: skip
    assert not found["fault"].endswith("coefficient 0")
    replayed = sweep_identity(LEMMA, METHODS.get("async_sgd"), ASYNC, (found["M"], len(found["order"])))
    assert replayed["residual"] == "0"


def test_a_mutant_of_long_delays_needs_a_long_case():
    """Equivalent on every order with K <= 2 M, refuted at K = 2 M + 1: cases bound what exact evidence sees."""
    mutant = swaps_the_sign_of_old_gradients()
    assert sweep_identity(LEMMA, mutant, ASYNC, (2, 4))["residual"] == "0"
    found = sweep_identity(LEMMA, mutant, ASYNC, (2, 5))
    assert found["order"] in ([0, 0, 0, 0, 1], [1, 1, 1, 1, 0])
    assert found["step"] == 5


def test_the_worker_that_is_forgotten_is_named():
    found = sweep(forgets_worker_one(), [(2, 3)])
    assert "worker 1" in found["fault"]
    assert found["order"][found["step"] - 1] == 1


def test_a_late_gradient_is_said_to_be_late():
    found = sweep(halves_late_gradients(), [(2, 3)])
    assert found["order"] == [0, 0, 1]
    assert found["step"] == 3
    assert found["fault"].startswith("the gradient of worker 1 at x_0 is left with coefficient")


# equivalent ways to write the algorithm


def by_sums() -> Method:
    """x = start minus the sum of all steps."""

    def start(server: Any, x0: Any) -> None:
        server.x[0, :] = x0
        server.x[1, :] = x0

    def receive(server: Any, a: Any) -> None:
        x, begun, total = server.x[0], server.x[1], server.x[2]
        for i in range(x.shape[0]):
            total[i] += a.gamma * a.grad[0][i]
            x[i] = begun[i] - total[i]

    return Method("sums", receive, slots=("x", "begun", "total"), start=start)


def by_worker_buffers() -> Method:
    """Puts the gradient into the worker's own buffer first, and asks for the model explicitly."""

    def receive(server: Any, a: Any) -> None:
        x, own = server.x[0], server.mine[a.worker, 0]
        for i in range(x.shape[0]):
            own[i] = a.grad[0][i] / 2
            x[i] -= a.gamma * own[i]
            x[i] -= a.gamma * own[i]

    def query(server: Any, worker: Any, gamma: Any, out: Any) -> None:
        for i in range(out.shape[1]):
            out[0, i] = server.x[0, i]

    return Method("buffers", receive, mine=("own",), query=query)


@pytest.mark.parametrize("same", [by_sums, by_worker_buffers])
def test_the_algorithm_written_differently_is_not_refuted(same):
    for case in [(1, 4), (2, 5), (3, 5)]:
        assert sweep_identity(LEMMA, same(), ASYNC, case)["residual"] == "0"


def test_rounds_of_minibatch_sgd_and_their_mutant():
    """The identity of a round holds for the method and not for one that forgets to clear its sum."""

    def receive(server: Any, a: Any) -> None:
        x, total = server.x[0], server.x[1]
        for i in range(x.shape[0]):
            total[i] += a.gamma * a.grad[0][i]
            if (server.clock[0] + 1) % server.workers == 0:
                x[i] -= total[i] / server.workers

    uncleared = Method("uncleared", receive, slots=("x", "total"))
    for case in [(2, 4), (3, 6)]:
        assert sweep_identity(ROUNDS, METHODS.get("minibatch_sgd"), BARRIER, case)["residual"] == "0"
        found = sweep_identity(ROUNDS, uncleared, BARRIER, case)
        assert found["step"] == 2 * case[0]


def test_a_refuted_method_file_gives_a_result_with_a_witness(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from ratecheck import Method\n"
        "def receive(server, a):\n"
        "    for i in range(server.x.shape[1]):\n"
        "        server.x[0, i] -= a.gamma * a.grad[0, i] * 999 / 1000\n"
        "METHOD = Method('mine', receive)\n"
    )
    name = "mishchenko2022.lemma1"
    result = check(name, CLAIMS.get(name), [(2, 3)], "test", method=str(path))
    assert result is not None
    assert result.verdict is Verdict.REFUTED
    assert "lemma1 fails at step 1 for method 'mine', M = 2, arrival order [0, 0, 0]" in result.summary
    assert result.witness is not None
    assert result.witness["cell"]["order"] == [0, 0, 0]
    assert result.witness["files"]["method"] == str(path)


def test_a_method_that_branches_on_numbers_is_not_applicable(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from ratecheck import Method\n"
        "def receive(server, a):\n"
        "    if a.gamma > 0:\n"
        "        server.x[0, 0] -= a.gamma * a.grad[0, 0]\n"
        "METHOD = Method('mine', receive, symbolic=False)\n"
    )
    result = check("x", CLAIMS.get("mishchenko2022.lemma1"), [(2, 3)], "test", method=str(path))
    assert result is not None
    assert result.verdict is Verdict.NOT_APPLICABLE


# the same identity on sympy symbols


def residuals_on_symbols(identity: Identity, schedule: Schedule) -> list[sp.Expr]:
    """Run asynchronous SGD on symbols, one for x_0, each stepsize and each gradient, and return all residuals."""
    method, handouts = METHODS.get("async_sgd"), schedule.handouts
    gradients = sp.symbols(f"g:{handouts}")
    finals = sp.symbols(f"h:{handouts}")
    gammas = [finals[h] for h in schedule.source[: schedule.horizon].tolist()]
    x0 = objects([sp.Symbol("x")])
    state = allocate(method, schedule, x0, [], 1)
    plan = plan_of(schedule, gammas, list(finals), [0] * (schedule.steps + 1), exact=True)
    begin(method, state, x0)

    def gradient(point: Any, worker: int, sample: Any, data: Any, out: Any) -> None:
        out[0] = gradients[sample[0]]

    def draw(key: Any, h: int, rows: int, out: Any) -> None:
        out[0] = h

    found, virtual = [], x0.copy()
    for n in range(schedule.horizon):
        loop.run(n, n + 1, method.receive, no_query, gradient, no_fill, no_fill, no_fill, draw, state.server, plan,
                 state.flight, state.stream, switches(method, 1), None, None, 0, 0)  # fmt: skip
        for h in range(plan.offset[n], plan.offset[n + 1]):
            virtual[0] -= finals[h] * gradients[h]
        residual = identity.residual(view_of(n, x0, virtual, method, schedule, plan, state))
        found.append(sp.expand(residual[0]))
    return found


@pytest.mark.parametrize("order", [[0, 0, 0], [0, 1, 1, 0, 2], [2, 1, 0, 0, 0, 2, 1], [1, 1, 1, 1, 0]])
def test_lemma1_on_symbols(order):
    schedule = from_order(ASYNC, 3, np.array(order))
    assert residuals_on_symbols(LEMMA, schedule) == [0] * len(order)


def test_a_wrong_lemma_on_symbols_names_what_is_left():
    """The worker that just arrived is not in the sum: its new gradient is handed out at x_k, after the virtual one."""

    def all_in_flight(view: View) -> Any:
        return view.x - view.virtual - sum((f.gamma_next * f.gradient for f in view.in_flight), 0 * view.x)

    found = residuals_on_symbols(Identity("lie", all_in_flight, "", ""), from_order(ASYNC, 2, np.array([0, 1])))
    assert found[0] == -sp.Symbol("h0") * sp.Symbol("g0")


# counting


@pytest.mark.parametrize("name", COUNTING)
@pytest.mark.parametrize("case", [(1, 5), (2, 8), (3, 7), (4, 7), (6, 5)])
def test_counting_facts_on_all_orders(name, case):
    found = sweep_counting(COUNTING[name], ASYNC, case)
    assert "fault" not in found
    assert Fraction(found["smallest_slack"]) >= 0


@pytest.mark.parametrize("name", COUNTING)
@pytest.mark.parametrize("delays", DELAYS.names())
def test_counting_facts_on_long_schedules(name, delays, tmp_path):
    for workers, seed in ((2, 1), (5, 2), (12, 3)):
        order = tuple(schedule_of(delays, workers, 200, tmp_path, seed=seed).worker.tolist())
        assert slack_of(COUNTING[name], ASYNC, workers, order) >= 0


def test_the_largest_sums_of_delays_are_attained():
    """Slack 0 for (a) and (c) on round robin, (b) too: the explicit terms are sharp."""
    order = (0, 1, 2) * 4
    slacks = {name: slack_of(fact, ASYNC, 3, order) for name, fact in COUNTING.items()}
    assert slacks["delays telescope"] == slacks["later arrivals"] == 0
    assert slacks["horizon closed"] == 3  # p K - sum_m (K + 1 - first_m) = 3 * 12 - (12 + 11 + 10)


Slack = Callable[[Sequence[int], Sequence[int], int], Fraction]


def nine_tenths(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    return sum((Fraction(1, max(t, workers)) for t in delay), Fraction(0)) - Fraction(9, 10) * len(worker) / workers


def at_most_k(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    return Fraction(len(worker) - sum(delay))


def all_short(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    return Fraction(2 * workers - max(delay))


def in_flight_twice(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Count gradients in flight at K twice: with their age added to delays that reach K + 1 already."""
    steps, last = len(worker), {m: k for k, m in enumerate(worker, 1)}
    return COUNTING["horizon closed"].slack(worker, delay, workers) - sum(steps + 1 - k for k in last.values())


def first_arrivals_short(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """(b) without its restriction: first arrivals do not obey it."""
    p = len(set(worker))
    return Fraction(p * (len(worker) - p) - sum(delay))


LIES: dict[str, tuple[Slack, list[tuple[int, int]]]] = {
    "9/10 for 3/4": (nine_tenths, [(2, 8), (3, 8), (4, 9)]),
    "sum tau <= K": (at_most_k, [(2, 2)]),
    "all delays <= 2 M": (all_short, [(2, 4), (2, 5)]),
    "in flight counted twice": (in_flight_twice, [(2, 3), (2, 5)]),
    "(b) for all arrivals": (first_arrivals_short, [(2, 3)]),
}


@pytest.mark.parametrize("lie", LIES)
def test_wrong_counting_facts_are_refuted(lie):
    slack, cases = LIES[lie]
    fact = Counting(lie, slack, "")
    faults = [found for case in cases if "fault" in (found := sweep_counting(fact, ASYNC, case))]
    assert faults
    order = tuple(faults[0]["order"])
    assert counting_fault(fact, ASYNC, faults[0]["M"], order) == {"fault": faults[0]["fault"]}
    assert re.fullmatch(r"slack -\d+(/\d+)? < 0", faults[0]["fault"])


def test_three_quarters_cannot_be_raised_much():
    """The order with half of the delays long reaches (3 M + 1)/(4 M): 0.77 for M = 12, so 0.78 is refuted there."""
    workers, steps = 12, 12 * 48
    order = DELAYS.get("half_fast").order(workers, steps, {}, np.uint64(0)).tolist()

    def share(part: Fraction) -> Counting:
        def slack(worker: Sequence[int], delay: Sequence[int], m: int) -> Fraction:
            return sum((Fraction(1, max(t, m)) for t in delay), Fraction(0)) - part * len(worker) / m

        return Counting("share", slack, "")

    assert slack_of(share(Fraction(3, 4)), ASYNC, workers, tuple(order)) > 0
    assert slack_of(share(Fraction(78, 100)), ASYNC, workers, tuple(order)) < 0
