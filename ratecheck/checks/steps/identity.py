"""Steps of kind identity: both sides expand to the same polynomial in scalars and inner products."""

from ratecheck.checks.steps import Context, Outcome, Undone
from ratecheck.checks.steps.counting import established
from ratecheck.core.gram import normal, rewrite
from ratecheck.core.proof import Identity


def discharge(step: Identity, context: Context) -> Outcome:
    """Replace vectors by the named equations until nothing changes, then compare. Raises Undone with the difference."""
    missing = [name for name in step.by if name not in context.setting.equations]
    if missing:
        raise Undone(f"the setting has no equation {missing[0]!r}")
    equations = dict(context.setting.equations[name] for name in step.by)
    for value in (step.says.expr, *equations.values()):
        context.require_numbers(value)
    rest = step.says.expr
    for _ in range(len(equations) + 1):
        rest = normal(rewrite(rest, equations))
    if rest != 0:
        raise Undone(f"the two sides differ by {rest}")
    known = context.setting.lemmas
    by = [f"{name} ({established(known[name])})" if name in known else name for name in step.by]
    return Outcome(step.says, f"both sides expand to the same polynomial, by: {', '.join(by) or 'nothing'}")
