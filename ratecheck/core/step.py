"""Step, and the steps of a proof that are about real numbers and norms; the others are in ``proof``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import sympy as sp

from ratecheck.core.fact import Fact


@dataclass(frozen=True)
class Step:
    """One step. ``name`` is how later steps call its fact; ``kind`` names the checker."""

    name: str
    kind: ClassVar[str] = ""

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the earlier steps that it uses."""
        return ()


@dataclass(frozen=True)
class Minkowski(Step):
    """||of|| <= (sum of the ``weights``) cap G on every run, for a sum ``by`` of gradients with their stepsizes.

    ``total`` names the fact that bounds the sum of the weights, ``steps`` those that say ghat0(m) and ghat(k) <= cap.
    """

    of: Any
    by: str
    weights: tuple[Any, ...]
    total: str
    steps: tuple[str, str]
    kind: ClassVar[str] = "minkowski"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts."""
        return (self.total, *self.steps)


@dataclass(frozen=True)
class Triangle(Step):
    """E||sum of the vectors||^2 <= (sum of the bounds)^2, from E||vector||^2 <= bound^2 for each of the ``parts``.

    A part is a vector, a nonnegative number that bounds its root mean square, and the name of the fact that says so.
    """

    parts: tuple[tuple[Any, Any, str], ...]
    kind: ClassVar[str] = "triangle"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts."""
        return tuple(name for _, _, name in self.parts)


@dataclass(frozen=True)
class Product(Step):
    """-E<of, against> <= the product of two ``sizes``, which bound the root mean squares of the two vectors.

    ``facts`` names the facts that say so, E||of||^2 <= size^2. (For E<of, against> take -of.)
    """

    of: Any
    against: Any
    sizes: tuple[Any, Any]
    facts: tuple[str, str]
    kind: ClassVar[str] = "product"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts."""
        return self.facts


@dataclass(frozen=True)
class Largest(Step):
    """``one`` <= ``of``, a maximum (``sympy.Max``) that has it among its arguments; or ``of`` <= ``most``.

    For that each argument is at most ``most`` by one of the facts ``by``.
    """

    of: Any
    one: Any = None
    most: Any = None
    by: tuple[str, ...] = ()
    kind: ClassVar[str] = "largest"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts."""
        return self.by


@dataclass(frozen=True)
class Smallest(Step):
    """``one`` <= ``of``, a minimum (``sympy.Min``) of numbers, each of which ``one`` is at most by one of ``facts``."""

    one: Any
    of: Any
    facts: tuple[str, ...] = ()
    kind: ClassVar[str] = "smallest"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts."""
        return self.facts


@dataclass(frozen=True)
class Martingale(Step):
    """What E||of||^2 is at most, for the noise ``of`` of many samples: all drawn, arrived, or committed in order.

    ``each`` names the facts that bound the variance of one: of what is sent from x_(k+1), and from x_1 (none: sigma^2).
    """

    of: Any
    each: tuple[str, ...] = ()
    kind: ClassVar[str] = "martingale"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts."""
        return self.each


@dataclass(frozen=True)
class Calculus(Step):
    """``says``, which holds for every real ``x`` (``side="right"``: for x >= 0), at x = ``at``.

    ``says`` is made of powers of x and exponentials of its multiples. It holds at 0, and its derivatives have a sign.
    For x >= 0 alone, ``at`` must be manifestly nonnegative, or ``by`` names the fact 0 <= at.
    """

    says: Fact
    x: sp.Symbol
    at: Any
    side: str = "both"
    by: str = ""
    kind: ClassVar[str] = "calculus"

    @property
    def uses(self) -> tuple[str, ...]:
        """Name of the fact."""
        return (self.by,) if self.by else ()


@dataclass(frozen=True)
class Root(Step):
    """``letter`` is the square root of ``of``, which is nonnegative by the fact ``by``: letter^2 = of.

    ``squared`` False: letter = sqrt(of).
    """

    letter: sp.Symbol
    of: Any
    by: str
    squared: bool = True
    kind: ClassVar[str] = "root"

    @property
    def uses(self) -> tuple[str, ...]:
        """Name of the fact."""
        return (self.by,)
