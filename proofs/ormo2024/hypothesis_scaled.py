"""What Theorem 2 needs of stepsizes, for the rule that scales gamma down with long delays. Ours; see ``hypothesis``."""

from dataclasses import replace

from . import hypothesis
from ._hypothesis_proof import SCALED as PROOF

__all__ = ["CLAIM", "PROOF"]

RULE = "ormo_delay_scaled"

CLAIM = replace(
    hypothesis.CLAIM,
    title="OrMo-DA: what Theorem 2 needs of stepsizes, scaled down for long delays (ours)",
    statement=hypothesis.statement("\\gamma_k=\\gamma\\min\\{1,2M/(\\tau_k-1)\\}"),
    stepsize=RULE,
    counting=hypothesis.counting(RULE),
)
