"""Identity: an equation between vectors that must hold at every step, whatever the gradients are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Flying:
    """A gradient handed out and not yet replaced: who computes it, at which version, its final stepsize, itself."""

    worker: int
    version: int  #: prev(k, m): the version the gradient is taken at
    gamma_next: Any  #: gamma_next(k, m): the stepsize it is (or will be) applied with
    gradient: Any


@dataclass(frozen=True)
class View:
    """The state after delivery k = ``step`` by worker ``arrived`` and before the hand-outs that follow it.

    Vectors are arrays of floats (D,), or rows of coefficients in exact arithmetic. ``in_flight`` has one entry for
    every gradient in flight and, last, one for the gradient just delivered (its worker is ``arrived``).
    """

    step: int
    workers: int
    arrived: int
    gamma: Any
    x: Any
    start: Any
    virtual: Any  #: the virtual iterate of this step, by definition: x_0 minus all gamma_next * gradient before it
    in_flight: tuple[Flying, ...]
    vectors: Mapping[int, Any]


@dataclass(frozen=True)
class Identity:
    """``residual(view)`` must be the zero vector at every step.

    ``statement`` is LaTeX; ``source`` names lemma and paper.
    """

    name: str
    residual: Callable[[View], Any]
    statement: str
    source: str


@dataclass(frozen=True)
class Counting:
    """``slack(worker, delay, workers) >= 0`` must hold for every schedule, in exact arithmetic.

    ``worker`` and ``delay`` (tau >= 1) are the K arrivals; the slack is a Fraction.
    """

    name: str
    slack: Callable[[Sequence[int], Sequence[int], int], Fraction]
    statement: str
