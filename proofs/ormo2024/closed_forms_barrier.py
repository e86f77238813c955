"""Closed forms under the barrier: those of ``closed_forms``, with I = floor((k - 1)/M). Ours.

They hold under every scheduler that hands out work at the latest when all workers wait; I is the group of the model
handed out last.
"""

from dataclasses import replace

from . import closed_forms

IDENTITIES = closed_forms.IDENTITIES

CLAIM = replace(
    closed_forms.CLAIM,
    title="OrMo under the barrier: closed forms of momentum and model",
    statement=closed_forms.CLAIM.statement.replace("\\lceil(k-1)/M\\rceil", "\\lfloor(k-1)/M\\rfloor"),
    scheduler="barrier",
    cases=((1, 6), (2, 8), (3, 9), (4, 8)),
)
