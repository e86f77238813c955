"""Second moments of methods linear in the gradients, on quadratics with additive noise: coefficient rows, no samples.

Along an eigenvector of eigenvalue a such a method makes x_k = phi_k x_0 + sum_h C_kh n_h from the start x_0 and the
noises n_h of the hand-outs, so E x_k^2 = phi_k^2 x_0^2 + (sigma^2/d) sum_h C_kh^2. The rows phi and C_h are runs of
the very loop and kernels that simulate: row i of "replicate" r is a run on the eigenvalue a_r whose only input is a
unit start, or the unit noise of hand-out i. Compiled in float64, or in CPython on Fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
#: rows times eigenvalues that stand side by side at least
FOLD = 16
#: scales of the probes for linearity: a threshold anywhere between is seen
SCALES = (Fraction(1, 2**100), Fraction(2**100))
#: part of the sum of magnitudes that a probe may miss by; rounding takes 2^-53 of each term of that sum
PROBE_ROUNDING = 2.0**-40

#: key of the probes
KEY = key_of("rows")


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
        return self._squares(self._run(1, nothing, [], np.ones(len(self.spectrum))))

    def of_path(self, start: Any, pushes: Any) -> Squares:
        """Return the squares of a run from ``start`` (E,); row h of ``pushes`` is added to gradient h."""
        return self._squares(self._run(1, given, pushes.ravel(), start))

    def of_noise(self) -> Squares:
        """Return the sums of squares of the rows of unit noises, one a hand-out."""
        handouts, alike = self.schedule.handouts, len(self.spectrum)
        fold = 1 if self.exact else max(1, FOLD // alike)  # rows side by side as replicates, so that loops are long
        folded = replace(self, spectrum=np.tile(self.spectrum, fold))
        width = handouts if self.exact else fold * max(1, WIDTH // (fold * alike))
        total, done = Squares(0, 0, 0, 0, 0), 0
        idle, advance = self._prepared(1, nothing, [], np.zeros(alike))
        for first in range(0, handouts, width):
            rows = fold * -(-min(width, handouts - first) // fold)
            state, go = folded._prepared(rows // fold, unit, [alike, rows, first], np.zeros(alike * rows))
            begins = int(np.searchsorted(self.schedule.offset, first, side="right")) - 1
            advance(done, begins)  # before their first noise the rows are zero: only the method's integers move
            for name in ("clock", "tag", "count", "tally"):
                getattr(state.server, name)[:] = getattr(idle.server, name)
            go(begins, self.schedule.horizon + 1)
            found = (s.reshape(fold, alike).sum(axis=0) for s in folded._squares(state))
            total = Squares(*(a + b for a, b in zip(total, found, strict=True)))
            done = begins
        return total

    def require_linear(self) -> None:
        """Raise CapabilityError unless the method acts linearly and alike on every coordinate, on random probes.

        Inputs (start and noises) u, v, 2 u - 3 v, and u at scales 2^-100 and 2^100, each in a run of its own with the
        coordinates y, z and 2 y - 3 z: results must combine alike. So a method fails that is not additive, not
        homogeneous, or couples coordinates. In float64 what is below PROBE_ROUNDING is not seen.
        """
        one: Any = Fraction(1) if self.exact else 1.0
        scales = [one * z for z in SCALES]
        inputs = [(one, 0), (0, one), (2 * one, -3 * one), *((z, 0) for z in scales)]
        runs = [self._probe(*of) for of in inputs]
        size, *vectors = (np.stack([run[n] for run in runs]) for n in range(4))
        if not self.exact and not np.all(np.isfinite(size)):
            raise CapabilityError(f"method {self.method.name!r} overflows float64: it diverges here, or is not linear.")
        for v in vectors:  # (run, coordinate, eigenvalue)
            misses = [(v[:, 2] - 2 * v[:, 0] + 3 * v[:, 1], size.sum(axis=1)),
                      (v[2] - 2 * v[0] + 3 * v[1], size[:3].sum(axis=0))]  # fmt: skip
            misses += [(v[3 + i] - z * v[0], size[3 + i] + z * size[0]) for i, z in enumerate(scales)]
            for miss, magnitude in misses:
                if not np.all(abs(miss) <= (0 if self.exact else PROBE_ROUNDING * magnitude)):
                    raise CapabilityError(
                        f"method {self.method.name!r} is not linear in the gradients, or couples coordinates: "
                        "exact moments do not apply; simulate it."
                    )

    def _probe(self, of_u: Any, of_v: Any) -> list[Any]:
        """Run the input ``of_u u + of_v v``; return the magnitudes summed up, last, average and virtual (3, E)."""
        alike = len(self.spectrum)
        par, start = [alike, of_u, of_v], np.zeros(3 * alike, dtype=object)
        with wrapping():
            probe(KEY, self.schedule.handouts * len(start), par, start)  # positions that the noises do not use
        state = self._run(3, probe, par, start)
        seen = (state.stream.scale, state.server.x[0], state.stream.average, state.stream.virtual)
        return [vector.reshape(3, alike) for vector in seen]

    def fixes_points(self) -> bool:
        """Return whether the method stays where all gradients vanish (not with weight decay).

        Then it acts on x - x* as it does on x, and a minimiser x* off the origin changes nothing.
        """
        flat = replace(self, spectrum=0 * self.spectrum[:1])
        last = flat._run(1, nothing, [], np.ones(1)).server.x[0]
        return bool(abs(last[0] - 1) <= (0 if self.exact else PROBE_ROUNDING))

    def _run(self, rows: int, fill: Any, par: Any, start: Any) -> State:
        state, go = self._prepared(rows, fill, par, start)
        go(0, self.schedule.horizon + 1)
        return state

    def _prepared(self, rows: int, fill: Any, par: Any, start: Any) -> tuple[State, Callable[[int, int], None]]:
        """Return the state at ``start`` (rows * E,), and what runs it under this law of noise (see ``loop.run``)."""
        alike = len(self.spectrum)
        cast = _fractions if self.exact else (lambda values: np.array(values, dtype=np.float64))
        x0, data = cast(start), cast(np.tile(self.spectrum, rows))
        numbers = parameters(self.method, self.constants, exact=self.exact)
        state = allocate(self.method, self.schedule, x0, numbers, alike)
        state.flight = state.flight._replace(noise=0 * x0)  # a block of one hand-out, numbered by it
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
        arguments = (*functions, state.server, plan, state.flight, state.stream, do, data, cast(par))

        def go(first: int, last: int) -> None:
            try:
                with np.errstate(all="ignore"), wrapping():
                    run(first, last, *arguments, 1 if self.exact else 1.0, KEY)
            except (ArithmeticError, LookupError, ValueError, TypeError, AttributeError) as fault:
                what = f"a kernel of method {self.method.name!r} failed in exact propagation"
                raise CapabilityError(f"{what}: {type(fault).__name__}: {fault}; simulate it.") from fault

        return state, go

    def _squares(self, state: State) -> Squares:
        alike, stream = len(self.spectrum), state.stream

        def of(vector: Any) -> Any:
            return (vector * vector).reshape(-1, alike).sum(axis=0)

        return Squares(of(stream.average), stream.gap.copy(), stream.slope.copy(), of(stream.virtual),
                       of(state.server.x[0]))  # fmt: skip


def _fractions(values: Any) -> Any:
    return objects([Fraction(v) for v in np.asarray(values).tolist()])  # no numpy integers, which overflow


def nothing(key: Any, position: Any, par: Any, out: Any) -> None:
    """Write no noise. A kernel."""
    for j in range(out.shape[0]):
        out[j] = 0


def given(key: Any, position: Any, par: Any, out: Any) -> None:
    """Write the numbers at these positions of ``par``. A kernel."""
    values = par[position:]
    for j in range(out.shape[0]):
        out[j] = values[j]


def unit(key: Any, position: Any, par: Any, out: Any) -> None:
    """Write the unit noise: hand-out h has noise 1 in row ``h - first`` and 0 elsewhere; par (E, rows, first)."""
    alike, rows, first = int(par[0]), int(par[1]), int(par[2])
    size = alike * rows
    row = position // size - first
    begins = row * alike - position % size  # ``out`` is a piece of one hand-out
    for j in range(out.shape[0]):
        out[j] = 0
    if row >= 0 and row < rows:
        for j in range(max(0, begins), min(begins + alike, out.shape[0])):
            out[j] = 1


def probe(key: Any, position: Any, par: Any, out: Any) -> None:
    """Write random whole numbers: 3 rows y, z, 2 y - 3 z of ``par[1] u + par[2] v``, E models. A kernel."""
    alike = int(par[0])
    for j in range(out.shape[0]):
        row, handout = ((position + j) // alike) % 3, (position + j) // (3 * alike)
        at = 4 * (handout * alike + (position + j) % alike)
        u = share(row, 0) * digits(key, at) + share(row, 1) * digits(key, at + 1)
        v = share(row, 0) * digits(key, at + 2) + share(row, 1) * digits(key, at + 3)
        out[j] = u * par[1] + v * par[2]


def share(which: Any, part: Any) -> Any:
    """Return the coefficient of the first or second of two things in number ``which`` of y, z, 2 y - 3 z."""
    if which < 2:
        return 1 if which == part else 0
    return 2 if part == 0 else -3


def digits(key: Any, position: Any) -> Any:
    """Return a random whole number in -2048..2047, exact in every arithmetic."""
    return int(np.int64(word(key, position) >> S52)) - 2048
