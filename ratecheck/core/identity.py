"""Identity: an equation between vectors that must hold at every step, whatever the gradients are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ratecheck.core.method import Method


@dataclass(frozen=True, eq=False)
class Flying:
    """A gradient handed out and not yet replaced: who computes it, at which version, its final stepsize, itself."""

    worker: int
    version: int  #: prev(k, m): the version the gradient is taken at
    gamma_next: Any  #: gamma_next(k, m): the stepsize it is (or will be) applied with
    gradient: Any
    number: int = -1  #: the hand-out it belongs to, from 0; the M initial ones come first
    others: Any = ()  #: the gradients at the other q - 1 points that its sample is looked at in


@dataclass(frozen=True, eq=False)
class View:
    """The state after delivery k = ``step`` by worker ``arrived`` and before the hand-outs that follow it.

    Vectors are arrays of floats (D,), or rows of coefficients in exact arithmetic. ``in_flight`` has one entry for
    every gradient in flight and, last, one for the gradient just delivered (its worker is ``arrived``). ``issued`` has
    one for every gradient handed out so far, in order; it is None beyond the first steps of a run on floats.
    """

    step: int
    workers: int
    arrived: int
    gamma: Any
    x: Any
    start: Any
    virtual: Any  #: the virtual iterate of this step, by definition: x_0 minus all gamma_next * gradient before it
    in_flight: tuple[Flying, ...]
    vectors: Mapping[int | str, Any]  #: the method's vectors, by number and by the name of their slot
    par: Mapping[str, Any] = field(default_factory=dict)  #: the method's numbers, by name
    issued: tuple[Flying, ...] | None = None


def plain_rounding(view: View) -> float:
    """Return 1: a sum of gradients with their stepsizes, such as Lemma 1, rounds as ``checks.measure`` says."""
    return 1.0


@dataclass(frozen=True)
class Identity:
    """``residual(view)`` must be the zero vector at every step.

    ``statement`` is LaTeX; ``source`` names lemma and paper. ``history``: it needs ``view.issued``, so on floats only
    the first steps are looked at. ``rounding(view)``: on floats the residual may be so many times the rounding of a sum
    of gradients; a number that is derived, not fitted. ``needs`` names numbers and vectors that the method must have.
    """

    name: str
    residual: Callable[[View], Any]
    statement: str
    source: str
    history: bool = False
    rounding: Callable[[View], float] = plain_rounding
    needs: tuple[str, ...] = ()
    lemma: str = ""  #: the counting lemma (``checks.steps.counting``) whose equation this is, where a proof ends in it

    def lacking(self, method: Method) -> str:
        """Return a sentence on the first number or vector that it needs and the method has not; '' if there is none."""
        missing = next((n for n in self.needs if n not in (*method.par, *method.slots)), None)
        return f"method {method.name!r} has no {missing!r}, which {self.name} speaks of" if missing else ""


@dataclass(frozen=True)
class Counting:
    """``slack(worker, delay, workers) >= 0`` must hold for every schedule, in exact arithmetic.

    ``worker`` and ``delay`` (tau >= 1) are the K arrivals; the slack is a Fraction. ``orders`` are pairs of M and an
    arrival order, looked at beside all orders of small cases, where only long ones show a fault.
    """

    name: str
    slack: Callable[[Sequence[int], Sequence[int], int], Fraction]
    statement: str
    orders: tuple[tuple[int, tuple[int, ...]], ...] = ()
    lemma: str = ""  #: the counting lemma that a proof of it rests on, where its step has letters that nobody can count
    #: letters of a proof, by name, as functions of a schedule: a number, or one for each worker
    letters: Mapping[str, Callable[[Sequence[int], Sequence[int], int], Any]] = field(default_factory=dict, hash=False)
    #: of a fact that makes its own delays, so that its slack is one of M and K alone: what it looked at, in words
    told: Callable[[int, int], str] | None = None
