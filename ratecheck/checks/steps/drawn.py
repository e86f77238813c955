"""Expectations of what is drawn, in flight and back (``core.setting_flight``): steps of kind expectation.

A policy never sees samples that are not drawn yet, and neither does a model (``samples``, row x). So E[n(k) | all
samples drawn before, and all choices up to then] = 0 under every policy, clairvoyant ones too, and

- a sample      is orthogonal to the sum of all that were drawn before it: the sums are a martingale.
- told          With the parts that durations tell of it is the same where a duration is a function of the sample of its
                own job: then E[told(k) | before] = E[n(k) | before] = 0. Clairvoyant ones that copy an earlier sample
                half of the time tell of both: of two signs 5/8 > 2/4 (M = 2 at x_0, E|told|^2 = 1/4 each).
- drawn at x_0  M samples, one after the other: their sum has the sum of their squares.
- the rest      of a noise is orthogonal to what the duration tells of it: told(k) = E[n(k) | duration, point].
- back, rest    Where who delivers is decided by durations, each a function of the sample of its own job, and by nothing
                else that looks at samples (data-dependent delays): given all durations, the rests of different samples
                are orthogonal, and have mean 0. So the sum of those that are back has the sum of their squares. What
                the durations tell of all that were drawn is a number then, if noise is the same at every point: so the
                two are orthogonal.
- back          the same of whole noises, where durations tell nothing of their mean. And where delays are independent.
- in flight     where delays are independent of samples who is in flight tells nothing of the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Refused, Undone, samples
from ratecheck.checks.steps.counting import established
from ratecheck.core.assumption import POLICIES
from ratecheck.core.gram import Ip, square
from ratecheck.core.proof import Expectation, Fact, eq, le
from ratecheck.core.setting import m
from ratecheck.core.setting_flight import FLIGHT, heavy, heavy_0, weight, weight_0
from ratecheck.core.symbols import excess, k, sigma, sigma_mu, sigma_r

INDEPENDENT, MEAN_ZERO, BY_DURATION, ANY = POLICIES


@dataclass(frozen=True)
class Needs:
    """What a fact needs: the largest delay policy, assumptions of the claim, and why."""

    policy: str
    why: str
    assumed: tuple[str, ...] = ()


_TOLD = ("told", "told at x_0")
#: role of one, role of the other: what E<one, other> = 0 needs
ZERO = {
    ("sample", "drawn"): Needs(ANY, "it is drawn after all of these"),
    ("told", "drawn, told"): Needs(BY_DURATION, "it is of a sample drawn after all of these"),
    ("rest", "told"): Needs(ANY, "one is a conditional mean, the other what is left"),
    ("rest at x_0", "told at x_0"): Needs(ANY, "one is a conditional mean, the other what is left"),
    ("back, rest", "all told"): Needs(BY_DURATION, "given all durations the one has mean 0", ("additive noise",)),
}
#: role of a sum: what E||sum||^2 = sum of the squares needs
SQUARES = {
    "drawn at x_0": Needs(ANY, "one is drawn after the other"),
    "all told at x_0": Needs(BY_DURATION, "one is drawn after the other, and so is its duration"),
    "flight": Needs(INDEPENDENT, "samples are independent, and so is who is in flight"),
    "back": Needs(MEAN_ZERO, "given all durations the noises are orthogonal"),
    "back, rest": Needs(BY_DURATION, "given all durations they are orthogonal"),
}
#: role of one vector: what a bound on its variance needs
ONE = {
    "sample": Needs(ANY, "bounded variance", ("finite sigma",)),
    "sample at x_0": Needs(ANY, "bounded variance", ("finite sigma",)),
    **{one: Needs(ANY, "bounded variance of what durations tell", ("finite sigma_mu",)) for one in _TOLD},
    "weighted": Needs(ANY, "bounded variance", ("finite sigma",)),
    "power": Needs(ANY, "bounded moment", ("finite sigma_r", "excess > 0")),
    "one in flight": Needs(INDEPENDENT, "bounded variance", ("finite sigma",)),
    "one back": Needs(INDEPENDENT, "bounded variance", ("finite sigma",)),
}


def discharge(step: Expectation, context: Context) -> Outcome:
    """Return the fact of a step in this setting. Raises Refused where the policy does not grant it, Undone else."""
    role = _role(step.of)
    if step.against is not None:
        other = _role(step.against)
        needs = ZERO.get((role, other))
        fact = eq(Ip(step.of, step.against), 0)
    elif role in SQUARES:
        needs, fact = SQUARES[role], eq(square(step.of), _squares(step.of))
    else:
        needs, fact = ONE.get(role), _bound(step.of, role)
    if needs is None:
        raise Undone(f"nothing is known of {step.of} ({role}) against {step.against}")
    missing = [one for one in needs.assumed if not context.assumes(one)]
    if missing:
        raise Undone(f"the claim does not assume: {', '.join(missing)}")
    if POLICIES.index(context.claim.policy) > POLICIES.index(needs.policy):
        raise Refused(f"it needs {needs.policy} delays at most, and the claim covers {context.claim.policy} ones")
    points = samples.established(context.claim.method, context.setting.scheduler, "x")
    return Outcome(fact, f"{needs.why}; {points}; delays: {needs.policy}")


def _role(vec: Any) -> str:
    """Return the role of a vector with exactly these indices."""
    return FLIGHT.roles.get(vec, "unknown")


def _squares(of: Any) -> sp.Expr:
    """Return the sum of the squares of the terms that the setting says a sum has."""
    sums = [(name, v) for name, (atom, v) in FLIGHT.equations.items() if atom == of and isinstance(v, sp.Sum)]
    if len(sums) != 1:
        raise Undone(f"the setting does not say that {of} is one sum")
    ((name, whole),) = sums
    if name in FLIGHT.lemmas:
        established(FLIGHT.lemmas[name])
    return sp.Sum(square(whole.function), *whole.limits)


def _bound(of: Any, role: str) -> Fact:
    if role == "power":
        return le(of, sigma_r ** (2 + excess))
    if role == "weighted":
        return le(square(of), {heavy(k): weight(k), heavy_0(m): weight_0(m)}[of] ** 2 * sigma**2)
    return le(square(of), sigma_mu**2 if role in _TOLD else sigma**2)
