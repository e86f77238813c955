"""Stability: which stepsizes a method bears on F = L x^2/2, as facts that a claim states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from ratecheck.errors import PartError


@dataclass(frozen=True, eq=False)
class Stability:
    """The largest stable M L gamma of ``methods`` (their first loss of stability, from zero up) grow in this order.

    Workers deliver in turn (under a barrier: round by round). ``workers`` are the M looked at, ``constants`` numbers of
    the methods such as beta. With ``equal``, an expression in M and those constants, there is one method, and that is
    its largest. ``statement`` is LaTeX. Raises PartError when there is nothing to compare.
    """

    name: str
    methods: tuple[str, ...]
    statement: str
    workers: tuple[int, ...]
    scheduler: str = "async"
    constants: Mapping[str, Any] = field(default_factory=dict)
    equal: sp.Expr | None = None

    def __post_init__(self) -> None:
        if len(self.methods) < 2 and self.equal is None:
            raise PartError(f"stability fact {self.name!r} compares nothing: name several methods, or what it equals.")
        if len(self.methods) != 1 and self.equal is not None:
            raise PartError(f"stability fact {self.name!r}: 'equal' is about one method.")

    def expected(self, workers: int) -> sp.Expr | None:
        """Return what the one method's largest stable M L gamma equals for this M, exactly."""
        if self.equal is None:
            return None
        values = {"M": sp.Integer(workers), **{n: sp.Rational(str(v)) for n, v in self.constants.items()}}
        found: sp.Expr = self.equal.subs({s: values[s.name] for s in self.equal.free_symbols})
        return found
