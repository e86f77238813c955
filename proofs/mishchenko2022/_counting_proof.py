"""The derivation of the counting facts, in the letters of ``ratecheck.core.setting``.

``least(k)`` is 1/max(tau(k), N), the smaller of 1/N and 1/tau(k), for any N > 0. ``again(k)`` is 1 where an arrival is
not the first one of its worker: there are K - p of these.
"""

from sympy import Sum, Symbol

from ratecheck.core.proof import Counting, Inequality, Power, Proof, Rule, le, total
from ratecheck.core.setting import ASYNC, numbers, tau
from ratecheck.core.symbols import K, M, k

_N = Symbol("N", positive=True)
_LEAST = numbers("least")(k)

PROOF = Proof(
    ASYNC,
    (
        Counting("delays telescope", "telescoped"),
        Counting("delays", "delays"),
        Counting("later arrivals", "later"),
        Counting("their number", "number of later"),
        Counting("horizon closed", "closed by p"),
        Rule(
            "minorant", _LEAST, says=le(1 / _N - tau(k) / (4 * _N**2), _LEAST),
            values={"1/N": 1 / _N, "1/tau": 1 / tau(k)},
            cases={"1/tau": ((1 / (4 * _N**2 * tau(k)), Power(2 * _N - tau(k))),)},
        ),
        Inequality(
            "inverse delays", le(K / _N * (1 - M / (4 * _N)), Sum(_LEAST, (k, 1, K))),
            (total(k, "minorant"), (1 / (4 * _N**2), "delays")),
        ),
    ),
    proves={
        "": {name: name for name in ("delays telescope", "later arrivals", "horizon closed", "inverse delays")}
    },
    letters={"N": "any positive number"},
)  # fmt: skip
