"""The derivation for ordered momentum with in-order commit: that of ``_nonconvex_proof``, tau_cap standing for M.

There M - 1 gradients are in flight; here at most tau_cap - 1 are missing. All other steps are the same, and are checked
again: nothing of the former derivation is taken over but its text.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from sympy import Basic, Rational

from ratecheck.core.claim import Inequality, Statement, above_zero, at_most, has
from ratecheck.core.formula import Formula
from ratecheck.core.proof import Class, Counting, Proof
from ratecheck.core.setting_committed import COMMITTED
from ratecheck.core.symbols import L, M, beta, sigma, tau_cap

from ._nonconvex import KNOWN, statement
from ._nonconvex_noise import BY_DOOB, BY_DOOB_STEPS
from ._nonconvex_proof import SECTIONS, ends, steps

ROUNDED = Rational(24, 5) * beta * sigma**2


def capped(part: Any) -> Any:
    """Return a part of a proof with tau_cap for M."""
    if isinstance(part, Basic):
        return part.xreplace({M: tau_cap})
    if isinstance(part, tuple):
        return tuple(map(capped, part))
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{one.name: capped(getattr(part, one.name)) for one in fields(part)})
    return part


def _said() -> Statement:
    def of(inequality: Inequality) -> Inequality:
        return replace(inequality, rhs=Formula(**{name: capped(term) for name, term in inequality.rhs.terms.items()}))

    known = statement(BY_DOOB, ROUNDED)
    assert known.master is not None
    return replace(known, bound=of(known.bound), master=of(known.master))


STATEMENT = _said()
ASSUMPTIONS = (
    *KNOWN, has("tau_cap"), above_zero("beta"), at_most("beta", 1 / (8 * tau_cap)),
    above_zero("stepsize"), at_most("stepsize", beta / (4 * L)),
)  # fmt: skip
_MEANS = Counting("means in flight", "missing, means")
_STEPS = tuple(_MEANS if one.name == "means in flight" else capped(one) for one in steps(BY_DOOB_STEPS))
PROOF = Proof(
    COMMITTED,
    (
        Class("beta", "assumed", ("beta <= 1/(8*tau_cap)",)),
        Class("stepsize", "assumed", ("stepsize <= beta/(4*L)",)),
        *_STEPS,
        *capped(ends(BY_DOOB, ROUNDED, (Rational(16, 3) * Rational(24, 5) * beta * sigma**2 / (2 - beta), "2 - beta"))),
    ),
    proves={"uniform": {"bound": "bound", "master": "master"}},
    sections={**SECTIONS},
)
