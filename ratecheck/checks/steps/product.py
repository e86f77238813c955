"""Steps of kind product: the inner product of two vectors is at most the product of their root mean squares.

-E<a, b> <= (E||a||^2 E||b||^2)^(1/2) <= x y, where E||a||^2 <= x^2 and E||b||^2 <= y^2 for numbers x, y >= 0 that are
not random. It holds where x or y is 0, too, as no certificate with a division does.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Refused, Undone, means
from ratecheck.checks.steps.certificate import divides_by_positive, require_kept
from ratecheck.core.gram import Ip, inner, manifest, normal, slack_form, square
from ratecheck.core.proof import Product, le


def discharge(step: Product, context: Context) -> Outcome:
    """Return -E<of, against> <= the product of the sizes. Raises Undone when a fact does not say that they are."""
    if len(step.sizes) != 2 or len(step.facts) != 2:
        raise Undone("it takes two vectors, each with its size and the name of a fact")
    for vector, size, name in zip((step.of, step.against), step.sizes, step.facts, strict=True):
        number = _number(size, context)
        fact = context.fact(name)
        if fact.equality or normal(fact.expr - (number**2 - square(vector))) != 0:
            raise Undone(f"{name!r} does not say that the mean square of {vector} is at most {size} squared")
    x, y = step.sizes
    said = le(-inner(step.of, step.against), x * y)
    require_kept(step.uses, said, context)
    return Outcome(said, "Cauchy-Schwarz for an inner product")


def _number(size: Any, context: Context) -> sp.Expr:
    """Return the size. Raises Undone when it is not known to be nonnegative, Refused when it is random."""
    number: sp.Expr = sp.S.Zero + size
    if number.has(Ip, sp.Sum) or not divides_by_positive(number, context=context):
        raise Undone(f"{size} is no plain number")
    if not manifest(number) and not slack_form(number, context.at_least)[0]:
        raise Undone(f"{size} is not known to be nonnegative")
    if context.random_schedule and means.is_random(number, context):
        raise Refused(f"{size} is random for {context.claim.policy} delays")
    return number
