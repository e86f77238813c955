"""Periods: a method that is linear in the gradients, on F = x^2/2, is one matrix for each period of its arrivals.

The state is all that the method keeps: its vectors, those it keeps for each worker, and the gradients in flight. Every
entry is started as a unit vector, one coordinate each, and one delivery of the very loop and kernels that simulate
turns it into the rows of that delivery's matrix. Nothing is known of the method but what its kernels do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from ratecheck.core.method import Method
from ratecheck.core.schedule import Schedule
from ratecheck.engine import loop
from ratecheck.engine.replay import plan_of
from ratecheck.engine.state import State, allocate, no_draw, no_fill, no_gradient, no_query, parameters, switches
from ratecheck.errors import CapabilityError

#: stepsizes that a delivery's matrix is fitted through, a polynomial of degree two; and where it is looked at again
NODES = (Fraction(1), Fraction(2), Fraction(3))
AGAIN = (Fraction(5), Fraction(1, 7))
#: scales of the probes for linearity, a coordinate each
SCALES = (Fraction(1, 2**100), Fraction(1), Fraction(2**100))
#: the matrices may have a period so many times that of the arrivals, and are looked at for so many of these
MULTIPLES, REPEATS = 4, 2


@dataclass(frozen=True, eq=False)
class Delivery:
    """The matrix of one delivery and the hand-outs before it: that of the identity but in ``rows`` (r,).

    There it is the sum over i of ``coefficients[i]`` (3, r, n) times the stepsize to the power i.
    """

    rows: npt.NDArray[np.intp]
    coefficients: Any

    def at(self, stepsize: Any) -> Any:
        """Return its rows (r, n) at this stepsize."""
        constant, linear, square = self.coefficients
        return constant + stepsize * (linear + stepsize * square)


@dataclass(frozen=True, eq=False)
class Period:
    """A period: its deliveries, and the entries of the state that the model ever depends on."""

    deliveries: tuple[Delivery, ...]
    size: int  #: n, entries of the state
    kept: npt.NDArray[np.intp]

    def as_floats(self) -> Period:
        """Return the same in float64."""
        cast = (Delivery(d.rows, d.coefficients.astype(np.float64)) for d in self.deliveries)
        return Period(tuple(cast), self.size, self.kept)

    def radius(self, stepsize: float) -> float:
        """Return the largest modulus of an eigenvalue of the period, in float64; call it ``as_floats``."""
        matrix = self._product(stepsize, np.eye(self.size))
        return float(np.max(np.abs(np.linalg.eigvals(matrix)))) if np.all(np.isfinite(matrix)) else float("inf")

    def exact(self, stepsize: Fraction) -> Any:
        """Return the matrix of the period on the entries kept, as Fractions."""
        return self._product(stepsize, identity(self.size, Fraction(1)))

    def _product(self, stepsize: Any, whole: Any) -> Any:
        for step in self.deliveries:
            rows = step.at(stepsize)
            some = nonzero(rows)
            whole[step.rows] = rows[:, some] @ whole[some]
        return whole[np.ix_(self.kept, self.kept)]

    @property
    def degree(self) -> int:
        """A bound on the degree in the stepsize of the coefficients of det(z - A).

        It is the determinant of a matrix of blocks, one a delivery, each in rows of its own (a cycle). A block that is
        linear in the stepsize adds at most the rank of that part, one with squares at most twice its number of rows.
        """
        return sum(
            2 * len(d.rows) if np.any(d.coefficients[2] != 0) else rank(d.coefficients[1]) for d in self.deliveries
        )


def nonzero(matrix: Any) -> npt.NDArray[np.intp]:
    """Return the columns of a matrix that are not zero."""
    return np.flatnonzero(np.any(matrix != 0, axis=0))


def rank(matrix: Any) -> int:
    """Return the rank of a matrix of Fractions."""
    rows, cols = matrix.shape
    return int(DomainMatrix([[QQ(v.numerator, v.denominator) for v in r] for r in matrix], (rows, cols), QQ).rank())


def identity(size: int, one: Any) -> Any:
    """Return the identity matrix as an object array."""
    found = np.full((size, size), 0 * one, dtype=object)
    for i in range(size):
        found[i, i] = one
    return found


def repeats(schedule: Schedule) -> int | None:
    """Return the number of deliveries after which arrivals repeat, from the middle of the schedule on; None: never.

    A period counts when it is seen REPEATS * MULTIPLES times at least.
    """
    n = schedule.horizon
    seen = np.stack([schedule.worker[:n], schedule.delay[:n], schedule.counted[:n], np.diff(schedule.offset[: n + 1]),
                     schedule.job[:n]])  # fmt: skip
    late = seen[:, n // 2 :]
    span = late.shape[1]
    for period in range(1, span // (REPEATS * MULTIPLES) + 1):
        if np.array_equal(late[:, period:], late[:, : span - period]):
            return period
    return None


class Stepper:
    """The matrices of single deliveries, in rational arithmetic, at given stepsizes."""

    def __init__(self, method: Method, schedule: Schedule, ratio: Any, constants: Mapping[str, Any]) -> None:
        self.method, self.schedule = method, schedule
        self.ratio = [Fraction(float(r)) for r in ratio]
        self.par = parameters(method, constants, exact=True)
        self.kernels = (method.receive, method.query or no_query, no_gradient, slope, no_fill, no_fill, no_draw)
        self.plans: dict[Fraction, loop.Plan] = {}
        self.idle, self.done = self._allocate(0), 0
        self.size = sum(len(rows) for rows in vectors(self._allocate(1)))  #: n, the entries of the state

    def _allocate(self, size: int) -> State:
        return allocate(self.method, self.schedule, np.full(size, Fraction(0), dtype=object), self.par, replicates=1)

    def plan(self, stepsize: Fraction) -> loop.Plan:
        """Return the plan of all deliveries at this stepsize."""
        if stepsize not in self.plans:
            gamma = [stepsize * r for r in self.ratio]
            later = [stepsize * self.ratio[-1]] * self.schedule.handouts
            for n, source in enumerate(self.schedule.source[: self.schedule.horizon].tolist()):
                if source < len(later):
                    later[source] = gamma[n]
            weight = [0] * (self.schedule.steps + 1)
            self.plans[stepsize] = plan_of(self.schedule, gamma, later, weight, exact=True)
        return self.plans[stepsize]

    def run(self, state: State, first: int, last: int, stepsize: Fraction) -> None:
        """Run deliveries first .. last - 1 and the hand-outs before them. Raises CapabilityError when kernels fail."""
        do = switches(self.method, rows=0)
        try:
            loop.run(first, last, *self.kernels, state.server, self.plan(stepsize), state.flight, state.stream, do,
                     None, None, 0, 0)  # fmt: skip
        except (ArithmeticError, LookupError, ValueError, TypeError, AttributeError) as fault:
            raise CapabilityError(
                f"a kernel of method {self.method.name!r} failed in exact arithmetic: {type(fault).__name__}: {fault}."
            ) from fault

    def moved(self, n: int, inputs: Any, stepsize: Fraction) -> Any:
        """Return the states (n, D) that delivery n makes of states ``inputs`` (n, D), one a coordinate."""
        if n < self.done:
            self.idle, self.done = self._allocate(0), 0
        self.run(self.idle, self.done, n, Fraction(1))  # the method's integers move whatever its vectors are: none
        self.done = n
        state = self._allocate(inputs.shape[1])
        for name in ("clock", "tag", "count", "tally"):
            getattr(state.server, name)[:] = getattr(self.idle.server, name)
        given = iter(inputs)
        for rows in vectors(state):
            for row in rows:
                row[:] = next(given)
        self.run(state, n, n + 1, stepsize)
        return np.concatenate(vectors(state))

    def delivery(self, n: int, stepsize: Fraction) -> Any:
        """Return the matrix (n, n) of delivery n as Fractions."""
        return self.moved(n, identity(self.size, Fraction(1)), stepsize)

    def fitted(self, n: int) -> Delivery:
        """Return delivery n at any stepsize. Raises CapabilityError unless it is linear, and of degree two in it."""
        a, b, c = (self.delivery(n, node) for node in NODES)
        rows = np.flatnonzero([np.any(r != e) for r, e in zip(a, identity(self.size, Fraction(1)), strict=True)])
        a, b, c = a[rows], b[rows], c[rows]
        square = (a - 2 * b + c) / 2  # through the nodes 1, 2, 3
        linear = b - a - 3 * square
        found = Delivery(rows, np.stack([a - linear - square, linear, square]))
        if any(isinstance(v, float) for v in found.coefficients.flat):
            raise CapabilityError(
                f"method {self.method.name!r} turns exact numbers into floats: write x / 2 for 0.5 * x, never divide "
                "two integers."
            )
        probes = np.array([[Fraction(s * ((7 * i + 3 * j) % 11 - 5)) for j, s in enumerate(SCALES)]
                           for i in range(self.size)])  # fmt: skip
        for node in AGAIN:
            for inputs in (identity(self.size, Fraction(1)), probes):
                expected = inputs.copy()
                expected[rows] = found.at(node) @ inputs
                if not np.array_equal(expected, self.moved(n, inputs, node)):
                    raise CapabilityError(
                        f"method {self.method.name!r} is not linear in the gradients, couples coordinates, or uses the "
                        "stepsize otherwise than in sums of products: its stable stepsizes are not computed."
                    )
        return found


def vectors(state: State) -> list[Any]:
    """Return the vectors of a state, as views (rows, D); the model is the first."""
    server, flight = state.server, state.flight
    size = server.x.shape[1]
    return [a.reshape(-1, size) for a in (server.x, server.mine, server.held, flight.grad, flight.at)]


def slope(point: Any, worker: Any, data: Any, out: Any) -> None:
    """Write the gradient of x^2/2. A kernel."""
    for i in range(out.shape[0]):
        out[i] = point[i]


def period_of(method: Method, schedule: Schedule, ratio: Any, constants: Mapping[str, Any], span: int) -> Period | None:
    """Return the period of a method on a schedule whose arrivals repeat after ``span``, None where it has none.

    ``ratio`` (N,) are the stepsizes of the deliveries in units of one common stepsize, which stays free. A period is
    seen REPEATS times in the middle of the schedule, and once more at its end, with equal matrices in rational
    arithmetic. A method that changes later than that (it can count its steps) is not seen. Raises CapabilityError where
    the stepsize enters otherwise than in sums of products, and where the method is not linear in the gradients.
    """
    stepper, first = Stepper(method, schedule, ratio, constants), schedule.horizon // 2
    for length in range(span, MULTIPLES * span + 1, span):
        last = first + (schedule.horizon - first) // length * length - length
        seen = [stepper.delivery(n, AGAIN[0]) for n in range(first, first + REPEATS * length)]
        seen += [stepper.delivery(n, AGAIN[0]) for n in range(last, last + length)]
        if all(np.array_equal(a, b) for a, b in zip(seen, seen[length:], strict=False)):
            deliveries = tuple(stepper.fitted(n) for n in range(first, first + length))
            return Period(deliveries, stepper.size, reaching(deliveries, stepper.size))
    return None


def reaching(deliveries: tuple[Delivery, ...], size: int) -> npt.NDArray[np.intp]:
    """Return the entries of the state that the model, entry 0, ever depends on: others may grow unseen."""
    link = np.eye(size, dtype=bool)
    for step in deliveries:
        link[step.rows] = np.any(step.coefficients != 0, axis=0) @ link
    wanted = np.arange(size) == 0
    while True:
        more = wanted | link[wanted].any(axis=0)
        if np.array_equal(more, wanted):
            return np.flatnonzero(wanted)
        wanted = more
