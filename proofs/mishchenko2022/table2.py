r"""Table 2: how much work fits into the same time, asynchronously and in rounds.

Mishchenko, Bach, Even & Woodworth (2022), the time model before Table 2 and Table 2: worker m takes s_m seconds a
gradient. In S seconds asynchronous SGD applies K = sum_m S/s_m gradients and minibatch SGD makes R = min_m S/s_m
rounds. The optimisation terms M/K and 1/R are equal when minibatch SGD has alpha times as long,

    alpha = (1/M) sum_m s_max/s_m >= 1,

which is the speedup. Adding a machine lowers M/K if and only if it is not slower than the harmonic mean of the others
(printed: if; ours: only if). Ours, too: stated by counts of arrivals, all this holds for every arrival order, with
whole gradients instead of S/s_m. With c_m the arrivals of worker m by step K (S/s_m, with fixed speeds) and R the
smallest of them:
(a) K = sum_m c_m >= M R;
(b) sum_m c_m/(M R) >= 1 where R >= 1, which is alpha;
(c) (M+1)/(K + c) <= M/K if and only if c >= K/M: worker by worker, each taken as the one that is added;
(d) the largest delay is at least the number p of workers that have arrived: tau_max >= M once all have.

Why. (a), (b): every c_m is at least R. (c): M/K - (M+1)/(K + c) = (M c - K)/(K (K + c)). (d): the last of the first
arrivals is at step p or later, and its gradient was taken at x_0.
"""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Counting

from ._table2_proof import PROOF

__all__ = ["CLAIM", "PROOF"]


def _arrivals(worker: Sequence[int], workers: int) -> list[int]:
    counts = Counter(worker)
    return [counts[m] for m in range(workers)]


def speedup(durations: Sequence[Fraction]) -> Fraction:
    """Return alpha = (1/M) sum_m s_max/s_m of fixed durations s_m (M,)."""
    return sum((max(durations) / s for s in durations), Fraction(0)) / len(durations)


def slowest(worker: Sequence[int], delay: Sequence[int], workers: int) -> int:
    """Return R, what the slowest worker has delivered."""
    return min(_arrivals(worker, workers))


def beyond(worker: Sequence[int], delay: Sequence[int], workers: int) -> list[int]:
    """Return (M,) what each worker has delivered beyond the R of the slowest."""
    counts = _arrivals(worker, workers)
    return [c - min(counts) for c in counts]


def rounds(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (a)."""
    return Fraction(len(worker) - workers * min(_arrivals(worker, workers)))


def at_least_one(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (b): alpha for durations inversely proportional to the arrivals, minus 1; 0 before all have arrived."""
    counts = _arrivals(worker, workers)
    return speedup([Fraction(1, c) for c in counts]) - 1 if min(counts) else Fraction(0)


def added_machine(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (c): 0 when both sides say the same for every worker, else -1."""
    total = len(worker)
    for c in _arrivals(worker, workers):
        others = total - c
        if workers == 1 or others == 0:
            continue
        lower = Fraction(workers, total) <= Fraction(workers - 1, others)
        if lower != (c * (workers - 1) >= others):
            return Fraction(-1)
    return Fraction(0)


def largest_delay(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of (d)."""
    return Fraction(max(delay) - len(set(worker)))


#: what R and more(m) of the derivation are
LETTERS = {"R": slowest, "more": beyond}

COUNTING = (
    Counting("as much as in rounds", rounds, r"K\ge M\min_mc_m", letters=LETTERS),
    Counting("speedup", at_least_one, r"\alpha=\frac1M\sum_m s_{\max}/s_m\ge1", letters=LETTERS),
    Counting("one more machine", added_machine, r"\frac{M+1}{K+c}\le\frac MK\iff c\ge K/M"),
    Counting("largest delay", largest_delay, r"\tau_{\max}\ge p,\text{ which is }M\text{ once all have arrived}"),
)

CLAIM = Claim(
    title="Equal time: asynchronous SGD does at least as much as minibatch SGD",
    source="Mishchenko, Bach, Even & Woodworth (2022), time model and Table 2; by counts, and 'only if', ours",
    statement=(
        "In the time of $R$ rounds of minibatch SGD, asynchronous SGD applies $K\\ge MR$ gradients; with fixed "
        "durations $s_m$ its optimisation term is smaller by "
        "$\\alpha=\\frac1M\\sum_m s_{\\max}/s_m\\ge1$; one more machine lowers $M/K$ if and only if it is not slower "
        "than the harmonic mean of the others."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    policy="clairvoyant",
    counting=COUNTING,
)
