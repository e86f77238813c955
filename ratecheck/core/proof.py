"""Proofs as data: facts, steps that derive them, and which claim they end in. Checked by ``ratecheck.checks.symbolic``.

A fact says that an expression is >= 0 (or = 0), for all values of the indices that are free in it. A step derives one
fact from facts of earlier steps, from an assumption of the claim, or from the setting (``core.setting``: what the
letters mean for this algorithm). The module ``ratecheck.checks.steps.KIND`` discharges the steps of a kind and trusts
nothing that a step says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import sympy as sp

from ratecheck.core.fact import Fact, Power, Square, Total, eq, le, total
from ratecheck.core.setting import Setting
from ratecheck.core.step import Calculus, Largest, Martingale, Minkowski, Product, Root, Smallest, Step, Triangle

__all__ = [
    "Calculus", "Cauchy", "Class", "Counting", "Earlier", "Expectation", "Fact", "Given", "Growing", "Identity",
    "Inequality", "Largest", "Martingale", "Minkowski", "Power", "Product", "Proof", "Root", "Rule", "Scalar",
    "Smallest", "Square", "Step", "Telescope", "Total", "Triangle", "Trusted", "eq", "le", "total",
]  # fmt: skip


@dataclass(frozen=True)
class Identity(Step):
    """Both sides become the same once vectors are replaced by the setting's equations ``by``, multiplied out."""

    says: Fact
    by: tuple[str, ...] = ()
    kind: ClassVar[str] = "identity"


@dataclass(frozen=True)
class Class(Step):
    """An inequality of the class of functions, at named points of the setting.

    ``of``: "convex", "smooth convex", "strongly convex", "smooth" and "descent" (two points), "slope" (one),
    "lipschitz" (one stochastic gradient), "bounded" (one gradient of F), "start" and "gap" (distance and value of x_0),
    "dissimilar" (one point, of workers that differ), "condition" (mu <= L), "jensen", "momentum" (beta >= 0),
    "diameter" and "projection" (two points of the set of diameter D, the first of a projection the projected one),
    "bounded noise" and "power mean" (one point with noise; the second for any length ``level`` > 0);
    "assumed": an inequality between constants that the claim assumes, at its name.
    """

    of: str
    at: tuple[str, ...] = ()
    kind: ClassVar[str] = "class_inequality"


@dataclass(frozen=True)
class Inequality(Step):
    """``says`` is a sum of products of nonnegative things; ``by`` is that sum, the certificate.

    Each entry of ``by`` is a product: a tuple of names of facts, expressions that are manifestly nonnegative,
    ``Square``, ``Power`` and ``Total``. A product with an equality may have other factors of any sign. What is left
    over must be nonnegative in slack form: it is what the step gives away. Young's inequality is one square.
    """

    says: Fact
    by: tuple[tuple[Any, ...], ...]
    kind: ClassVar[str] = "inequality"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts in the certificate."""
        return tuple(dict.fromkeys(n for product in self.by for n in _names(product)))


@dataclass(frozen=True)
class Scalar(Inequality):
    """An inequality between numbers; when it does not follow, numbers that break it are looked for."""

    kind: ClassVar[str] = "scalar"


def _names(product: tuple[Any, ...]) -> list[str]:
    found = []
    for factor in product:
        found += _names(factor.factors) if isinstance(factor, Total) else [factor] if isinstance(factor, str) else []
    return found


@dataclass(frozen=True)
class Cauchy(Step):
    """||v||^2 <= n times the sum of the squares, for a vector ``of`` that the setting's ``by`` says is a sum of n.

    With ``weights``, one for each sum in ``by``: the sum of the weights, times that of weight times square.
    """

    of: Any
    by: str
    weights: tuple[Any, ...] = ()
    kind: ClassVar[str] = "cauchy"


@dataclass(frozen=True)
class Telescope(Step):
    """Induction on ``n``: ``says`` at n = ``base``, and its change from n to n + 1 by the certificate ``by``.

    The fact is then ``says`` with ``n`` replaced by ``end``: the last k, or k - 1 for every k, with i = 1..k-1 for the
    index of its sums.
    """

    says: Fact
    n: sp.Symbol
    end: Any
    base: int = 0
    by: tuple[tuple[Any, ...], ...] = ()
    kind: ClassVar[str] = "telescope"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts in the certificate of the step."""
        return tuple(dict.fromkeys(n for product in self.by for n in _names(product)))


