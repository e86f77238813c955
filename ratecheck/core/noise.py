"""Noise: the law of a stochastic gradient's error, with unit total variance before the scale sigma."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ratecheck.core.part import merged, number
from ratecheck.errors import PartError


@dataclass(frozen=True)
class Noise:
    """A noise law: additive (``fill``), or sampling rows of a finite sum (``draw``), or none (neither).

    ``fill(key, position, par, out)`` writes independent coordinates of mean 0 and variance 1 into ``out`` (n,), as a
    function of the key and the positions ``position .. position + n - 1`` alone; the engine scales them by
    sigma / sqrt(d), so that the total variance is sigma^2. ``draw(key, handout, rows, out)`` writes row numbers in
    0..rows-1 into the int64 vector ``out`` for one hand-out.

    ``fourth_moment(par)`` is E z^4 of one coordinate (may be infinite), ``bound(par)`` the largest |z| (may be
    infinite), ``norm(par, order)`` is (E |z|^order)^(1/order) for every real order > 2 (may be infinite),
    ``symmetric(par)`` whether -z has the law of z (nothing is said without it): all are declared, and challenged by
    contract tests.
    """

    name: str
    fill: Callable[..., None] | None = None
    draw: Callable[..., None] | None = None
    par: Mapping[str, Any] = field(default_factory=dict, hash=False)
    fourth_moment: Callable[[Mapping[str, float]], float] | None = None
    bound: Callable[[Mapping[str, float]], float] | None = None
    norm: Callable[[Mapping[str, float], float], float] | None = None
    check: Callable[[Mapping[str, float]], str | None] | None = None
    symmetric: Callable[[Mapping[str, float]], bool] = lambda par: False

    def __post_init__(self) -> None:
        if self.fill is not None and self.draw is not None:
            raise PartError(f"noise {self.name!r} has both fill and draw; it is additive or sampling, not both.")

    @property
    def additive(self) -> bool:
        """True when the error does not depend on the point; False when the noise samples rows."""
        return self.draw is None

    def norm_at_most(self, par: Mapping[str, float], order: float) -> float:
        """Return what (E |z|^order)^(1/order) of one coordinate is at most, for an order > 2; infinite if not known.

        Where ``norm`` is not declared: E |z|^r <= (E z^4)^(r/2 - 1) up to r = 4 and b^(r - 4) E z^4 beyond, with
        E z^2 = 1 and |z| <= b (moments are log-convex in their order).
        """
        if self.norm is not None:
            return self.norm(par, order)
        fourth = self.fourth_moment(par) if self.fourth_moment else math.inf
        bound = self.bound(par) if self.bound else math.inf
        by_fourth = fourth ** (0.5 - 1 / order) if order <= 4 else fourth ** (1 / order) * bound ** (1 - 4 / order)
        return float(min(by_fourth, bound ** (1 - 2 / order)))

    def parameters(self, given: Mapping[str, Any]) -> dict[str, float]:
        """Return the parameters as floats. Raises PartError for an unknown one or one out of range."""
        par = {
            n: number(v, f"noise {self.name!r}, {n}") for n, v in merged("noise", self.name, self.par, given).items()
        }
        fault = self.check(par) if self.check else None
        if fault:
            raise PartError(f"noise {self.name!r}: {fault}")
        return par
