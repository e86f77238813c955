"""Steps of kind martingale: the second moment of the noise of many samples (``core.setting_mu2``).

A policy never sees samples that are not drawn yet, and neither does a model: so in the order in which they are drawn
noises have mean 0 given all before, under every policy, clairvoyant ones too, and their partial sums are a martingale.
Noise is the same at both points that a sample is looked at in (assumed), so that a hand-out brings one noise.

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

from ratecheck.checks.steps import MEAN, Context, Outcome, Refused, Undone, samples
from ratecheck.checks.steps.averages import PLAIN
from ratecheck.checks.steps.counting import established
from ratecheck.core.assumption import POLICIES
from ratecheck.core.gram import square
from ratecheck.core.proof import Fact, Martingale, le
from ratecheck.core.setting import j
from ratecheck.core.setting_mu2 import IN_ORDER, MU2
from ratecheck.core.symbols import M, excess, k, sigma, sigma_r, tau_cap

INDEPENDENT, MEAN_ZERO, _, ANY = POLICIES
VARIANCE = ("finite sigma", "additive noise")


@dataclass(frozen=True)
class Moment:
    """What it is at most, the largest policy under which, why, what the claim must assume, and another lemma used."""

    fact: Callable[[Any], Fact]
    policy: str
    why: str
    assumed: tuple[str, ...] = VARIANCE
    lemma: str = ""


def _times(number: Any) -> Callable[[Any], Fact]:
    """E||of||^2 <= number sigma^2."""
    return lambda of: le(square(of), sigma**2 * number)


def _each(of: Any) -> Fact:
    return le(sp.Sum(square(of), (j, 1, M - 1)), (M + tau_cap - 2) * sigma**2)


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
        Moment(lambda of: le(of, sigma_r ** (2 + excess)), ANY, "bounded moment",
               ("finite sigma_r", "finite excess", "additive noise")),
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
    missing = [one for one in moment.assumed if not context.assumes(one)]
    if missing:
        raise Undone(f"the claim does not assume: {', '.join(missing)}")
    method, lemma = PLAIN[setting.method]
    points = samples.established(method, setting.scheduler, "x")
    lemmas = "; ".join(established(one) for one in (lemma, moment.lemma) if one)
    return Outcome(moment.fact(step.of), f"{moment.why}; {points}; {lemmas}", tags=frozenset({MEAN}))
