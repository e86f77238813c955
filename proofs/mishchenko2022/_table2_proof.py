"""The derivation of Table 2's facts on counts, in slack form.

A worker arrives c_m = R + d(m) times, the slowest one R times (d = 0); durations are proportional to 1/c_m.
"""

from sympy import Sum, Symbol

from ratecheck.core.proof import Counting, Identity, Inequality, Proof, eq, le, total
from ratecheck.core.setting import ASYNC, m, numbers
from ratecheck.core.symbols import K, M

_R, _C = Symbol("R", positive=True), Symbol("c", positive=True)
_MORE = numbers("more")(m)

PROOF = Proof(
    ASYNC,
    (
        Inequality("as much as in rounds", le(M * _R, Sum(_R + _MORE, (m, 1, M))), (total(m, _MORE),)),
        Inequality("speedup", le(1, Sum((_R + _MORE) / (M * _R), (m, 1, M))), (total(m, _MORE / (M * _R)),)),
        Identity("one more machine", eq(M * (K + _C) - (M + 1) * K, M * _C - K)),
        Counting("largest delay", "largest"),
    ),
    proves={"": {name: name for name in ("as much as in rounds", "speedup", "one more machine", "largest delay")}},
    letters={
        "R": "arrivals of the slowest worker",
        "more": "more(m): arrivals of worker m beyond R",
        "c": "arrivals of the machine that is added",
    },
    notes=(
        "'one more machine': over K (K + c) > 0 it is M/K - (M+1)/(K+c), so both sides have one sign: if and only if",
        "'largest delay': p is the number of workers that have arrived, M once all have",
    ),
)
