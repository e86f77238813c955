"""Steps of kind smallest: what is at most each of some numbers is at most the least of them."""

import sympy as sp
from sympy.core.function import AppliedUndef

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.checks.steps.means import is_random
from ratecheck.core.gram import Ip, normal
from ratecheck.core.proof import Smallest, le


def discharge(step: Smallest, context: Context) -> Outcome:
    """Return one <= of. Raises Undone when ``of`` is no minimum, a fact lacks, or what is in it is no number.

    In expectation one is at most the minimum of numbers, and not at most the mean of a minimum.
    """
    if not isinstance(step.of, sp.Min):
        raise Undone(f"{step.of} is no minimum")
    facts = [context.fact(name) for name in step.facts]
    for number in step.of.args:
        if number.has(Ip, AppliedUndef) or is_random(number, context):
            raise Undone(f"{number} is no number that the claim's constants fix")
        if not any(not f.equality and normal(f.expr - (number - step.one)) == 0 for f in facts):
            raise Undone(f"none of its facts says {step.one} <= {number}")
    return Outcome(le(step.one, step.of), "at most each number of a minimum")
