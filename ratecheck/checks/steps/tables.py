"""What is kept of a gradient, read off a schedule: for the enumerations of the lemmas about momentum."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ratecheck.core.schedule import Schedule

#: the numbers that are put in for beta: a polynomial with whole coefficients below 10 that is 0 at 9/10 is 0
BETAS = (Fraction(9, 10), Fraction(1, 2), Fraction(0))


def power_of(schedule: Schedule, step: int, hand_out: int, members: bool) -> int | None:
    """Return the power of beta that is kept of a hand-out at x_step, None in flight."""
    found = np.flatnonzero(schedule.source[:step] == hand_out)
    if not len(found):
        return None
    version = int(schedule.made_at[hand_out])
    newest, group = (-(-v // schedule.workers) for v in (step - 1, version))
    return newest - group + 1 if members else step - int(found[0])
