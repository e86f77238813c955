"""Steps of kind largest: a maximum is at least each of its numbers, and at most what they all are at most."""

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.core.gram import normal
from ratecheck.core.proof import Largest, le


def discharge(step: Largest, context: Context) -> Outcome:
    """Return one <= of, or of <= most. Raises Undone when ``of`` is no maximum, or not of ``one``, or a fact lacks."""
    if not isinstance(step.of, sp.Max):
        raise Undone(f"{step.of} is no maximum of {step.one} and others")
    if step.most is None:
        if step.one not in step.of.args:
            raise Undone(f"{step.of} is no maximum of {step.one} and others")
        return Outcome(le(step.one, step.of), "a maximum")
    facts = [context.fact(name) for name in step.by]
    for one in step.of.args:
        if not any(not f.equality and normal(f.expr - (step.most - one)) == 0 for f in facts):
            raise Undone(f"none of its facts says {one} <= {step.most}")
    return Outcome(le(step.of, step.most), "a maximum of numbers that are at most that")
