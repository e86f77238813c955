"""Steps of kind root: a letter for the square root of a nonnegative number, whose sign sympy cannot see."""

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.checks.steps.rule import hold_letters, is_free
from ratecheck.core.gram import normal
from ratecheck.core.proof import Root, eq


def discharge(step: Root, context: Context) -> Outcome:
    """Return letter^2 = of, or letter = sqrt(of). Raises Undone when nothing says 0 <= of, or the letter is taken."""
    fact, of = context.fact(step.by), sp.S.Zero + step.of
    if fact.equality or context.done[step.by].tags or normal(fact.expr - of) != 0:
        raise Undone(f"{step.by!r} does not say, whatever the output rule, that {of} is nonnegative")
    if not is_free(step.letter, context) or step.letter != sp.Symbol(step.letter.name, nonnegative=True):
        raise Undone(f"{step.letter} is no free letter for a nonnegative number")
    if any(of.has(index) for index in context.setting.ranges):
        raise Undone(f"{of} is not one number")
    hold_letters(step.letter, of, context)
    known = context.letters.setdefault(step.letter, {"root": of})
    if known != {"root": of}:
        raise Undone(f"{step.letter} stands for something else")
    return Outcome(eq(step.letter**2, of) if step.squared else eq(step.letter, sp.sqrt(of)), "the square root")
