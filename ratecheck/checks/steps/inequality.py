"""Steps of kind inequality: the certificate adds up, or vectors are looked for that break the step."""

from ratecheck.checks.steps import Context, Outcome, Refused, Undone, certificate
from ratecheck.checks.steps.search import counterexample
from ratecheck.core.proof import Inequality


def discharge(step: Inequality, context: Context) -> Outcome:
    """Check the certificate. Raises Refused with numbers that break the step, Undone when none are found."""
    facts = [context.fact(name) for name in step.uses]
    try:
        slack = certificate.check(step.says, step.by, context)
    except Undone as fault:
        found = counterexample(step.says, facts, context)
        if found:
            raise Refused(f"false at {found}") from fault
        raise
    return Outcome(step.says, f"a sum of {len(step.by)} products of nonnegative terms", slack)
