"""Steps of kind cauchy: the squared norm of a sum of n vectors is at most n times the sum of the squared norms.

For any n: n sum ||v_j||^2 - ||sum v_j||^2 is the sum of ||v_i - v_j||^2 over all pairs i < j. With weights c_j >= 0:
(sum c_j) (sum c_j ||v_j||^2) - ||sum c_j v_j||^2 is the sum of c_i c_j ||v_i - v_j||^2.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.checks.steps.counting import established
from ratecheck.core.gram import manifest, square
from ratecheck.core.proof import Cauchy, le


def discharge(step: Cauchy, context: Context) -> Outcome:
    """Return ||of||^2 <= n sum ||v_j||^2. Raises Undone when the equation ``by`` is no single sum."""
    atom, value = context.setting.equations.get(step.by, (None, None))
    context.require_numbers(sp.S.Zero if value is None else value)
    lemmas = context.setting.lemmas
    by = f", by: {step.by} ({established(lemmas[step.by])})" if step.by in lemmas else ""
    if step.weights and atom == step.of:
        each = weighed(value, step.weights)
        whole = sp.Add(*(sp.Sum(c, limits) for c, _, limits in each))
        squares = sp.Add(*(sp.Sum(c * square(v), limits) for c, v, limits in each))
        return Outcome(le(square(atom), whole * squares), f"Cauchy-Schwarz with weights{by}")
    if atom != step.of or not isinstance(value, sp.Sum):
        raise Undone(f"equation {step.by!r} of the setting does not say that {step.of} is a sum of vectors")
    ((index, low, high),) = value.limits
    terms = sp.Sum(square(value.function), (index, low, high))
    return Outcome(le(square(atom), (high - low + 1) * terms), f"Cauchy-Schwarz for {high - low + 1} terms{by}")


def weighed(value: Any, weights: tuple[Any, ...]) -> list[tuple[Any, Any, Any]]:
    """Return (weight, vector, limits) of each of the sums that ``value`` is made of; a weight belongs to one sum.

    Raises Undone when ``value`` is no combination of as many sums, each with its nonnegative weight for a factor.
    """
    found = []
    pairs = [term.as_independent(sp.Sum, as_Add=False) for term in sp.Add.make_args(value)]  # not multiplied out
    if len(pairs) != len(weights) or not all(isinstance(total, sp.Sum) for _, total in pairs):
        raise Undone(f"{value} is not as many sums as there are weights")
    for weight in weights:
        owns = [(c, total) for c, total in pairs if total.function.has(weight)]
        pairs = [pair for pair in pairs if pair not in owns]  # to each sum its weight
        if len(owns) != 1 or not manifest(weight) or len(owns[0][1].limits) != 1:
            raise Undone(f"{weight} is no nonnegative weight of one sum")
        ((outer, total),) = owns
        vector = outer * total.function / weight
        if vector.has(weight) or not weight.has(total.limits[0][0]):
            raise Undone(f"{weight} is no factor of {total.function}")
        found.append((weight, vector, total.limits[0]))
    return found
