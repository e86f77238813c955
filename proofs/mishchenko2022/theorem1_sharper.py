"""Theorem 1 with a smaller constant, and for every K.

Mishchenko, Bach, Even & Woodworth (2022), Theorem 1, prints 3 G B sqrt(M/K) for K >= M. Ours: the same steps with
E||xhat_1 - x*||^2 <= B^2 + gamma^2 M^2 G^2 in place of twice that (the cross term is not positive), which gives
3/2 + M/(2K) - 1/(2M) for 3, whatever K is. For K >= M that is at most 2. So K >= M is not needed: for K < M the
printed 3 follows up to K = M/3.
"""

from dataclasses import replace

from sympy import sqrt

from ratecheck.core.claim import Inequality, Statement
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import B, G, K, M, output_gap

from . import theorem1
from ._theorem1_proof import PROOF as _PROOF

__all__ = ["CLAIM", "PROOF"]

_OF = theorem1.CLAIM.outputs["R1"]
_UNIT = G * B * sqrt(M / K)

CLAIM = replace(
    theorem1.CLAIM,
    title="Asynchronous SGD with a constant stepsize, convex Lipschitz objectives, a smaller constant",
    source="Mishchenko, Bach, Even & Woodworth (2022), Theorem 1; constant ours",
    statement=(
        "With the constant stepsize $\\gamma=B/(G\\sqrt{KM})$ the uniform average of $x_1,\\dots,x_K$ has expected "
        "suboptimality at most $(\\tfrac32+\\tfrac M{2K}-\\tfrac1{2M})\\,GB\\sqrt{M/K}$, for every $K$ and all delays."
    ),
    assumptions=tuple(a for a in theorem1.CLAIM.assumptions if a.name != "K >= M"),
    outputs={
        "R1": Statement(
            Inequality(
                Formula(output_gap),
                Formula(start=_UNIT * (1 + M / K) / 2, in_flight=_UNIT * (1 - 1 / (2 * M))),
            ),
            _OF.conditional,
            _OF.master,
        )
    },
    notes=(*theorem1.CLAIM.notes, "The printed theorem is theorem1."),
)

PROOF = replace(
    _PROOF,
    steps=tuple(step for step in _PROOF.steps if step.name != "printed"),
    proves={"R1": {**_PROOF.proves["R1"], "bound": "sharper"}},
    notes=(),
)
