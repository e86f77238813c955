"""Steps of kind expectation: a sample's noise has mean zero given everything that does not depend on the sample.

What depends on what is in ``samples``: an induction for one sample, for all M and K, and the algorithm's kernel on all
small arrival orders. Through the stepsizes and through who arrives, iterates also depend on the schedule; there the
claim's delay policy decides.

- fresh (the sample of the hand-out at x_k): no x_k has it; xhat_k has it only through final stepsizes that depend on
  the schedule after k. Those are numbers if delays are independent of samples, or if the stepsize is constant and
  initial gradients in flight are closed freely: with the same constant. A vector "before" x_k is a combination, with
  constants for coefficients, of gradients at x_0, .., x_(k-1) and of the noise of hand-outs there, in flight or not.
- flying (a sample in flight at k): no x_k has it, but that it is in flight at k says something about it unless delays
  are independent of samples. No point that another gradient in flight at k was taken at has it, either: so the noise
  in flight, a sum, is orthogonal to the sum of the means, and its terms are orthogonal to each other.
- initial: x_0 and grad F(x_0) are there before any sample; their sum N0 has stepsizes for weights.
- noise kept: a sum over hand-outs, with weights from the schedule; the sample of each is fresh to the points before
  it and to its own, so that the terms are orthogonal to each other.
- fresh noise of a barrier's round: all of it arrives in the round, whatever the order.

Clairvoyant delays see all samples in flight, and none that is not drawn yet. So a sample is fresh to its point and to
all that was there before, whatever the delays depend on: x_k, and who has arrived by k, are made of earlier samples.
From its hand-out on nothing is granted of it: when it arrives, and so all that comes after, may depend on it. What
holds in expectation, and not on every run, may be multiplied by numbers alone; see ``means``.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ratecheck.checks.steps import FREELY, OF_ORDER, Context, Outcome, Refused, Undone, changing, drawn, samples
from ratecheck.core import shelf
from ratecheck.core.gram import Ip, linear
from ratecheck.core.proof import Expectation, eq, le
from ratecheck.core.setting import g_0, i, m
from ratecheck.core.setting_flight import FLIGHT
from ratecheck.core.symbols import M, excess, k, sigma, sigma_r

#: (role of the noise, role of the other vector): which rows must not have the sample, and what else it takes
ZERO = {
    ("fresh", "model"): ("x", "nothing"),
    ("fresh", "virtual"): ("virtual", "fixed stepsizes"),
    ("fresh", "before"): ("x", "nothing"),
    ("fresh noise", "model"): ("x", "nothing"),
    ("flying", "model"): ("x in flight", "independence"),
    ("initial", "start"): ("", "nothing"),
    ("initial noise", "start"): ("", "fixed stepsizes"),
    ("applied", "model"): ("x applied", "independence"),
    ("noise in flight", "means in flight"): ("points in flight", "independence"),
}


def discharge(step: Expectation, context: Context) -> Outcome:
    """Return E<of, against> = 0, or the bound on the variance. Raises Refused when independence is not given."""
    if context.setting is FLIGHT:
        return drawn.discharge(step, context)
    role = _role(step.of, context)
    if role == "moment" and step.against is None:
        return _moment(step, context)
    if step.against is None:
        return _variance(step, role, context)
    other = _role(step.against, context)
    if (role, other) not in ZERO:
        raise Undone(f"nothing is known of {step.of} ({role}) against {step.against} ({other})")
    rows, needs = ZERO[role, other]
    why = _without(rows, context) if rows else "it is drawn after"
    tags = _granted(step, needs, context)
    return Outcome(eq(Ip(step.of, step.against), 0), f"{why}; of the delays: {needs}", tags=tags)


def _without(rows: str, context: Context) -> str:
    """Return in words why the rows have none of the samples that are asked for; raises Refused when one has."""
    return samples.established(context.claim.method, context.setting.scheduler, rows)


def _role(vec: Any, context: Context) -> str:
    """Return the role of a vector with exactly these indices: n(k) is fresh at k, and not against u(k + 1)."""
    return context.setting.roles.get(vec, "unknown")


def _granted(step: Expectation, needs: str, context: Context) -> frozenset[str]:
    """Return the tags under which what is needed of the delays is granted; raises Refused when it is not."""
    if needs == "nothing" or context.claim.policy == "independent":
        return frozenset()
    if needs == "fixed stepsizes" and not any(OF_ORDER & set(f.names) for f in context.stepsize.branches.values()):
        return frozenset({FREELY})
    why = {
        "independence": "that it is in flight at k tells about it",
        "fixed stepsizes": "final stepsizes are fixed by the schedule after it is drawn",
    }[needs]
    says = f"E|{step.of}|^2 as a sum of squares" if step.against is None else f"E<{step.of}, {step.against}> = 0"
    raise Refused(
        f"{says} needs delays independent of the samples, and the claim covers {context.claim.policy} ones: {why}"
    )


def _moment(step: Expectation, context: Context) -> Outcome:
    """E||noise||^(2 + excess) <= sigma_r^(2 + excess) when it is drawn, whoever looks at it later."""
    if not (context.assumes("finite sigma_r") or context.assumes("sigma_r > 0")):
        raise Undone("the claim does not assume: finite sigma_r")
    if not context.assumes("excess > 0"):
        raise Undone("the claim does not assume: excess > 0")
    return Outcome(le(step.of, sigma_r ** (2 + excess)), "bounded moment")


def _variance(step: Expectation, role: str, context: Context) -> Outcome:
    """E||n||^2 <= sigma^2; for a sum of independent samples with fixed weights, sigma^2 times the squared weights."""
    if not context.assumes("finite sigma"):
        raise Undone("the claim does not assume: finite sigma")
    if shelf.METHODS.get(context.setting.method).queries > 1 and not context.assumes("additive noise"):
        return changing.variance(step, role, context)
    if role in ("fresh", "flying", "initial"):  # which one is in flight at k may tell of its size
        tags = _granted(step, "independence" if role == "flying" else "nothing", context)
        return Outcome(le(Ip(step.of, step.of), sigma**2), "bounded variance", tags=tags)
    if role == "initial noise":
        tags = _granted(step, "fixed stepsizes", context)
        weights = sp.Sum(g_0(m) ** 2, (m, 1, M))
        return Outcome(le(Ip(step.of, step.of), sigma**2 * weights), "the initial samples are independent", tags=tags)
    if role == "noise in flight":
        return _variance_in_flight(step, context)
    if role == "noise kept":
        return _variance_kept(step, context)
    if role == "fresh noise":
        why = f"the M samples of a round are independent: {_without('points in flight', context)}"
        tags = _granted(step, "nothing", context)
        return Outcome(le(Ip(step.of, step.of), sigma**2 / M), why, tags=tags)
    raise Undone(f"{step.of} ({role}) is no noise")


def _variance_in_flight(step: Expectation, context: Context) -> Outcome:
    """The terms of a sum of noises in flight are orthogonal: the point of neither depends on the other's sample."""
    sums = [value for atom, value in context.setting.equations.values() if atom == step.of]
    if len(sums) != 1 or not isinstance(sums[0], sp.Sum):
        raise Refused(f"the terms of {step.of} are not independent: the setting says no sum")
    why, tags = _without("points in flight", context), _granted(step, "independence", context)
    ((weight, noise),) = linear(sums[0].function)
    if _role(noise, context) != "flying":
        raise Undone(f"{noise} is no noise of one gradient in flight")
    total = sp.Sum(weight**2, *sums[0].limits)
    how = f"the samples in flight are independent: {why}"
    return Outcome(le(Ip(step.of, step.of), sigma**2 * total), how, tags=tags)


def _variance_kept(step: Expectation, context: Context) -> Outcome:
    """The terms of a sum of noises of different hand-outs are orthogonal: no point depends on samples drawn later."""
    sums = [value for atom, value in context.setting.equations.values() if atom == step.of]
    if len(sums) != 1:
        raise Refused(f"the terms of {step.of} are not independent: the setting says no sum")
    why, tags = _without("x", context), _granted(step, "independence", context)
    whole, roles = sp.S.Zero, []
    for factor, total in linear(sums[0]):
        if not isinstance(total, sp.Sum):
            raise Undone(f"{total} is no sum of noises")
        ((weight, noise),) = linear(total.function)
        roles.append(_role(noise.xreplace({i: k}) if total.limits[0][0] == i else noise, context))
        whole += sp.Sum((factor * weight) ** 2, *total.limits)
    if roles != list(dict.fromkeys(roles)) or not set(roles) <= {"fresh", "initial"}:
        raise Undone(f"{step.of} is no sum of noises of different hand-outs: {', '.join(roles)}")
    how = f"each sample is fresh to those before it: {why}"
    return Outcome(le(Ip(step.of, step.of), sigma**2 * whole), how, tags=tags)
