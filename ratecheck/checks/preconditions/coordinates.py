"""Does a method do with either coordinate of the two worlds what it does with the other?

Lower bounds are run on both worlds at once, a coordinate each. What they rest on: as long as the worlds show the same,
the method has the same model in both. One whose rule depends on the number of the coordinate knows which world it is
in, and the mean of the two errors says nothing. (One that looks at norms is not told apart by this, nor need it be: it
has the same model in both as well.)

What is looked at is that coordinates may change places: start and gradients with coordinates exchanged leave the model
after each delivery, and every point that a gradient is asked for at, with coordinates exchanged, up to rounding (a sum
of squares is rounded in another order then). What else a method keeps is its own affair. The runs: free gradients of
several kinds over a random order of arrivals among the cell's own number of workers (``ABOUT // FEW`` at most), two
replicates at once, and one replicate of the first ``MOST`` deliveries of the cell itself. In CPython, where no compiler
rearranges sums. A difference refutes; that there is none proves nothing for other runs. Not seen is a method that turns
only later than that, or on samples, numbers or orders that these runs do not meet, or with more replicates at once, or
by less than ``ROUNDING``.
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
from ratecheck.engine.compile import seal
from ratecheck.engine.replay import plan_of
from ratecheck.engine.schedule import make
from ratecheck.engine.state import allocate, begin, no_draw, no_fill, no_query, parameters, switches
from ratecheck.engine.sweep import try_out

#: deliveries of the cell itself that are looked at, at most
MOST = 32768
#: deliveries of the random order for each worker, at least and at most, and in all about
FEW, MANY, ABOUT = 2, 24, 2048
#: replicates that the method runs at once on free gradients
REPLICATES = 2

#: what rounding in another order may come to over a run, relative to the largest number of the run so far: an ulp of
#: each of ``MOST`` sums is 1e-11, and a method may make that somewhat larger
ROUNDING = 1e-9

Vector = npt.NDArray[np.float64]
#: from a point (D,), the number of the hand-out and the sample to the gradient (D,), coordinates not exchanged
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


def _pairs(built: Built) -> Iterator[tuple[Vector, Vector]]:
    """Yield what runs show, models and points (n, D), and what the same runs with coordinates exchanged show."""
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
    key = key_of(int(built.key), "block", 0)
    start = built.instance.start.astype(np.float64)
    of, draw = _sampled(built), seal("draw", built.noise.draw)
    one, other = (_run(built, own, plan, start, of, draw, key, flip) for flip in (False, True))
    yield one, other


def _order(built: Built) -> Schedule:
    """Return a random order of arrivals among the workers of the cell, of whole rounds."""
    delays, workers = shelf.DELAYS.get("exponential"), min(built.cell.M, ABOUT // FEW)
    steps = workers * min(max(ABOUT // workers, FEW), MANY)
    return make(built.scheduler, delays, delays.parameters({}), workers, steps, key_of("coordinates", "order"))


def _free(handouts: int) -> Iterator[tuple[Vector, Gradient]]:
    """Yield starts and gradients: small, of any size, signs, equal in both coordinates now and then, nothing at all."""
    for name in range(len(KINDS)):
        drawn = normals(key_of("coordinates", name), 2 * REPLICATES * (handouts + 1)).reshape(-1, 2 * REPLICATES)
        table = KINDS[name](drawn[1:])

        def gradient(point: Vector, handout: int, sample: Any, out: Vector, table: Vector = table) -> None:
            out[:] = table[handout] + point / 4

        yield drawn[0], gradient


def _now_and_then(drawn: Vector) -> Vector:
    """Return gradients that are the same in both coordinates but for one out of four."""
    found = np.tile(drawn[:, : drawn.shape[1] // 2], 2)
    found[::4] = drawn[::4]
    return found


#: what becomes of normals (H, D)
KINDS: tuple[Callable[[Vector], Vector], ...] = (
    np.copy, lambda z: np.exp(4 * z) * np.sign(z), np.sign, _now_and_then, np.zeros_like,
)  # fmt: skip


def _sampled(built: Built) -> Gradient:
    """Return the gradient of the cell's own problem on sampled rows."""
    layout, of = built.problem.layout, built.problem.gradient
    assert of is not None
    data = np.ascontiguousarray(layout(built.instance.data, 1) if layout else built.instance.data, dtype=np.float64)
    of = seal("gradient", of)  # exchanged or not, it gets the same point: compiled is as well
    return lambda point, handout, sample, out: of(point, 0, sample, data, out)


def _run(built: Built, schedule: Schedule, plan: loop.Plan, start: Vector, gradient: Gradient,
         draw: Callable[..., None], key: Any, flip: bool) -> Vector:  # fmt: skip
    """Run the method on a problem whose coordinates are exchanged, if ``flip``; return models and points (n, D)."""
    method, turn = built.method, _exchanged(start.size) if flip else np.arange(start.size)
    x0, par = start[turn], parameters(built.method, built.constants, exact=False)
    state = allocate(method, schedule, x0, par, start.size // 2, batch=built.instance.batch)
    drawn, shown, found = [0], list[Vector](), np.zeros_like(x0)

    def turned(point: Any, worker: int, sample: Any, data: Any, out: Any) -> None:
        shown.append(point.copy())
        gradient(point[turn], drawn[0], sample, found)
        out[turn] = found

    def noted(key: Any, handout: int, rows: int, out: Any) -> None:
        drawn[0] = handout
        draw(key, handout, rows, out)

    do = switches(method, rows=max(1, built.instance.rows))
    begin(method, state, x0)
    with np.errstate(all="ignore"), wrapping():
        for n in range(schedule.horizon + 1):
            loop.run(n, n + 1, method.receive, method.query or no_query, turned, no_fill, no_fill, no_fill, noted,
                     state.server, plan, state.flight, state.stream, do, None, None, 0.0, key)  # fmt: skip
            shown.append(state.server.x[0].copy())
    return np.array(shown)


def _exchanged(size: int) -> npt.NDArray[np.int64]:
    """Return the places (D,) of the coordinates of all replicates, with the two exchanged."""
    return np.arange(size).reshape(2, -1)[::-1].ravel()


def _differ(one: Vector, other: Vector) -> bool:
    """Tell whether the second run does not show the first one with coordinates exchanged, up to rounding."""
    back = other[:, _exchanged(one.shape[1])]
    size = np.maximum(np.abs(one), np.abs(back)).max(axis=1)
    largest = np.maximum.accumulate(np.where(np.isfinite(size), size, 0.0))
    with np.errstate(invalid="ignore"):  # infinite numbers are held against each other as they are
        near = np.abs(one - back) <= ROUNDING * largest[:, None]
    return not (near | (one == back) | (np.isnan(one) & np.isnan(back))).all()
