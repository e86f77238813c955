"""Attack: one attack on one claim, as it is asked for and as it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ratecheck.checks.attack.budget import Budget
from ratecheck.checks.attack.score import BOUND
from ratecheck.core.assumption import POLICIES
from ratecheck.core.claim import Claim
from ratecheck.core.verdict import Result

#: false-alarm probability of an attack
ALPHA = 1e-3


@dataclass
class Attack:
    """An attack on one claim. ``policy``: the delay policy to go to; None: the one that the claim covers.

    ``workers``: so many and no others are searched. ``confirmed`` are the results that refute the claim, ``looked`` the
    digests of the cells that were measured again, and ``tests`` how often one was put to the check.
    """

    name: str
    claim: Claim
    scenario: str
    seed: int
    budget: Budget
    policy: str | None = None
    threads: int = 1
    method: str | None = None
    stepsize: str | None = None
    say: Callable[[str], None] = lambda text: None
    workers: int | None = None
    confirmed: list[Result] = field(default_factory=list)
    looked: set[str] = field(default_factory=set)
    seeds: int = 0
    tests: int = 0

    @property
    def beyond(self) -> bool:
        """True when the attack goes beyond the delays that the claim covers."""
        return POLICIES.index(self.policy or self.claim.policy) > POLICIES.index(self.claim.policy)

    @property
    def target(self) -> Claim:
        """The claim as it is attacked: with the policy of the attack, its bounds only."""
        return replace(self.claim, policy=self.policy or self.claim.policy, identities=(), counting=(), stability=())

    @property
    def broken(self) -> str:
        """The inequality that the last result refutes; '' while there is none. Runs that diverge break the bound."""
        check = self.confirmed[-1].witness["check"] if self.confirmed and self.confirmed[-1].witness else ""
        return BOUND if check == "divergence" else str(check)

    def more(self, name: str) -> bool:
        """Return whether it would say more than what is known that this inequality is broken."""
        return bool(name) and (name == BOUND or not self.confirmed)

    def fresh(self) -> int:
        """Return a seed that was not used before."""
        self.seeds += 1
        return self.seed + self.seeds


class Stopped(KeyboardInterrupt):
    """Ctrl-C, with what was known by then: ``result`` refutes the claim if a violation had been found."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result
