"""Does a method do with either coordinate of the two worlds what it does with the other?

Lower bounds are run on both worlds at once, a coordinate each. What they rest on: as long as the worlds show the same,
the method has the same model in both. One whose rule depends on the number of the coordinate knows which world it is
in, and the mean of the two errors says nothing. (One that looks at norms is not told apart by this, nor need it be: it
has the same model in both as well.)

What is looked at is that coordinates may change places: start and gradients with coordinates exchanged leave the state
with coordinates exchanged, to the bit; on free gradients of several kinds over a random order of arrivals, and on the
first ``MOST`` deliveries of the cell itself. In CPython, where no compiler rearranges sums. A difference refutes; that
there is none proves nothing for other runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core import shelf
from ratecheck.core.keys import key_of, normals, wrapping
from ratecheck.core.schedule import Schedule
from ratecheck.engine import loop
from ratecheck.engine.build import Built
from ratecheck.engine.replay import plan_of
from ratecheck.engine.schedule import make
from ratecheck.engine.state import State, allocate, begin, no_draw, no_fill, no_query, parameters, switches
from ratecheck.engine.sweep import try_out

#: deliveries of the cell itself that are looked at, at most
MOST = 8192
#: workers and deliveries of the random order
SMALL, STEPS = 3, 48

Vector = npt.NDArray[np.float64]
#: from a point (2,), the number of the hand-out and the sample to the gradient (2,), coordinates not exchanged
Gradient = Callable[[Vector, int, Any, Vector], None]


def uneven(built: Built) -> str | None:
    """Return a sentence when the method tells the two coordinates of two worlds apart; None for any other problem."""
    if not any(word.startswith("two worlds") for word in built.instance.classes):
        return None
    try_out(built)
    if any(_differ(*pair) for pair in _pairs(built)):
        return (
            f"method {built.method.name!r} does not treat both coordinates alike, and each is one of the two worlds: "
            "it knows which world it is in, and a lower bound is about methods that do not"
        )
    return None


def _pairs(built: Built) -> Iterator[tuple[State, State]]:
    """Yield the states at the end of runs, and those of the same runs with coordinates exchanged."""
    weighted, few = built.weighted, _order(built)
    gamma = np.abs(normals(key_of("coordinates", "stepsizes"), few.horizon + few.handouts)) / 8
    plan = plan_of(few, gamma[: few.horizon], gamma[few.horizon :], np.zeros(few.steps + 1))
    for number, (start, gradient) in enumerate(_free(few.handouts)):
        one, other = (_run(built, few, plan, start, gradient, no_draw, number, flip) for flip in (False, True))
        yield one, other
    if built.problem.gradient is None or built.noise.draw is None:
        return
    own = weighted.schedule.prefix(min(MOST, weighted.schedule.horizon))
    plan = plan_of(own, weighted.gamma[: own.horizon], weighted.gamma_hat, weighted.weight)
    key = int(key_of(int(built.key), "block", 0))
    start = built.instance.start.astype(np.float64)
    of, draw = _sampled(built), built.noise.draw
    one, other = (_run(built, own, plan, start, of, draw, key, flip) for flip in (False, True))
    yield one, other


def _order(built: Built) -> Schedule:
    delays = shelf.DELAYS.get("exponential")
    return make(built.scheduler, delays, delays.parameters({}), SMALL, STEPS, key_of("coordinates", "order"))


def _free(handouts: int) -> Iterator[tuple[Vector, Gradient]]:
    """Yield starts and gradients: small, of any size, signs, equal in both coordinates now and then, nothing at all."""
    for name in range(len(KINDS)):
        drawn = normals(key_of("coordinates", name), 2 * handouts + 2).reshape(-1, 2)
        table = KINDS[name](drawn[1:])

        def gradient(point: Vector, handout: int, sample: Any, out: Vector, table: Vector = table) -> None:
            out[:] = table[handout] + point / 4

        yield drawn[0], gradient


def _now_and_then(drawn: Vector) -> Vector:
    """Return gradients that are the same in both coordinates but for one out of four."""
    found = np.repeat(drawn[:, :1], 2, axis=1)
    found[::4] = drawn[::4]
    return found


#: what becomes of normals (H, 2)
KINDS: tuple[Callable[[Vector], Vector], ...] = (
    np.copy, lambda z: np.exp(4 * z) * np.sign(z), np.sign, _now_and_then, np.zeros_like,
)  # fmt: skip


def _sampled(built: Built) -> Gradient:
    """Return the gradient of the cell's own problem on sampled rows."""
    layout, of = built.problem.layout, built.problem.gradient
    assert of is not None
    data = np.ascontiguousarray(layout(built.instance.data, 1) if layout else built.instance.data, dtype=np.float64)
    return lambda point, handout, sample, out: of(point, 0, sample, data, out)


def _run(built: Built, schedule: Schedule, plan: loop.Plan, start: Vector, gradient: Gradient,
         draw: Callable[..., None], key: int, flip: bool) -> State:  # fmt: skip
    """Run the method on a problem whose coordinates are exchanged, if ``flip``, and return its state."""
    method, turn = built.method, slice(None, None, -1 if flip else 1)
    x0, par = start[turn].copy(), parameters(built.method, built.constants, exact=False)
    state = allocate(method, schedule, x0, par, 1, batch=built.instance.batch)
    drawn = [0]

    def turned(point: Any, worker: int, sample: Any, data: Any, out: Any) -> None:
        gradient(point[turn], drawn[0], sample, out[turn])

    def noted(key: Any, handout: int, rows: int, out: Any) -> None:
        drawn[0] = handout
        draw(np.uint64(key), handout, rows, out)

    do = switches(method, rows=max(1, built.instance.rows))
    begin(method, state, x0)
    with np.errstate(all="ignore"), wrapping():
        loop.run(0, schedule.horizon + 1, method.receive, method.query or no_query, turned, no_fill, no_fill, no_fill,
                 noted, state.server, plan, state.flight, state.stream, do, None, None, 0.0, key)  # fmt: skip
    return state


def _differ(one: State, other: State) -> bool:
    """Tell whether the second state is not the first one with coordinates exchanged, to the bit."""
    a, b = one.server, other.server
    vectors = zip((a.x, a.mine, a.held), (b.x, b.mine, b.held), strict=True)
    numbers = zip((a.clock, a.tag, a.count, a.tally), (b.clock, b.tag, b.count, b.tally), strict=True)
    return any(not np.array_equal(v, w[..., ::-1], equal_nan=True) for v, w in vectors) or any(
        not np.array_equal(v, w) for v, w in numbers
    )
