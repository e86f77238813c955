"""What the identities of OrMo share: the groups, the auxiliary sequences, and how far floats may stray.

Letters as in Shi, Yang & Li (2024, arXiv:2407.19234), but for M workers (their K) and steps k = t + 1. A_i is gamma g
of the gradient taken at version i, with the stepsize it gets when it arrives, and q = 1/(1 - beta). With constant
stepsizes the sequences are those of their Lemmas 1-3, with others those of their Lemmas 5-7. They are described there
in words; the formulas are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from ratecheck.core.identity import Flying, View
from ratecheck.errors import PartError

#: the cases (M, K) that the main job enumerates; the tests go further
CASES = ((1, 8), (2, 7), (3, 6), (4, 5))
LETTERS = "$A_i$ is a gradient taken at $w_i$ times the stepsize that it is applied with"
SOURCE = "Shi, Yang & Li (2024, arXiv:2407.19234)"


def group(version: int, workers: int) -> int:
    """Return ceil(i/M): gradients come in groups of M, the initial ones are group 0."""
    return (version + workers - 1) // workers


def beta_of(view: View) -> Any:
    """Return the method's beta. Raises PartError when it has none: then it is no momentum method."""
    if "beta" not in view.par:
        raise PartError("this identity is about a method with a number 'beta', and this method has none.")
    return view.par["beta"]


def momentum_of(view: View) -> Any:
    """Return u, the momentum. Raises PartError when the method has no vector of that name."""
    if "u" not in view.vectors:
        raise PartError("this identity is about a method with a vector 'u', its momentum, and this method has none.")
    return view.vectors["u"]


def moved(flying: Iterable[Flying], zero: Any) -> Any:
    """Return the sum of the A_i."""
    return sum((f.gamma_next * f.gradient for f in flying), zero)


def geometric(beta: Any, e: int) -> Any:
    """Return 1 + beta + .. + beta^e = (1 - beta^(e + 1))/(1 - beta)."""
    total = 1
    for _ in range(e):
        total = 1 + beta * total
    return total


def power(beta: Any, e: int) -> Any:
    """Return beta^e, and 1 for e = 0, whatever beta is."""
    found = 1
    for _ in range(e):
        found = found * beta
    return found


def issued(view: View) -> tuple[Flying, ...]:
    """Return all gradients handed out so far, in order."""
    assert view.issued is not None, "the identity has history=True"
    return view.issued


def arrived(view: View) -> list[Flying]:
    """Return all gradients delivered so far."""
    flying = {f.number for f in view.in_flight[:-1]}
    return [f for f in issued(view) if f.number not in flying]


def newest(view: View) -> int:
    """Return I, the newest group of the momentum: that of the model last handed out, under every scheduler."""
    return max(group(f.version, view.workers) for f in issued(view))


#: (uhat, yhat) with each gradient handed out; a run's gradients take it along when they go
_AFTER: WeakKeyDictionary[Flying, tuple[Any, Any]] = WeakKeyDictionary()


def hats(view: View) -> tuple[Any, Any]:
    """Return (uhat, yhat) after step k, by their recursions over every gradient handed out so far.

    uhat_1 = sum of the A_0, yhat_1 = w_0 - uhat_1. Then for i = 1, 2, ..: when M divides i - 1, y loses beta u and u
    becomes beta u; and A_i is added to u, subtracted from y.
    """
    beta, made = beta_of(view), issued(view)
    first = next((n for n in range(len(made), 0, -1) if made[n - 1] in _AFTER), 0)
    u, y = _AFTER[made[first - 1]] if first else (0 * view.start, view.start)
    for f in made[first:]:
        if f.version > 0 and (f.version - 1) % view.workers == 0:
            y = y - beta * u
            u = beta * u
        step = f.gamma_next * f.gradient
        y = y - step
        u = u + step
        _AFTER[f] = u, y
    return u, y


def weighed(view: View, flying: Iterable[Flying], now: int, weight: Callable[[Any, int], Any]) -> Any:
    """Return the sum of weight(beta, e) A_i, with e = now - G(i) the groups that a gradient is behind ``now``."""
    beta, total = beta_of(view), 0 * view.x
    for f in flying:
        total = total + (weight(beta, now - group(f.version, view.workers)) * f.gamma_next) * f.gradient
    return total


def rounding(view: View) -> float:
    """Bound the rounding of w - beta q u and of what it is compared with, in units of that of Lemma 1's sums.

    A half step rounds by |beta u| <= |w_k| + |w_(k+1)| + q |A| once in w and once in u, which counts beta q times; an
    arrival by (2 q^2 + 3 q) |A| in w (its coefficient 1 + beta + .. by 2 q^2, for errors shrink by beta) and by
    |u| + 3 |A| in u. Within a round |u| is at most |beta u| at its start plus the |A| since, so the sum of |u| over all
    steps is at most M times what half steps round by, and M times the sum of |A|. Together q^2 (2 M + 12) at most; and
    q (M + 12) for the other side, q itself included.
    """
    q = 1 / (1 - float(beta_of(view)))
    return q * q * (3 * view.workers + 24)


def rounding_of_history(view: View) -> float:
    """Bound the same for sums over all gradients handed out: k + M terms, each at most q times the sum of the |A|.

    A recursion rounds every step by 3 q times that sum at most, a closed form by its coefficients (2 q^2) as well.
    """
    q = 1 / (1 - float(beta_of(view)))
    return rounding(view) + q * q * (6 * (view.step + view.workers) + 16)
