"""The settings under the barrier: OrMo, and asynchronous SGD, round by round.

As ``setting.ROUNDS``: round k = 1, 2, .. is M deliveries, of gradients that are all taken at one model, v(k) + x*, with
h(k) the gradient of F there and nm(k, m) worker m's noise; gm(k, m) is the stepsize that worker m's is applied with.
``u_k`` is the momentum that round k - 1 has left. After any delivery of round k model and momentum are ``xw`` + x* and
``uw``; back(k, m) is 1 once worker m has delivered. age(k, i) = beta^(k - i), for the momentum turns once a round.
``checks.steps.degenerate`` derives how they change, compared with the kernels over all small orders of the barrier.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from ratecheck.core import letters
from ratecheck.core.gram import vector
from ratecheck.core.setting import Setting, h, i, m, n_of, numbers, v, y_0
from ratecheck.core.setting_ormo import age, back, momentum, r
from ratecheck.core.symbols import K, M, beta, k

#: stepsize of worker m in round k
paid = numbers("gm")
model_within, momentum_within = map(vector, ("xw", "uw"))

_ONE = sp.Integer(1)

#: only what the lemmas of the shelf are about: nothing is said here of noise, values, or what a run measures
ORMO_ROUNDS = Setting(
    name="ordered momentum under the barrier",
    method="ormo",
    scheduler="barrier",
    ranges={k: (1, K / M), m: (1, M), i: (1, k - 1)},
    equations={"start": (v(_ONE), y_0), "no momentum": (momentum(_ONE), sp.S.Zero)},
    points={},
    roles={},
    measured={},
    flying={},
    initial={},
    reads={beta: 1 - r},
    by_schedule=(age, back, paid),
    letters=letters.ORMO_ROUNDS,
)
ASYNC_ROUNDS = replace(
    ORMO_ROUNDS,
    name="asynchronous SGD under the barrier",
    method="async_sgd",
    equations={"start": (v(_ONE), y_0)},
    reads={},
    letters={name: ORMO_ROUNDS.letters[name] for name in ("k", "m", "i", "v", "h", "nm", "gm", "y0")},
)


def delivered(at: sp.Expr) -> sp.Expr:
    """Return the gradient of worker m in round ``at``, with its stepsize."""
    one: sp.Expr = paid(at, m) * (h(at) + n_of(at, m))
    return one
