"""The derivation of the lower bound on the literal weights: their sum is W under the output rule RL, late returns too.

``c`` is the smallest stepsize branch that does not look at the delay; without noise it is 1/(4ML). The last step holds
for every K; its last term is not positive once K >= 2M.
"""

from sympy import Rational

from ratecheck.core.proof import Given, Inequality, Proof, le
from ratecheck.core.setting import ASYNC, applied, tau
from ratecheck.core.symbols import K, M, W, k

from ._in_flight_convex import BRANCHES
from ._last_rule_convex import WEIGHTS
from ._smallest_branch import c

_SHARE = Rational(3, 8)

PROOF = Proof(
    ASYNC,
    (
        *BRANCHES.constant(),
        BRANCHES.at_least("least gamma", applied(k), tau(k)),
        Given("W RL", "W", "RL"),
        *WEIGHTS,
        Inequality("from 2M", le(_SHARE * K * c, W + _SHARE * (2 * M - K) * c), (("weights RL",),)),
    ),
    proves={"": {"weights from 2M": "from 2M"}},
)
