"""The derivation of the delay counts: late(k, N) is 1 where tau(k) - 1 >= N, for any N > 0; N = n M for the claim."""

from sympy import Rational, Sum, Symbol

from ratecheck.core.proof import Counting, Inequality, Proof, le, total
from ratecheck.core.setting import m
from ratecheck.core.setting_ormo import ORMO, aged, late
from ratecheck.core.symbols import K, M, k

_N = Symbol("N", positive=True)

PROOF = Proof(
    ORMO,
    (
        Counting("ages and delays", "ages"),
        Counting("late", "late", {"threshold": _N}),
        Counting("late by 2M", "late", {"threshold": 2 * M}),
        Inequality(
            "long delays", le(Sum(late(k, _N), (k, 1, K)), (M - 1) * K / _N),
            (total(k, 1 / _N, "late"), ("ages and delays", -1 / _N), (Sum(aged(m), (m, 1, M)) / _N,)),
        ),
        Inequality(
            "half below 2M", le(K * (Rational(1, 2) + 1 / (2 * M)), K - Sum(late(k, 2 * M), (k, 1, K))),
            (total(k, 1 / (2 * M), "late by 2M"), ("ages and delays", -1 / (2 * M)),
             (Sum(aged(m), (m, 1, M)) / (2 * M),)),
        ),
    ),
    proves={"": {name: name for name in ("ages and delays", "long delays", "half below 2M")}},
    letters={"N": "any positive number"},
)  # fmt: skip
