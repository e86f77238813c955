"""Counting lemmas about what OrMo has in flight, with the coefficients of Lemma 2, and about what is late.

As ``sequences``, with ``degenerate``'s comparison of rows.

lemma 2, in flight  yhat - x_k = -1/(1 - beta) sum_j ahead(k, j) A of what the M - 1 others have in flight.
ahead               ahead(k, j) <= 1, for it is 1 - beta^(e + 1) where the gradient is e groups behind.
late or not         late(k, N)^2 = late(k, N): it is 0 or 1; ``threshold``: N > 0.
in time             where tau(k) - 1 is below N + 1 it is at most N, a whole number; ``threshold``: N, a multiple of M.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Undone
from ratecheck.checks.steps.courses import COURSE, Course, beta, total_
from ratecheck.checks.steps.degenerate import Rows, Said, agree, returned
from ratecheck.checks.steps.machines import MACHINES as OF_WORKERS
from ratecheck.checks.steps.machines import Machine, more
from ratecheck.checks.steps.tables import BETAS
from ratecheck.core.identity import View
from ratecheck.core.proof import Fact, eq, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import e, j, tau, u
from ratecheck.core.setting_ormo import ADAPTED, ORMO, ahead, late, yhat
from ratecheck.core.symbols import M, k

#: beta^(e + 1), which turns multiply by beta, is between 0 and 1; for that beta is 1 - more
BETWEEN = (
    Machine({total_: beta}, {total_: beta * total_}, {}, positive=(total_,), factors=(beta,)),
    Machine({total_: 1 - more}, {total_: (1 - more) * total_}, {}, positive=(1 - total_,)),
)

FACTS: dict[str, Fact] = {
    "lemma 2, in flight": eq(
        yhat(k), u(k) + e(k) - sp.Add(*(ORMO.equations[one][1] for one in ("means ahead", "noise ahead")))
    ),
    "ahead": le(ahead(k, j), 1),
}


def _statement(fact: Fact) -> Callable[[Mapping[str, Any], Context], Said]:
    def say(given: Mapping[str, Any], context: Context) -> Said:
        if context.setting is not ORMO:
            raise Undone(f"the lemma is about {ORMO.name}, not about {context.setting.name}")
        return fact, frozenset()

    return say


def _say_late_or_not(given: Mapping[str, Any], context: Context) -> Said:
    at = late(k, _threshold(given, context))
    return eq(at**2, at), frozenset()


def _say_in_time(given: Mapping[str, Any], context: Context) -> Said:
    most = _threshold(given, context)
    if not (most / M).is_Integer:
        raise Undone(f"{most} is no multiple of M, and may be no whole number")
    in_time = 1 - late(k, most + 1)
    return le(in_time * (tau(k) - 1), in_time * most), frozenset()


def _threshold(given: Mapping[str, Any], context: Context) -> sp.Expr:
    threshold: sp.Expr = sp.S.Zero + given["threshold"]
    if context.setting not in (ORMO, ADAPTED) or not threshold.is_positive:
        raise Undone(f"{threshold} is no positive number, or {context.setting.name} has no letter for what is late")
    if any(threshold.has(index) for index in context.setting.ranges):
        raise Undone(f"{threshold} is no number")
    return threshold


def _flying(s: Schedule) -> bool:
    """M - 1 others are in flight; what yhat, by its recursion, is ahead of the kernel's x by is of them alone."""
    by, counts = BETAS[0], []

    def told(view: View) -> Rows:
        there_are, found = returned(s, view), []
        newest = -(-(view.step - 1) // s.workers)
        for one, there in enumerate(there_are):
            version, in_hat, in_y = int(s.made_at[one]), Fraction(0), Fraction(0)
            for at in range(version, view.step):
                if at > 0 and (at - 1) % s.workers == 0:
                    in_hat, in_y = by * in_hat, in_y - by * in_hat
                if at == version:
                    in_hat, in_y = in_hat + 1, in_y - 1
            behind = newest + -version // s.workers
            found.append(in_y + (0 if there else (1 - by ** (behind + 1)) / (1 - by)))
        counts.append(there_are.count(False))
        return {"x": found}

    return agree(s, "ormo", by, told) and set(counts) <= {s.workers - 1}


def _ahead(s: Schedule) -> bool:
    """Each gradient in flight is 0 groups behind or more."""
    found = {
        -(-(at - 1) // s.workers) + -int(version) // s.workers
        for at in range(1, s.horizon + 1)
        for version in s.made_at[: int(s.offset[at])]
    }
    return all(0 <= 1 - by ** (behind + 1) <= 1 for by in BETAS for behind in found) and min(found) >= 0


MACHINES: dict[str, tuple[Course | Machine, ...]] = {
    "lemma 2, in flight": (COURSE, *OF_WORKERS["in flight"]),
    "ahead": BETWEEN,
    "late or not": (),
    "in time": (),
}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    "lemma 2, in flight": _flying,
    "ahead": _ahead,
    "late or not": lambda s: all(int(t - 1 >= n) in (0, 1) for t in s.delay[: s.horizon] for n in range(1, 6)),
    "in time": lambda s: all(t - 1 <= n for t in s.delay[: s.horizon] for n in range(1, 6) if not t - 1 >= n + 1),
}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {
    **{name: _statement(fact) for name, fact in FACTS.items()},
    "late or not": _say_late_or_not,
    "in time": _say_in_time,
}
