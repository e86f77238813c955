"""Lemma 2: what is in flight costs no more than half of the progress, with delay-adaptive stepsizes.

Mishchenko, Bach, Even & Woodworth (2022), Lemma 2, convex case of Theorem 3, with e_k = x_k - xhat_k:
2 sum_k ghat_k E<g_k, e_k> <= B^2/16 + sum_k ghat_k E[F(x_k) - F*].                                      (printed)
Ours is sharper: at most Gamma_0 E||h_0||^2/(4L) + (1/(2L)) sum_k ghat_k E||h_k||^2,                         (sharp)
h = grad F and Gamma_0 the sum of the final stepsizes of the initial gradients.

Noise drops out (see ``orthogonality``): E<g_k, e_k> = E<h_k, sum of gamma_next h_prev over the others in flight>. So
(sharp) says that a quadratic form in the vectors h_0, .., h_K is not negative. It is so for *all* vectors, gradients
or not, which is what is checked: by elimination in rational arithmetic, for every arrival order. (printed) follows:
Gamma_0 <= 1/(4L), which is checked too; ||h_0|| <= L B and ||h_k||^2 <= 2L (F(x_k) - F*) by smoothness.

Gradients in flight at K count as back at K + 1, the initial ones too, or not at all (rule R1), and the stepsizes have
no other branch than delay and cap, or one that is below them for short delays. Units: L = 1.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

from ratecheck.core.claim import Claim, has, of_class
from ratecheck.core.identity import Counting

from ._lemma2_proof import PROOF

__all__ = ["CLAIM", "PROOF"]

Rule = Callable[[int], Fraction]
Matrix = list[list[Fraction]]


def rules(workers: int) -> tuple[Rule, ...]:
    """Return the stepsizes of Theorem 3 as functions of the delay: without noise, and with a noise branch."""
    return tuple(lambda t, low=low: min(Fraction(1, 4 * max(t, workers)), low)
                 for low in (Fraction(1), Fraction(1, 7 * workers)))  # fmt: skip


def windows(worker: Sequence[int], workers: int, rule: Rule, *, initial: bool) -> list[tuple[int, int, Fraction]]:
    """Return (i, d, ghat) of each hand-out: made at x_i, in flight at x_k for i < k < d; back at K + 1 at the latest.

    ``initial``: count initial gradients that are not back by K, too; they get 0 otherwise.
    """
    steps, found = len(worker), []
    made = [(0, m) for m in range(workers)] + list(enumerate(worker, 1))
    for i, m in made:
        back = next((j for j in range(i + 1, steps + 1) if worker[j - 1] == m), steps + 1)
        kept = i > 0 or back <= steps or initial
        found.append((i, back, rule(back - i) if kept else Fraction(0)))
    return found


def form(flights: Sequence[tuple[int, int, Fraction]], workers: int, steps: int, share: Fraction) -> Matrix:
    """Return the matrix of right side minus left side of (sharp) in h_0, .., h_K; ``share`` is 1/2 in 1/(2L)."""
    ghat = [Fraction(0), *(g for _, _, g in flights[workers:])]
    matrix = [[Fraction(0)] * (steps + 1) for _ in range(steps + 1)]
    matrix[0][0] = sum((g for _, _, g in flights[:workers]), Fraction(0)) * share / 2
    for k in range(1, steps + 1):
        matrix[k][k] = ghat[k] * share
    for i, back, g in flights:
        for k in range(i + 1, back):
            matrix[i][k] -= ghat[k] * g
            matrix[k][i] -= ghat[k] * g
    return matrix


def least_pivot(matrix: Matrix) -> Fraction:
    """Return the smallest pivot of a symmetric elimination: not negative exactly when the form is not negative.

    A pivot 0 in a row that is not zero counts as -1: such a form takes both signs.
    """
    left, least = [row[:] for row in matrix], Fraction(1)
    for n in range(len(left)):
        pivot, below = left[n][n], [j for j in range(n + 1, len(left)) if left[n][j]]
        least = min(least, pivot if pivot or not below else Fraction(-1))
        if least < 0:
            return least
        for i in below:
            ratio = left[n][i] / pivot
            for j in below:
                left[i][j] -= ratio * left[n][j]
    return least


def sharp_with(share: Fraction) -> Callable[[Sequence[int], Sequence[int], int], Fraction]:
    """Return the slack of (sharp) with another share of the squares than 1/2: the least pivot of its form."""

    def slack(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
        closed = [
            windows(worker, workers, rule, initial=i) for rule, i in zip(rules(workers), (True, False), strict=True)
        ]
        return min(least_pivot(form(flights, workers, len(worker), share)) for flights in closed)

    return slack


def initial_weights(worker: Sequence[int], delay: Sequence[int], workers: int) -> Fraction:
    """Slack of Gamma_0 <= 1/(4L)."""
    flights = windows(worker, workers, rules(workers)[0], initial=True)
    return Fraction(1, 4) - sum((g for _, _, g in flights[:workers]), Fraction(0))


COUNTING = (
    Counting(
        "lemma 2, sharp",
        sharp_with(Fraction(1, 2)),
        r"2\sum_k\hat\gamma_k\langle h_k,\sum_{m\ne m_k}\gamma_{\mathrm{next}}h_{\mathrm{prev}}\rangle"
        r"\le\frac{\Gamma_0}{4L}\|h_0\|^2+\frac1{2L}\sum_k\hat\gamma_k\|h_k\|^2",
        lemma="windows",
    ),
    Counting("initial weights", initial_weights, r"\Gamma_0\le1/(4L)"),
)

CLAIM = Claim(
    title="Lemma 2: the cost of what is in flight",
    source="Mishchenko, Bach, Even & Woodworth (2022), Lemma 2; the sharper form is ours",
    statement=(
        "With the stepsizes of Theorem 3, convex case, $2\\sum_k\\hat\\gamma_k\\mathbb{E}\\langle g_k,"
        "x_k-\\hat x_k\\rangle\\le B^2/16+\\sum_k\\hat\\gamma_k\\mathbb{E}[F(x_k)-F^*]$; even "
        "$\\le\\frac{\\Gamma_0}{4L}\\mathbb{E}\\|h_0\\|^2+\\frac1{2L}\\sum_k\\hat\\gamma_k\\mathbb{E}\\|h_k\\|^2$."
    ),
    assumptions=(of_class("convex"), of_class("smooth"), has("L"), has("B")),
    outputs={},
    stepsize="delay_adaptive_convex",
    policy="independent",
    counting=COUNTING,
    notes=(
        "Printed: B^2/16 and F(x_k) - F*. Ours: the form with squared gradients, which implies it by smoothness, and "
        "that it holds for all vectors. The 1/2 in (sharp) cannot be less: round robin uses 0.93 of it for M = 16.",
    ),
)
