"""Steps of kind given: what a measured symbol stands for, read from the setting."""

from ratecheck.checks.steps import BY_RULE, OUTPUTS, Context, Outcome, Undone
from ratecheck.core.proof import Given, eq

#: how the initial gradients still in flight are closed enters these
CLOSED = frozenset({"Q", "S", "V", "Gamma_0", "virtual_sq", "virtual_gap"})


def discharge(step: Given, context: Context) -> Outcome:
    """Return the setting's equation. Raises Undone when it has none of this name for this output rule."""
    table = context.setting.measured.get(step.rule, {})
    if step.what not in table:
        raise Undone(f"the setting does not say what {step.what!r} is under the output rule {step.rule!r}")
    closed = {BY_RULE} if step.what in CLOSED else set()
    tags = frozenset(({step.rule} & OUTPUTS) | closed)
    return Outcome(eq(*table[step.what]), "read from the setting", tags=tags)
