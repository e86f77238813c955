"""Steps about a stepsize min{cap, noise, delay} = min{1/(aML), x/s, 1/(bL tau)}.

``c`` is the smallest branch that does not look at the delay, min{1/(aML), x/s}, where s is sigma times a number.
"""

from dataclasses import dataclass

from sympy import Expr, Symbol

from ratecheck.core.proof import Power, Rule, Scalar, Step, le
from ratecheck.core.symbols import L, M

c = Symbol("c", positive=True)
CONSTANT = ("cap", "noise")


@dataclass(frozen=True)
class Branches:
    """The numbers a and b, and the denominator s of the noise branch, as its fact has it: s times the stepsize <= x."""

    a: int
    b: int
    noise: Expr

    def constant(self) -> tuple[Step, ...]:
        """``c`` is at most each branch that it is the least of."""
        return tuple(Rule(f"c: {branch}", c, below=branch, branches=CONSTANT) for branch in CONSTANT)

    def at_most_c(self, name: str, of: Expr) -> tuple[Step, ...]:
        """``of`` is at most each of the constant branches, hence at most c."""
        each = {"cap": ((1 / (self.a * M * L), f"{name}: cap"),), "noise": ((1 / self.noise, f"{name}: noise"),)}
        return (
            *(Rule(f"{name}: {branch}", of, below=branch) for branch in CONSTANT),
            Rule(f"{name} <= c", c, says=le(of, c), branches=CONSTANT, cases=each),
        )

    def at_least(self, name: str, of: Expr, delay: Expr) -> Step:
        """``of``, the rule at ``delay``, is at least c (1 - b delay/(4aM)).

        For 1/(bL delay) >= aMc/(b delay), and aM/(b delay) + b delay/(4aM) >= 1: arithmetic and geometric mean.
        """
        a, b = self.a, self.b
        return Rule(
            name, of, says=le(c - c * b * delay / (4 * a * M), of),
            cases={
                "delay": ((1 / (b * L * delay), "c: cap"),
                          (c / (4 * a * b * M * delay), Power(2 * a * M - b * delay))),
                "cap": ((1 / (a * M * L), "c: cap"),),
                "noise": ((1 / self.noise, "c: noise"),),
            },
        )  # fmt: skip

    def window(self, name: str, of: Expr, delay: Expr, below: str) -> Step:
        """What a gradient costs while it waits, (M - 1) c (delay - 1) times its stepsize, is at most 1/(abL^2).

        The stepsize is at most 1/(bL delay), by the step ``below``.
        """
        a, b = self.a, self.b
        return Scalar(
            name, le((M - 1) * c * (delay - 1) * of, 1 / (a * b * L**2)),
            ((1 / (a * b * L**2), "c: cap"), (c / (b * L),), ((M - 1) * c / (b * L), below), ((M - 1) * c * of,)),
        )  # fmt: skip
