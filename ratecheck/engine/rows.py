"""Second moments of methods linear in the gradients, on quadratics with additive noise: coefficient rows, no samples.

Along an eigenvector of eigenvalue a such a method makes x_k = phi_k x_0 + sum_h C_kh n_h from the start x_0 and the
noises n_h of the hand-outs, so E x_k^2 = phi_k^2 x_0^2 + (sigma^2/d) sum_h C_kh^2. The rows phi and C_h are runs of
the very loop and kernels that simulate: row i of "replicate" r is a run on the eigenvalue a_r whose only input is a
unit start, or the unit noise of hand-out i. Compiled in float64, or in CPython on Fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ratecheck.core.keys import S52, key_of, word, wrapping
from ratecheck.core.method import Method
from ratecheck.core.noise import Noise
from ratecheck.core.problem import Problem
from ratecheck.core.schedule import Schedule
from ratecheck.engine import loop
from ratecheck.engine.replay import objects, plan_of
from ratecheck.engine.state import State, allocate, begin, kernels_of, parameters, switches
from ratecheck.errors import CapabilityError

#: coordinates of one run: all rows at once would leave the cache
WIDTH = 2048
#: scales of the probes for linearity, as powers of 2: a threshold anywhere between is seen
SCALES = (-100, 0, 100)
#: part of the sum of magnitudes that a probe may miss by; rounding takes 2^-53 of each term of that sum
PROBE_ROUNDING = 2.0**-40


class Squares(NamedTuple):
    """Sums over rows for each eigenvalue a (E,), of squares of what the loop streams (see ``loop.Stream``)."""

    average: Any  # of sum_k weight_k x_k
    gap: Any  # sum_k weight_k a/2 x_k^2
    slope: Any  # sum over hand-outs of gamma_hat (a x)^2, at the point handed out
    virtual: Any
    last: Any


@dataclass(frozen=True, eq=False)
class Rows:
    """A method on a schedule with stepsizes, and a spectrum (E,) of a diagonal quadratic.

    ``problem`` gives the kernels of the diagonal quadratic, ``constants`` the method's parameters. ``gamma`` (N,),
    ``gamma_hat`` (H,), ``weight`` (K+1,) and ``spectrum`` are float64, or Fractions when ``exact``.
    """

    method: Method
    problem: Problem
    schedule: Schedule
    gamma: Any
    gamma_hat: Any
    weight: Any
    spectrum: Any
    constants: Mapping[str, Any]
    exact: bool = False

    def of_start(self) -> Squares:
        """Return the squares of the row of a unit start."""
        # an even number of coordinates, so that noise blocks need no padding; the second row stays zero
        return self._squares(self._run(2, nothing, [], [1, 0]))

    def of_noise(self) -> Squares:
        """Return the sums of squares of the rows of unit noises, one a hand-out."""
        handouts, alike = self.schedule.handouts, len(self.spectrum)
        width = handouts + handouts % 2 if self.exact else max(2, 2 * (WIDTH // (2 * alike)))
        total: Squares | None = None
        for first in range(0, handouts, width):
            rows = min(width, handouts - first + (handouts - first) % 2)
            found = self._squares(self._run(rows, unit, [alike, rows, first], [0] * rows))
            total = found if total is None else Squares(*(a + b for a, b in zip(total, found, strict=True)))
        assert total is not None
        return total

    def require_linear(self) -> None:
        """Raise CapabilityError unless the method acts linearly and alike on every coordinate, on random probes.

        Three inputs (start and noises) u, v and 2 u - 3 v, at three scales 2^100 apart, all coordinates of one model:
        the results must combine alike at every scale. A method that couples coordinates fails too. In float64 a
        nonlinearity below PROBE_ROUNDING is not seen.
        """
        rows = 3 * len(SCALES) + 1
        scale = [(Fraction(2) if self.exact else 2.0) ** s for s in SCALES]
        start = [z * p for z in scale for p in (7, -5, 2 * 7 + 3 * 5)] + [0]
        state = self._run(rows, probe, [len(self.spectrum), rows, *scale], start)
        size = state.stream.scale.reshape(rows, -1)
        if not self.exact and not np.all(np.isfinite(size)):
            raise CapabilityError(f"method {self.method.name!r} diverges here until float64 overflows; no moments.")
        plain = slice(3 * SCALES.index(0), 3 * SCALES.index(0) + 3)
        for vector in (state.server.x[0], state.stream.average, state.stream.virtual):
            v = vector.reshape(rows, -1)
            for i, z in enumerate(scale):
                here = slice(3 * i, 3 * i + 3)
                u, w, both = v[here]
                miss = np.array([both - 2 * u + 3 * w, u - z * v[plain][0], w - z * v[plain][1]])
                room = 0 if self.exact else PROBE_ROUNDING * (size[here].sum(axis=0) + z * size[plain].sum(axis=0))
                if not np.all(np.asarray(abs(miss) <= room, dtype=bool)):
                    raise CapabilityError(
                        f"method {self.method.name!r} is not linear in the gradients, or couples coordinates: "
                        "exact moments do not apply; simulate it."
                    )

    def fixes_points(self) -> bool:
        """Return whether the method stays where all gradients vanish (not with weight decay).

        Then it acts on x - x* as it does on x, and a minimiser x* off the origin changes nothing.
        """
        flat = replace(self, spectrum=0 * self.spectrum[:1])
        last = flat._run(2, nothing, [], [1, 0]).server.x[0]
        return bool(abs(last[0] - 1) <= (0 if self.exact else PROBE_ROUNDING))

    def _run(self, rows: int, fill: Any, par: list[Any], start: list[Any]) -> State:
        """Run ``rows`` rows (an even number of coordinates) from ``start`` (rows,) with this law of noise."""
        alike = len(self.spectrum)
        cast = _fractions if self.exact else (lambda values: np.array(values, dtype=np.float64))
        x0, data = cast(np.repeat(cast(start), alike)), cast(np.tile(self.spectrum, rows))
        numbers = parameters(self.method, self.constants, exact=self.exact)
        state = allocate(self.method, self.schedule, x0, numbers, alike, noisy=True)
        do = switches(self.method, 0, noisy=True, average=True, value=True, slope=True, track=True)
        plan = plan_of(self.schedule, self.gamma, self.gamma_hat, self.weight, exact=self.exact)
        functions = kernels_of(self.method, self.problem, Noise("rows", fill))
        run, begin_with = loop.run, self.method.start
        if not self.exact:
            from ratecheck.engine.compile import run_kernel, seal

            functions = loop.Kernels(*map(seal, loop.Kernels._fields, functions))
            run = run_kernel()
            begin_with = seal("start", begin_with) if begin_with else None
        begin(self.method, state, x0, begin_with)
        one: Any = 1 if self.exact else 1.0
        try:
            with np.errstate(all="ignore"), wrapping():
                run(0, len(plan.worker) + 1, *functions, state.server, plan, state.flight, state.stream, do, data,
                    cast(par), one, key_of("rows"))  # fmt: skip
        except (ArithmeticError, LookupError, ValueError, TypeError, AttributeError) as fault:
            what = f"a kernel of method {self.method.name!r} failed in exact propagation"
            raise CapabilityError(f"{what}: {type(fault).__name__}: {fault}; simulate it.") from fault
        return state

    def _squares(self, state: State) -> Squares:
        alike, stream = len(self.spectrum), state.stream

        def of(vector: Any) -> Any:
            return (vector * vector).reshape(-1, alike).sum(axis=0)

        return Squares(of(stream.average), stream.gap.copy(), stream.slope.copy(), of(stream.virtual),
                       of(state.server.x[0]))  # fmt: skip


def _fractions(values: Any) -> Any:
    return objects([Fraction(v) for v in values])


def nothing(key: Any, position: Any, par: Any, out: Any) -> None:
    """Write no noise. A kernel."""
    for j in range(out.shape[0]):
        out[j] = 0


def unit(key: Any, position: Any, par: Any, out: Any) -> None:
    """Write the unit noise: hand-out h has noise 1 in row ``h - first`` and 0 elsewhere; par (E, rows, first)."""
    alike, rows, first = int(par[0]), int(par[1]), int(par[2])
    size = alike * rows
    for j in range(out.shape[0]):
        out[j] = 0
    for h in range(position // size, (position + out.shape[0] - 1) // size + 1):
        row = h - first
        if row >= 0 and row < rows:
            begins = h * size + row * alike - position
            for j in range(max(0, begins), min(begins + alike, out.shape[0])):
                out[j] = 1


def probe(key: Any, position: Any, par: Any, out: Any) -> None:
    """Write random whole numbers u, v and 2 u - 3 v, times a scale: rows 3 i, 3 i + 1, 3 i + 2; par (E, rows, ...)."""
    alike, rows = int(par[0]), int(par[1])
    for j in range(out.shape[0]):
        row, handout = ((position + j) // alike) % rows, (position + j) // (alike * rows)
        at = 2 * (handout * alike + (position + j) % alike)
        u, v = digits(key, at), digits(key, at + 1)
        out[j] = 0
        if row < rows - 1:
            scale = par[2 + row // 3]
            if row % 3 == 0:
                out[j] = u * scale
            elif row % 3 == 1:
                out[j] = v * scale
            else:
                out[j] = (2 * u - 3 * v) * scale


def digits(key: Any, position: Any) -> Any:
    """Return a random whole number in -2048..2047, exact in every arithmetic."""
    return int(np.int64(word(key, position) >> S52)) - 2048
