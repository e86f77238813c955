"""Lemma 1's proof as printed: an indicator that is always true. False; declared so.

Mishchenko, Bach, Even & Woodworth (2022), proof of Lemma 1, rewrite x_k by the gradients that have been applied:
x_k = x_0 - sum over m of gamma_next(1,m) g_0^m 1[next(1, m) <= k] - sum over 1 <= i < k of ghat_i g_i 1[A_i].
Printed is A_i = "next(i, m_i) <= k". But worker m_i arrives at step i, so that next(i, m_i) = i <= k always, and the
sum would hold the gradients in flight, too. Right is A_i = "next(i + 1, m_i) <= k". With it the rewrite, minus the
virtual iterate, is Lemma 1 as it is stated, which is true: see ``lemma1``.
"""

from typing import Any

from ratecheck.core.claim import Claim
from ratecheck.core.identity import Identity, View

SOURCE = "Mishchenko, Bach, Even & Woodworth (2022), proof of Lemma 1, as printed"


def residual(view: View) -> Any:
    """Return x_k minus its printed rewrite: all gradients but the initial ones that are still in flight."""
    initial = (f for f in view.in_flight if f.version == 0 and f.worker != view.arrived)
    return view.x - view.virtual - sum((f.gamma_next * f.gradient for f in initial), 0 * view.x)


IDENTITIES = (
    Identity(
        name="printed rewrite",
        residual=residual,
        statement=(
            r"x_k=x_0-\sum_m\gamma_{\mathrm{next}(1,m)}g_0^m1_{\mathrm{next}(1,m)\le k}"
            r"-\sum_{i<k}\hat\gamma_ig_i1_{\mathrm{next}(i,m_i)\le k}"
        ),
        source=SOURCE,
    ),
)

CLAIM = Claim(
    title="Misprint: the indicator in the proof of Lemma 1",
    source=SOURCE,
    statement=(
        "For every arrival order $x_k=x_0-\\sum_m\\gamma_{\\mathrm{next}(1,m)}g_0^m1_{\\mathrm{next}(1,m)\\le k}"
        "-\\sum_{i<k}\\hat\\gamma_ig_i1_{\\mathrm{next}(i,m_i)\\le k}$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    policy="clairvoyant",
    identities=IDENTITIES,
    expect="refuted",
    notes=("Printed next(i, m_i); right is next(i + 1, m_i). Lemma 1 itself is right: see mishchenko2022.lemma1.",),
)
