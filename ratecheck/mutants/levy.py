"""Lies about ordered momentum and mu^2-SGD under delays: weights, samples and averages wrong, and one too few."""

from collections.abc import Sequence
from fractions import Fraction

from ratecheck.mutants.mutant import Mutant
from ratecheck.mutants.ormo import instead

BIAS, ERROR = "levy2026.ordered_momentum", "levy2026.mu2_error"
CASES = ((2, 4), (3, 4))

#: name of the kernel, what it does, a claim that sees it
KERNELS = (
    ("ordered_momentum_by_arrival", "weight beta for every arrival", BIAS),
    ("ordered_momentum_one_late", "exponent t - k + 1", BIAS),
    ("mu2_last_sample", "the second gradient of another sample", ERROR),
    ("mu2_square_weights", "weights k^2", ERROR),
    ("mu2_plain_average", "all weights of the average alike", "levy2026.anytime_average"),
    ("mu2_passes_gaps", "what came too early is taken in at once", "levy2026.in_order"),
)


def none_extra(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of "as many gradients at x_1 are back as others are missing": one of them is not extra."""
    first = [sum(tau == s for s, tau in enumerate(delay[:t], 1)) for t in range(1, len(delay) + 1)]
    return -Fraction(max(abs(n - (t - 1 - (t - n))) for t, n in enumerate(first, 1)))


MUTANTS = (
    *(Mutant(n, "method", claim, lie, (), ("exact",), method=n, cases=CASES) for n, lie, claim in KERNELS),
    Mutant("as_many_without_one", "counting", "levy2026.bookkeeping", "|I| = |T|", (), ("exact",),
           change=instead(none_extra)),
)  # fmt: skip
