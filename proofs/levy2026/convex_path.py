"""What holds of asynchronous mu^2-SGD on every run: the path to the last iterate, its steps, and the drift. Ours.

Path: for convex L-smooth F and gamma <= 1/(2LK), whatever the q_k are, eps_k = q_k - k grad F(x_k),
(K+1)(K+2)/2 (F(x_(K+1)) - F*) <= D^2/(2 gamma) + sum over k <= K of gamma ||eps_k||^2 - <eps_k, w_k - x*>.
Moves: ||x_k - x_(k-1)|| <= 2 D/(k+1).   Drift: the part of eps_k that is no noise is at most 3 (M-1) L D long.

Looked at here: exact runs in one dimension, with noise, of a quadratic and of the smooth function that is |x| from 1
on, with the box met. Both have L = 1 and their minimiser in the box.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache

from ratecheck.core.claim import Claim, has, of_class
from ratecheck.core.identity import Counting
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import K, L

from ._convex import LIMITS, SOURCE
from ._convex_proof import PATH as PROOF
from .bookkeeping import handed_out

__all__ = ["CLAIM", "PROOF"]

#: start, minimiser (0) at distance B = HALF, box of that half-width: D = 2 B
START = HALF = Fraction(2)
D = 2 * HALF
#: value and slope of F - F*
Function = tuple[Callable[[Fraction], Fraction], Callable[[Fraction], Fraction]]
QUADRATIC: Function = (lambda x: x * x / 2, lambda x: x)
HUBER: Function = (
    lambda x: x * x / 2 if abs(x) <= 1 else abs(x) - Fraction(1, 2),
    lambda x: min(max(x, Fraction(-1)), Fraction(1)),
)


def _noise(hand_out: int, size: Fraction) -> Fraction:
    return size * ((7 * hand_out * hand_out + 3 * hand_out) % 11 - 5)


@lru_cache(maxsize=4096)
def _slacks(
    worker: tuple[int, ...], delay: tuple[int, ...], workers: int, function: int, size: Fraction
) -> tuple[Fraction, Fraction, Fraction]:
    """Return the slacks of path, moves and drift on one run."""
    value, slope = (QUADRATIC, HUBER)[function]
    steps, made = len(worker), handed_out(worker, delay, workers)
    gamma, x, w, q = Fraction(1, 2 * steps), [START, START], START, Fraction(0)  # x[k] is x_k, and x_0 = x_1
    path, moves, drifts = D * D / (2 * gamma), [], []

    def mean(k: int) -> Fraction:
        return k * slope(x[k]) - (k - 1) * slope(x[k - 1])

    for t in range(1, steps + 1):
        (now,) = (i for i, (_, back) in enumerate(made) if back == t)
        q += mean(made[now][0]) + _noise(now, size)
        noise = sum((_noise(i, size) for i, (_, back) in enumerate(made) if back <= t), Fraction(0))
        error = q - t * slope(x[t])
        path += gamma * error * error - error * w
        moves.append(2 * D - (t + 1) * abs(x[t] - x[t - 1]))
        drifts.append(3 * (workers - 1) * D - abs(error - noise))
        w = min(max(w - gamma * q, START - HALF), START + HALF)
        x.append((t * x[t] + 2 * w) / (t + 2))
    path -= (steps + 1) * (steps + 2) * value(x[-1]) / 2
    return path, min(moves), min(drifts)


def _least(which: int) -> Callable[[Sequence[int], Sequence[int], int], Fraction]:
    def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
        cases = ((f, size) for f in (0, 1) for size in (Fraction(0), Fraction(1, 4), Fraction(2)))
        found = (_slacks(tuple(map(int, worker)), tuple(map(int, delay)), workers, *one) for one in cases)
        return min(one[which] for one in found)

    return slack


COUNTING = (
    Counting(
        "path", _least(0),
        r"\tfrac{(K+1)(K+2)}2(F(x_{K+1})-F^*)\le\frac{D^2}{2\gamma}"
        r"+\sum_k(\gamma\|\epsilon_k\|^2-\langle\epsilon_k,w_k-x^*\rangle)",
        lemma="mu2",
    ),
    Counting("move", _least(1), r"\|x_k-x_{k-1}\|\le\frac{2D}{k+1}", lemma="mu2"),
    Counting(
        "drift", _least(2), r"\|q_k-k\nabla F(x_k)-\text{noise}\|\le3(M-1)LD", lemma="mu2"
    ),
)  # fmt: skip

CLAIM = Claim(
    title="Asynchronous mu^2-SGD, convex: the path, its moves and the drift on every run (ours)",
    source=SOURCE,
    statement=(
        "For $\\alpha_k=k$, projection on a convex set of diameter $D$ with a minimiser in it and "
        "$\\gamma\\le1/(2LK)$, on every run "
        "$\\frac{(K+1)(K+2)}2(F(x_{K+1})-F^*)\\le\\frac{D^2}{2\\gamma}"
        "+\\sum_k(\\gamma\\|\\epsilon_k\\|^2-\\langle\\epsilon_k,w_k-x^*\\rangle)$ with "
        "$\\epsilon_k=q_k-k\\nabla F(x_k)$, $\\|x_k-x_{k-1}\\|\\le2D/(k+1)$, and $\\epsilon_k$ is noise and at most "
        "$3(M-1)LD$."
    ),
    assumptions=(of_class("convex"), of_class("smooth"), has("L"), has("D")),
    outputs={},
    stepsize=Stepsize(cap=1 / (2 * L * K)),
    method="async_mu2_sgd_box",
    policy="clairvoyant",
    counting=COUNTING,
    cases=((1, 4), (2, 5), (3, 4)),
    notes=LIMITS,
)
