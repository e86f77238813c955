"""Steps of kind martingale: the second moment of the noise of many samples (``core.setting_mu2``).

A policy never sees samples that are not drawn yet, and neither does a model: so in the order in which they are drawn
noises have mean 0 given all before, under every policy, clairvoyant ones too, and their partial sums are a martingale.
Noise is the same at both points that a sample is looked at in (assumed), so that a hand-out brings one noise.

all drawn  E||ad(k)||^2 <= (M + k - 1) sigma^2: so many are drawn before delivery k, each counted once, arrived or not;
           products of two have mean 0. Any policy.
arrived    E||a(k)||^2 <= k sigma^2: k are back. Which, and in what order, must tell nothing of the noise: delays that
           are independent of the samples. Refused for others: E||a(2)||^2 = 5/2 sigma^2 > 2 sigma^2 for two workers,
           signs and delays that hold back +1 (levy2026.step15).
committed  E||a(k)||^2 <= 4 k sigma^2 for the first C(k) <= k samples in the order drawn, whichever C(k) the delays
           choose: it is at most E max_{c <= k} ||S_c||^2, and Doob's inequality says E max ||S_c||^2 <= 4 E||S_k||^2.
           That is a theorem on ||S_c||, a submartingale, and taken as one; so is that of the k noises products of two
           have mean 0. Any policy: the noises are summed in an order that the delays cannot change. The sum of what
           has arrived is no such partial sum, and nothing of the kind is granted of it.

That the kernels sum so, each sample once and in this order, is enumerated over small arrival orders (``averages``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from ratecheck.checks.steps import MEAN, Context, Outcome, Refused, Undone, samples
from ratecheck.checks.steps.averages import PLAIN
from ratecheck.checks.steps.counting import established
from ratecheck.core.assumption import POLICIES
from ratecheck.core.gram import square
from ratecheck.core.proof import Martingale, le
from ratecheck.core.setting_mu2 import IN_ORDER, MU2
from ratecheck.core.symbols import M, k, sigma

INDEPENDENT, ANY = POLICIES[0], POLICIES[-1]


@dataclass(frozen=True)
class Moment:
    """How many sigma^2 it is at most, the largest policy under which, and why."""

    times: Callable[[], sp.Expr]
    policy: str
    why: str


MOMENTS = {
    "all drawn": Moment(lambda: M + k - 1, ANY, "M + k - 1 samples, each fresh to those before it"),
    "arrived": Moment(lambda: k, INDEPENDENT, "k samples, and who they are tells nothing of them"),
    "committed": Moment(lambda: 4 * k, ANY, "Doob's maximal inequality, the samples in the order in which they came"),
}
ASSUMED = ("finite sigma", "additive noise")


def discharge(step: Martingale, context: Context) -> Outcome:
    """Return the bound on E||of||^2. Raises Refused when the delay policy does not grant it, Undone when unknown."""
    setting = context.setting
    if setting is not MU2 and setting is not IN_ORDER:
        raise Undone(f"nothing is known of the order in which {setting.name} sums its samples")
    role = setting.roles.get(step.of, "unknown")
    if role not in MOMENTS:
        raise Undone(f"{step.of} ({role}) is no noise of samples that are counted")
    moment = MOMENTS[role]
    missing = [one for one in ASSUMED if not context.assumes(one)]
    if missing:
        raise Undone(f"the claim does not assume: {', '.join(missing)}")
    if POLICIES.index(context.claim.policy) > POLICIES.index(moment.policy):
        raise Refused(
            f"of {step.of} ({role}) it needs {moment.policy} delays, and the claim covers {context.claim.policy} ones: "
            "delays may select what has arrived by its noise"
        )
    method, lemma = PLAIN[setting.method]
    points = samples.established(method, setting.scheduler, "x")
    how = f"{moment.why}; {points}; {established(lemma)}"
    return Outcome(le(square(step.of), sigma**2 * moment.times()), how, tags=frozenset({MEAN}))
