"""Steps of kind martingale: the second moment of the noise of many samples (``core.setting_mu2``).

A policy never sees samples that are not drawn yet, and neither does a model: so in the order in which they are drawn
noises have mean 0 given all before, under every policy, clairvoyant ones too, and their partial sums are a martingale.
A hand-out brings one noise: that of its sample, of variance sigma^2, where noise is the same at both points that the
sample is looked at in (assumed); else that of what is sent, made of its sample and of points that were there before.
Then c stands for sigma^2 below: facts of the derivation say E||n(k)||^2 <= c and E||n0(m)||^2 <= c, c one number. And
a duration that tells nothing of the mean of a noise tells nothing of it at any point.

all drawn  E||ad(k)||^2 <= (M + k - 1) sigma^2: so many are drawn before delivery k, each counted once, arrived or not;
           products of two have mean 0. Any policy.
arrived    E||a(k)||^2 <= k sigma^2: k are back. Which, and in what order, must tell nothing of the noise: delays that
           are independent of the samples. E||a(k)||^2 <= (M + k - 1) sigma^2 where durations decide who is back, each a
           function of the sample of its own job, and tell nothing of its mean: given all durations noises of different
           samples are orthogonal, and squares of what is back are among those of all drawn. (They may be the large
           ones: no k sigma^2.) Refused for others: E||a(2)||^2 = 5/2 sigma^2 > 2 sigma^2 for two workers, signs and
           delays that hold back +1 (levy2026.step15), and for M large it is M times as much.
committed  E||a(k)||^2 <= 4 k sigma^2 for the first C(k) <= k samples in the order drawn, whichever C(k) the delays
           choose: it is at most E max_{c <= k} ||S_c||^2, and Doob's inequality says E max ||S_c||^2 <= 4 E||S_k||^2.
           That is a theorem on ||S_c||, a submartingale, and taken as one; so is that of the k noises products of two
           have mean 0. Any policy: the noises are summed in an order that the delays cannot change. The sum of what
           has arrived is no such partial sum, and nothing of the kind is granted of it.
flying     sum_j E||nf(k, j)||^2 <= (M + tau_cap - 2) sigma^2 under a cap on all delays that the claim assumes: what is
           in flight after delivery k was handed out after delivery k + 1 - tau_cap or later. Its number says so
           alone, whatever the delays look at; M + tau_cap - 2 numbers are that late: the M at x_1 and tau_cap - 2
           others, or tau_cap - 1 others. The sum of the squares of all of these is as large. Any policy.
power      E np(k) <= sigma_r^(2 + excess), and so for np0(m): a moment of one sample when it is drawn. Any policy.

That the kernels sum so, each sample once and in this order, is enumerated over small arrival orders (``averages``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ratecheck.checks.steps import MEAN, Context, Outcome, Refused, Undone, means, samples
from ratecheck.checks.steps.averages import PLAIN
from ratecheck.checks.steps.counting import established
from ratecheck.core.assumption import POLICIES
from ratecheck.core.gram import Ip, Vec, normal, square
from ratecheck.core.proof import Fact, Martingale, le
from ratecheck.core.setting import j, m, n, n_0
from ratecheck.core.setting_mu2 import IN_ORDER, MU2
from ratecheck.core.symbols import M, excess, k, sigma, sigma_r, tau_cap

INDEPENDENT, MEAN_ZERO, _, ANY = POLICIES
VARIANCE = ("finite sigma", "additive noise")


@dataclass(frozen=True)
class Moment:
    """What it is at most, the largest policy under which, why, what the claim must assume, and another lemma used."""

    fact: Callable[[Any, Any], Fact]
    policy: str
    why: str
    assumed: tuple[str, ...] = VARIANCE
    lemma: str = ""


def _times(number: Any) -> Callable[[Any, Any], Fact]:
    """E||of||^2 <= number times the variance of one."""
    return lambda of, one: le(square(of), one * number)


def _each(of: Any, one: Any) -> Fact:
    return le(sp.Sum(square(of), (j, 1, M - 1)), (M + tau_cap - 2) * one)


#: by role; of several the first that covers the policy
MOMENTS = {
    "all drawn": (Moment(_times(M + k - 1), ANY, "M + k - 1 samples, each fresh to those before it"),),
    "arrived": (
        Moment(_times(k), INDEPENDENT, "k samples, and who they are tells nothing of them"),
        Moment(_times(M + k - 1), MEAN_ZERO, "orthogonal given all durations, among M + k - 1 samples"),
    ),
    "committed": (
        Moment(_times(4 * k), ANY, "Doob's maximal inequality, the samples in the order in which they came"),
    ),
    "flying": (
        Moment(_each, ANY, "M + tau_cap - 2 samples are that late", (*VARIANCE, "finite tau_cap"), "mu2, lately"),
    ),
    "power": (
        Moment(lambda of, one: le(of, sigma_r ** (2 + excess)), ANY, "bounded moment",
               ("finite sigma_r", "excess > 0", "additive noise")),
    ),
}  # fmt: skip


def discharge(step: Martingale, context: Context) -> Outcome:
    """Return the bound on E||of||^2. Raises Refused when the delay policy does not grant it, Undone when unknown."""
    setting = context.setting
    if setting is not MU2 and setting is not IN_ORDER:
        raise Undone(f"nothing is known of the order in which {setting.name} sums its samples")
    role = setting.roles.get(step.of, "unknown")
    if role not in MOMENTS:
        raise Undone(f"{step.of} ({role}) is no noise of samples that are counted")
    far = POLICIES.index(context.claim.policy)
    moment = next((one for one in MOMENTS[role] if far <= POLICIES.index(one.policy)), None)
    if moment is None:
        raise Refused(
            f"of {step.of} ({role}) it needs {MOMENTS[role][-1].policy} delays, and the claim covers "
            f"{context.claim.policy} ones: delays may select what has arrived by its noise"
        )
    if step.each and role == "power":
        raise Undone(f"a variance says nothing of {step.of}")
    one = _variance(step.each, context) if step.each else sigma**2
    assumed = [of for of in moment.assumed if not (step.each and of in VARIANCE)]  # which the facts are for
    missing = [of for of in assumed if not context.assumes(of)]
    if missing:
        raise Undone(f"the claim does not assume: {', '.join(missing)}")
    method, lemma = PLAIN[setting.method]
    points = samples.established(method, setting.scheduler, "x")
    lemmas = "; ".join(established(one) for one in (lemma, moment.lemma) if one)
    return Outcome(moment.fact(step.of, one), f"{moment.why}; {points}; {lemmas}", tags=frozenset({MEAN}))


def _variance(names: tuple[str, ...], context: Context) -> sp.Expr:
    """Return c. Raises Undone when the facts do not say E||n(k)||^2 <= c and E||n0(m)||^2 <= c of one number c."""
    if len(names) != 2:
        raise Undone(f"it takes a fact about {n(k)} and one about {n_0(m)}")
    found = []
    for name, of in zip(names, (n(k), n_0(m)), strict=True):
        fact = context.fact(name)
        most = normal(fact.expr + square(of))
        if fact.equality or most.has(Ip, Vec) or any(most.has(x) for x in context.setting.ranges):
            raise Undone(f"{name!r} does not say that the mean square of {of} is at most one number")
        if context.random_schedule and means.is_random(most, context):
            raise Refused(f"{most} is random for {context.claim.policy} delays")
        found.append(most)
    if found[0] != found[1]:
        raise Undone(f"{names[0]!r} and {names[1]!r} do not have the same bound")
    return found[0]
