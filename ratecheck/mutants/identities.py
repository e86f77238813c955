"""Lies about identities: the sum of the gradients in flight with an index, a sign or a term wrong."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import View
from ratecheck.mutants.grids import MINIBATCH, ORTHOGONAL, QUADRATIC, ROUNDS, THEOREM3
from ratecheck.mutants.mutant import Mutant


def stating(residual: Callable[[View], Any]) -> Callable[[Claim], Claim]:
    """Return what puts another residual into the claim's identity."""

    def changed(claim: Claim) -> Claim:
        (identity,) = claim.identities
        return replace(claim, identities=(replace(identity, residual=residual),))

    return changed


def apart(view: View, terms: Iterable[Any], sign: int = 1) -> Any:
    """Return x_k - xhat_k minus these terms."""
    return view.x - view.virtual - sign * sum(terms, 0 * view.x)


def others(view: View) -> list[Any]:
    """Return the gradients in flight of the workers other than m_k, with their final stepsizes."""
    return [f.gamma_next * f.gradient for f in view.in_flight if f.worker != view.arrived]


def in_flight(kept: Callable[[View, Any], bool]) -> Callable[[View], Any]:
    """Return a residual that sums over some of the gradients in flight."""
    return lambda view: apart(view, (f.gamma_next * f.gradient for f in view.in_flight if kept(view, f)))


def with_present_stepsize(view: View) -> Any:
    """Return the residual with gamma_k for the stepsizes that the gradients in flight will have."""
    return apart(view, (view.gamma * f.gradient for f in view.in_flight if f.worker != view.arrived))


def of_models(view: View) -> Any:
    """Return the residual of minibatch SGD with the sum for the mean."""
    if view.step % view.workers:
        return 0 * view.x
    return view.x - view.virtual


def one_step_late(view: View) -> Any:
    """Return the residual of minibatch SGD with rounds that end one delivery too late."""
    if (view.step - 1) % view.workers:
        return 0 * view.x
    return view.workers * (view.x - view.start) - (view.virtual - view.start)


def without_start(view: View) -> Any:
    """Return the residual of minibatch SGD that takes x_0 for the origin."""
    return 0 * view.x if view.step % view.workers else view.workers * view.x - view.virtual


BOTH = ("exact", "floats")
LEMMA1 = (
    ("indicator_always_true", "the printed indicator, always true: nothing is in flight", lambda v: apart(v, ()), BOTH),
    ("arrived_not_left_out", "m = m_k in the sum", in_flight(lambda v, f: True), BOTH),
    ("arrived_for_others", "only m = m_k in the sum", in_flight(lambda v, f: f.worker == v.arrived), BOTH),
    ("one_term_missing", "the last term missing", lambda v: apart(v, others(v)[:-1]), BOTH),
    (
        "newest_missing",
        "no gradient of the version before",
        in_flight(lambda v, f: f.worker != v.arrived and f.version != v.step - 1),
        BOTH,
    ),
    (
        "not_returned_missing",
        "no gradient of a worker that has not returned yet",
        in_flight(lambda v, f: f.worker != v.arrived and f.version > 0),
        BOTH,
    ),
    ("wrong_sign", "wrong sign", lambda v: apart(v, others(v), -1), BOTH),
    ("present_stepsize", "gamma_k for gamma_next", with_present_stepsize, BOTH),
    ("lemma1_in_other_words", "no lie: the terms in the opposite order", lambda v: apart(v, reversed(others(v))), ()),
)
HELD_BACK = (
    ("applied_too", "no noise at all is felt: the gradient just applied counted as in flight",
     lambda v: sum((v.x * f.gradient for f in v.in_flight), 0 * v.x)),
    ("only_the_applied", "the gradient just applied is not felt yet", lambda v: v.x * v.in_flight[-1].gradient),
    ("virtual_too", "the virtual iterate does not feel what is in flight",
     lambda v: sum((v.virtual * f.gradient for f in v.in_flight[:-1]), 0 * v.x)),
)  # fmt: skip
ROUNDS_TOO = (
    ("rounds_sum", "the sum for the mean", of_models, BOTH),
    ("rounds_late", "rounds end one delivery late", one_step_late, BOTH),
    ("rounds_from_origin", "x_0 taken for the origin", without_start, BOTH),
)

MUTANTS = (
    *(Mutant(n, "identity", THEOREM3, lie, (QUADRATIC,), by, change=stating(r)) for n, lie, r, by in LEMMA1),
    *(
        Mutant(n, "identity", MINIBATCH, lie, (ROUNDS,), by, change=stating(r), cases=((2, 4), (3, 6)))
        for n, lie, r, by in ROUNDS_TOO
    ),
    *(Mutant(f"orthogonality_{n}", "identity", ORTHOGONAL, lie, (), ("exact",), change=stating(r))
      for n, lie, r in HELD_BACK),
)  # fmt: skip
