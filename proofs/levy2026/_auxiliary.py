"""What the identities of Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043) share.

We have fragments of the paper, not its theorems or algorithm boxes; all formulas are ours. Letters: t is the delivery,
x_t the t-th model, so that version v of the engine is x_(v+1) and after delivery t the server holds x_(t+1). I(t) are
the workers whose gradient at x_1 is back by t, T(t) the k in 2..t with s_k (or g_k) in flight after delivery t.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ratecheck.core.identity import Flying, View

#: the cases (M, K) that the main job enumerates; the tests go further
CASES = ((1, 5), (2, 6), (3, 5))
PAPER = "Dahan, Reshef, Goldstein & Levy (2026, arXiv:2605.02043)"
SOURCE = f"for {PAPER}, from fragments; statement ours"
LIMITS = ("The paper's theorems and algorithm boxes were not available to us; this is about what its fragments fix.",)


def issued(view: View) -> tuple[Flying, ...]:
    """Return all gradients handed out so far, in order: the M at x_1, then one at each of x_2..x_t."""
    assert view.issued is not None, "the identity has history=True"
    return view.issued


def late(view: View) -> list[Flying]:
    """Return the gradients in flight that are of x_2..x_t: their k are T(t)."""
    return [f for f in view.in_flight[:-1] if f.version > 0]


def deliveries(view: View) -> list[Flying]:
    """Return the gradients in the order of their deliveries 1..t, under the async scheduler."""
    made = issued(view)
    holds: dict[int, Flying] = {f.worker: f for f in made[: view.workers]}
    found = []
    for f in made[view.workers :]:  # whoever is handed x_(v+1) has made delivery v
        found.append(holds[f.worker])
        holds[f.worker] = f
    return [*found, holds[view.arrived]]


def difference(f: Flying) -> Any:
    """Return s_k = k g(x_k; z) - (k - 1) g(x_(k-1); z), what a worker of mu^2-SGD sends."""
    return (f.version + 1) * f.gradient - f.version * f.others[0]


def power(base: Any, e: int) -> Any:
    """Return base^e, and 1 for e = 0."""
    found = 1
    for _ in range(e):
        found = found * base
    return found


def in_means(view: View, row: Any) -> Any:
    """Return a row of coefficients with the true gradient at x_k for every sample of a gradient there.

    So entry 1 + v is then of the gradient of the objective at version v. For rows only; floats are given back as they
    are, and what is said of means holds along runs without noise.
    """
    if row.dtype != object:
        return row
    looks = 1 + len(issued(view)[0].others)
    handouts, out = (len(row) - 2) // looks, 0 * row
    out[0], out[-1] = row[0], row[-1]
    for f in issued(view):
        for j in range(looks):
            out[1 + max(f.version - j, 0)] += row[1 + j * handouts + f.number]
    return out


def one_each(view: View) -> Iterator[Flying]:
    """Yield one gradient at each of x_1..x_t; of the M at x_1 that of worker 0."""
    made = issued(view)
    yield made[0]
    yield from made[view.workers :]


def rounding(view: View) -> float:
    """Bound the rounding of sums over all gradients handed out, times one stepsize, for a constant stepsize.

    In units of that of a sum of gradients. There are t + M of them; a coefficient is a product of at most t + 2
    factors below 1, or an integer up to t; recursions round three times a step. Each of the two sides so rounds by at
    most 4 (t + M) + 8 times the sum of |g|, and s_k and its sums are up to 2 t times as large.
    """
    return (2.0 * view.step + 1) * (8 * (view.step + view.workers) + 16)