@dataclass(frozen=True)
class Earlier(Step):
    """The fact of step ``of``, which holds at every k, at i < k."""

    of: str
    kind: ClassVar[str] = "earlier"

    @property
    def uses(self) -> tuple[str, ...]:
        """Name of the fact."""
        return (self.of,)


@dataclass(frozen=True)
class Expectation(Step):
    """E<of, against> = 0 because of independence; without ``against``: E||of||^2 is at most the variance.

    Says nothing about which independence: the checker finds what is needed and whether the claim's delay policy
    and the algorithm grant it.
    """

    of: Any
    against: Any = None
    kind: ClassVar[str] = "expectation"


@dataclass(frozen=True)
class Rule(Step):
    """A fact about the claim's stepsize, or about a letter that is the least of some of its branches.

    ``below="cap"``: the stepsize ``of`` is at most that branch. Else ``says`` holds whichever of the branches is the
    smallest: ``cases`` has a certificate for each, for the fact with ``of`` replaced by that branch (without one, the
    fact must be plain). A letter is defined here as the least of ``branches``, or of ``values``.
    """

    of: Any
    below: str = ""
    says: Fact | None = None
    branches: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    cases: Mapping[str, tuple[tuple[Any, ...], ...]] = field(default_factory=dict)
    kind: ClassVar[str] = "rule"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts in the certificates."""
        return tuple(dict.fromkeys(n for case in self.cases.values() for p in case for n in _names(p)))


@dataclass(frozen=True)
class Counting(Step):
    """A lemma about all schedules, by name (``ratecheck.checks.steps.counting`` has them), with its parameters.

    A parameter in words is the name of a fact, but for ``output``, an output rule.
    """

    lemma: str
    given: Mapping[str, Any] = field(default_factory=dict)
    kind: ClassVar[str] = "counting"

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the facts among the parameters."""
        return tuple(v for name, v in self.given.items() if isinstance(v, str) and name != "output")


@dataclass(frozen=True)
class Growing(Step):
    """A fact about weights w(k) that grow (``Growth`` of the setting).

    ``of``: "positive", from the fact ``by`` that says number <= factor; "product", w at the start times exp(sum of
    ``rate``) <= 1, from the fact ``by`` that says factor exp(rate) <= 1; "power", w at the start for a factor that is
    the same at every k.
    """

    of: str
    by: str = ""
    rate: Any = None
    kind: ClassVar[str] = "growing"

    @property
    def uses(self) -> tuple[str, ...]:
        """Name of the fact."""
        return (self.by,) if self.by else ()


@dataclass(frozen=True)
class Given(Step):
    """What a measured symbol (W, Q, mean_gap, virtual_sq, last_sq) stands for under an output rule; see the setting."""

    what: str
    rule: str = "any"
    kind: ClassVar[str] = "given"


@dataclass(frozen=True)
class Trusted(Step):
    """A fact that nobody has derived; the verdict names it and is not PROVED."""

    says: Fact
    why: str
    kind: ClassVar[str] = "trusted"


@dataclass(frozen=True)
class Proof:
    """Steps in order, and where they end: ``proves[output rule][bound | conditional | master]`` names a step.

    A lemma's proof has the rule "" and the names of identities or counting facts. ``notes`` say what is not derived.
    ``letters`` are those that the steps bring themselves, with what they mean; ``sections`` are headings for a reader,
    by the name of the step that they stand before.
    """

    setting: Setting
    steps: tuple[Step, ...]
    proves: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = ()
    letters: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)
