"""Problem: an objective with its gradient kernels and the constants it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.part import merged
from ratecheck.errors import PartError

Vector = npt.NDArray[np.float64]

#: the worker whose gradient is that of F, where those of the workers differ
MEAN = -1


@dataclass(frozen=True)
class Instance:
    """One objective: its numbers and what it declares about itself.

    ``data`` is the flat float64 vector the kernels read, for one replicate; ``start`` and ``minimiser`` have shape
    (d,). ``constants`` holds what is declared: L, mu, G (of F alone, without noise), ``sigma`` for a finite sum whose
    row sampling has bounded variance, ``sigma_L`` where that of its change from x to y, of the same rows, is at most
    sigma_L^2 |x - y|^2 for all x and y, and zeta where the workers' objectives differ: ||grad F_m(x) - grad F(x)|| is
    at most zeta for every worker m and every x (``math.inf``: there is no such bound). ``rows`` is the number of rows
    of a finite sum (0: none), ``batch`` how many rows one gradient takes. ``classes`` are words that assumptions look
    for: "convex", "smooth", ... A ``minimiser`` of NaN is one that nobody knows; ``minimum`` is then a lower bound on
    F.
    """

    data: Vector
    start: Vector
    minimiser: Vector
    minimum: float
    constants: Mapping[str, float] = field(hash=False)
    classes: frozenset[str]
    rows: int = 0
    batch: int = 1

    @property
    def dimension(self) -> int:
        """The dimension d of the model."""
        return int(self.start.shape[0])

    @property
    def solved(self) -> bool:
        """True when a minimiser is known."""
        return bool(np.all(np.isfinite(self.minimiser)))


@dataclass(frozen=True)
class Problem:
    """A family of objectives: three kernels and a maker.

    ``mean_gradient(x, worker, data, out)`` writes the gradient of F at ``x`` (D,) into ``out`` (D,): of the objective
    F_m of worker m where the problem is ``heterogeneous``, and of F, their mean, for worker ``MEAN`` = -1;
    ``value(x, data, out)`` writes F of each replicate into ``out`` (R,); ``gradient(x, worker, sample, data, out)``
    (finite sums) writes the gradient on the rows ``sample`` (int64, R * batch: the rows of replicate r stand at
    ``sample[r * batch : (r + 1) * batch]``). Coordinate i of replicate r stands at ``i * R + r``.

    ``make(par, constants, key)`` returns an Instance; ``par`` are the merged parameters, ``constants`` the cell's
    (M, K, sigma, W, ...; heterogeneous problems ask for M, random starts for the seed of the run, ``seed``), ``key`` a
    uint64 for data it makes. ``layout(data,
    replicates)`` may lay the data out anew for R replicates (a spectrum repeated, say), so that inner loops are long.
    ``exact=True`` says that the kernels use only ``+ - * /`` and run on Fraction too. ``scores`` are other numbers of a
    model, by name, as kernels like ``value``: ``ratecheck run`` draws them along a run.
    """

    name: str
    make: Callable[[Mapping[str, Any], Mapping[str, Any], np.uint64], Instance]
    mean_gradient: Callable[..., None]
    value: Callable[..., None]
    gradient: Callable[..., None] | None = None
    layout: Callable[[Vector, int], Vector] | None = None
    par: Mapping[str, Any] = field(default_factory=dict, hash=False)
    exact: bool = False
    heterogeneous: bool = False
    scores: Mapping[str, Callable[..., None]] = field(default_factory=dict, hash=False)

    def instance(self, given: Mapping[str, Any], constants: Mapping[str, Any], key: np.uint64) -> Instance:
        """Make the objective with parameters ``given`` over the defaults. Raises PartError with the problem's name."""
        par = merged("problem", self.name, self.par, given)
        try:
            instance = self.make(par, constants, key)
        except (ValueError, TypeError, KeyError, IndexError) as fault:
            asked = ", ".join(f"{name} = {value!r}" for name, value in given.items())
            raise PartError(f"problem {self.name!r} cannot be made{' with ' * bool(asked)}{asked}: {fault}") from fault
        if not (np.all(np.isfinite(instance.data)) and np.all(np.isfinite(instance.start))):
            raise PartError(f"problem {self.name!r}: its data or its start are not finite numbers.")
        if self.heterogeneous and "zeta" not in instance.constants:
            raise PartError(f"problem {self.name!r} is heterogeneous and declares no zeta (math.inf: there is none).")
        return instance
