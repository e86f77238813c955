"""Naive asynchronous momentum has the bound of Theorem 1 too. Ours.

What Theorem 1 does *not* show: it cannot tell OrMo from naive momentum, whose gradients enter the momentum in the order
in which they arrive. With u = beta u + gamma g and w = w - u, the same virtual iterates have w_k - zhat_k = 1/(1 -
beta) times the sum of c gamma g with c = 1 in flight and beta^(n + 1) for the n-th last gradient delivered, n = 0, 1,
... These sum to at most M - 1 + beta/(1 - beta), which is *less* than OrMo's M/(1 - beta) - 1. So stepsize and bound
are those of ``theorem1``, to the letter, and the conditional form is smaller. What separates the two methods is how
long a stepsize may be beyond what the theorem allows.
"""

from dataclasses import replace

from ratecheck.core.claim import Statement
from ratecheck.core.identity import Identity
from ratecheck.core.symbols import M, beta

from . import theorem1
from ._auxiliary import SOURCE, rounding
from ._theorem1_proof import TUNED_NAIVE as PROOF
from .virtual_iterate import STATEMENT, residual

__all__ = ["CLAIM", "PROOF"]

IDENTITIES = (
    Identity(
        "virtual iterate", residual, STATEMENT, "ours, for naive momentum", rounding=rounding, needs=("beta", "u")
    ),
)

CLAIM = replace(
    theorem1.CLAIM,
    title="Naive momentum has the bound of Theorem 1 too (ours)",
    source=f"ours; the method is a baseline of {SOURCE}",
    method="naive_momentum",
    outputs={"uniform": Statement(bound=theorem1.RATE, conditional=theorem1.conditional(M - 1 + beta / (1 - beta)))},
    identities=IDENTITIES,
    notes=("The bound and the stepsize are those of OrMo's Theorem 1, which therefore does not separate the methods.",),
)
