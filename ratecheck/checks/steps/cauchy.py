"""Steps of kind cauchy: the squared norm of a sum of n vectors is at most n times the sum of the squared norms.

For any n: n sum ||v_j||^2 - ||sum v_j||^2 is the sum of ||v_i - v_j||^2 over all pairs i < j.
"""

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.checks.steps.counting import established
from ratecheck.core.gram import square
from ratecheck.core.proof import Cauchy, le


def discharge(step: Cauchy, context: Context) -> Outcome:
    """Return ||of||^2 <= n sum ||v_j||^2. Raises Undone when the equation ``by`` is no single sum."""
    atom, value = context.setting.equations.get(step.by, (None, None))
    if atom != step.of or not isinstance(value, sp.Sum):
        raise Undone(f"equation {step.by!r} of the setting does not say that {step.of} is a sum of vectors")
    ((index, low, high),) = value.limits
    each = sp.Sum(square(value.function), (index, low, high))
    lemmas = context.setting.lemmas
    by = f", by: {step.by} ({established(lemmas[step.by])})" if step.by in lemmas else ""
    return Outcome(le(square(atom), (high - low + 1) * each), f"Cauchy-Schwarz for {high - low + 1} terms{by}")
