"""Theorem 2 for the other stepsizes of OrMo-DA: scaled down by 2M over the delay.

Shi, Yang & Li (2024), Theorem 2; in their experiments the stepsize of a late gradient is multiplied by a factor, which
we do not know. 2M/(tau - 1) is continuous at the threshold and satisfies what the proof needs (``hypothesis``), so the
bound of ``theorem2`` holds. The constants are ours.
"""

from dataclasses import replace

from . import theorem2
from ._theorem2_proof import SCALED as PROOF

__all__ = ["CLAIM", "PROOF"]

CLAIM = replace(
    theorem2.CLAIM,
    title="OrMo-DA, Theorem 2: delay-adaptive stepsizes, scaled for long delays (constants ours)",
    statement=theorem2.CLAIM.statement.replace(
        "\\gamma_k=\\min\\{\\gamma,(1-\\beta)^2/(2L\\max\\{\\tau_k-1,2M\\})\\}",
        "\\gamma_k=\\gamma\\min\\{1,2M/(\\tau_k-1)\\}",
    ),
    stepsize="ormo_tuned_scaled",
)
