"""Closed forms under the barrier: those of ``closed_forms``, with I = floor((k - 1)/M). Ours.

They hold under every scheduler that hands out work at the latest when all workers wait; I is the group of the model
handed out last.
"""

from dataclasses import replace

from ratecheck.core.proof import Counting, Proof
from ratecheck.core.setting_barrier import ORMO_ROUNDS

from . import closed_forms

#: the counting lemma of each
LEMMAS = {"closed form of u": "barrier: u", "closed form of w": "barrier: x", "shift": "barrier: shift"}
IDENTITIES = tuple(replace(one, lemma=LEMMAS[one.name]) for one in closed_forms.IDENTITIES)

#: the induction over what happens to one gradient is in ``ratecheck.checks.steps.courses``
PROOF = Proof(ORMO_ROUNDS, tuple(Counting(lemma, lemma) for lemma in LEMMAS.values()), proves={"": LEMMAS})

CLAIM = replace(
    closed_forms.CLAIM,
    title="OrMo under the barrier: closed forms of momentum and model",
    statement=closed_forms.CLAIM.statement.replace("\\lceil(k-1)/M\\rceil", "\\lfloor(k-1)/M\\rfloor"),
    scheduler="barrier",
    identities=IDENTITIES,
    cases=((1, 6), (2, 8), (3, 9), (4, 8)),
)
