"""Changed derivations: a claim's proof with other assumptions, another stepsize, other steps."""

from dataclasses import replace

import numpy as np
from sympy import Rational

from ratecheck.checks import symbolic
from ratecheck.checks.steps import Context, Refused, Undone
from ratecheck.core import shelf
from ratecheck.core.proof import Fact, Total
from ratecheck.engine.schedule import from_order


def verdict(name, *, steps=None, **changes):
    """Check the proof of a claim with changes to the claim, or with other steps."""
    claim = replace(shelf.CLAIMS.get(name), **changes)
    proof = symbolic.proof_of(name)
    return symbolic.checked(claim, proof if steps is None else replace(proof, steps=tuple(steps)))


def proved(chain):
    return not chain.trusted and chain.false is None


def changes(step):
    """Yield changed copies of a step: a right side 9/10 as large, a certificate without one of its facts.

    A product without a fact is nonnegative as it stands: left out, it is left over, which is the same proof.
    """
    says = getattr(step, "says", None)
    if isinstance(says, Fact) and says.right != 0:
        yield replace(step, says=replace(says, right=says.right * Rational(9, 10)))
    products = getattr(step, "by", ())
    for i, product in enumerate(products):
        if any(isinstance(factor, str | Total) for factor in product):
            yield replace(step, by=products[:i] + products[i + 1 :])


def survivors(name):
    """Return the changed steps after which a part of the proof still goes through, and how many were tried."""
    each = [_survivors(*part) for part in symbolic.parts(shelf.CLAIMS.get(name), symbolic.proof_of(name))]
    return [one for found, _ in each for one in found], sum(tried for _, tried in each)


def _survivors(claim, proof):
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    context, found, tried = Context(claim, rule, proof.setting), [], 0
    for i, step in enumerate(proof.steps):
        for changed in changes(step):
            tried += 1
            trial, chain = replace(context, done=dict(context.done), letters=dict(context.letters)), symbolic.Chain()
            try:
                for later in (changed, *proof.steps[i + 1 :]):
                    trial.done[later.name] = symbolic._discharged(later, trial)
            except (Refused, Undone):
                continue
            symbolic._close(claim, proof, trial, chain)
            if proved(chain):
                found.append((step.name, str(changed)))
        context.done[step.name] = symbolic._discharged(step, context)
    return found, tried


class Shelf:
    """A shelf with one method on it."""

    def __init__(self, method):
        self.METHODS = self
        self.method = method

    def get(self, name):
        return self.method


def orders():
    """Return four short schedules in which a gradient is late, of two workers and of three."""
    few = ((2, (0, 1, 1, 0)), (2, (1, 1, 0, 1)), (3, (2, 0, 0, 1)), (3, (1, 2, 1, 0)))
    desk = shelf.SCHEDULERS.get("async")
    return [from_order(desk, workers, np.array(order, dtype=np.int64)) for workers, order in few]
