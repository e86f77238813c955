"""The setting of ordered momentum that commits in the order of the models (``ordered_momentum_in_order``).

As ``setting_ordered``, but for what the momentum has: after delivery k the gradients of the models 1..C(k) are all
back, worker 0's at the first model, and d(k) is the sum of beta (1 - beta)^(k-i) (h(i) + n(i)) over i <= C(k). n(1) is
the noise of worker 0's first gradient; the other initial ones are not used. s(k) and z(k) are the sums of
beta (1 - beta)^(k-i) h(i), and of n(i), over C(k) < i <= k: what momentum without delays has more.
``checks.steps.committed`` derives this, and compares it with the kernel over all small arrival orders.
"""

from __future__ import annotations

from dataclasses import replace

from ratecheck.core import letters
from ratecheck.core.setting import h, n, v
from ratecheck.core.setting_ordered import ORDERED, eh
from ratecheck.core.symbols import K, k

_KEPT = ("step", "step before", "no momentum at first", "error", "error at first", "momentum")
_PAST = ("slopes", "no slopes at first", "noises", "no noises at first")

COMMITTED = replace(
    ORDERED,
    name="ordered momentum, in-order commit",
    method="ordered_momentum_in_order",
    ranges={k: (1, K)},
    equations={name: ORDERED.equations[name] for name in _KEPT},
    points={name: point for name, point in ORDERED.points.items() if name != "in flight"},
    roles={h(k): "model", v(k): "model", n(k): "fresh", h(k - 1): "before", eh(k - 1): "before"},
    measured={**ORDERED.measured, "any": {name: ORDERED.measured["any"][name] for name in _PAST}},
    lemmas=dict.fromkeys(("step", "step before", "momentum"), "ordered momentum, in order"),
    by_schedule=(),
    letters=letters.COMMITTED,
)
