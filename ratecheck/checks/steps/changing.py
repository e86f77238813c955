"""Noise that differs from point to point, of samples that are looked at in two (``core.setting_mu2``).

Assumed: E||noise||^2 <= sigma^2 at every point, and E||noise at x - noise at y||^2 <= sigma_L^2 ||x - y||^2 for one
sample at any two points. A sample is drawn when x_(k+1) and x_k are there: neither they nor any choice of the delays up
to then depend on it, under any policy (``samples``, row x). So both hold there, given all that was before, and so:

one sample  E||xi(k)||^2 <= sigma^2: its noise at x_(k+1).
change      E||xc(k)||^2 <= sigma_L^2 E||y(k+1) - y(k)||^2: its noise at x_(k+1) less that at x_k.
initial     E||n0(m)||^2 <= sigma^2: what is sent from x_1 is one gradient (``averages``).

What is sent from x_(k+1) has the noise n(k) = xi(k) + k xc(k) (``averages``): that E||n(k)||^2 is bounded is for a
derivation to say, by how far x_(k+1) is from x_k. Nothing is granted here of what is in flight or back: who that is may
tell of its noise.
"""

from __future__ import annotations

from ratecheck.checks.steps import MEAN, Context, Outcome, Undone, averages, samples
from ratecheck.checks.steps.counting import established
from ratecheck.core.gram import square
from ratecheck.core.proof import Expectation, le
from ratecheck.core.setting import Setting
from ratecheck.core.setting_mu2 import y
from ratecheck.core.symbols import k, sigma, sigma_L

#: the equation of a setting that tells the noise of what is sent from that of a sample
SENT = "noise sent"


def apart(setting: Setting) -> bool:
    """True when the setting tells the noise of what is sent from that of a sample."""
    return SENT in setting.equations


def variance(step: Expectation, role: str, context: Context) -> Outcome:
    """Return the bound on E||of||^2 where a sample's noise differs from point to point. Raises Undone for others."""
    setting = context.setting
    if not apart(setting) or role not in ("one sample", "change", "initial"):
        raise Undone("a sample is looked at in two points, and the claim does not assume: additive noise")
    needs, most = "finite sigma", sigma**2
    if role == "change":
        needs, most = "finite sigma_L", sigma_L**2 * square(y(k + 1) - y(k))
    if not context.assumes(needs):
        raise Undone(f"the claim does not assume: {needs}")
    points = samples.established(averages.PLAIN[setting.method][0], setting.scheduler, "x")
    lemma = established(setting.lemmas[SENT])
    return Outcome(le(square(step.of), most), f"drawn after its points; {points}; {lemma}", tags=frozenset({MEAN}))
