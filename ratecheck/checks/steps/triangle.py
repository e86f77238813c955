"""Steps of kind triangle: the root mean square of a sum of vectors is at most the sum of theirs.

||v|| = (E|v|^2)^(1/2) is a norm: from E|v_i|^2 <= x_i^2 for numbers x_i >= 0 follows E|sum v_i|^2 <= (sum x_i)^2. The
x_i are numbers, not random: E|v|^2 <= x^2 says little of E|v| for a random x.
"""

from __future__ import annotations

import sympy as sp

from ratecheck.checks.steps import Context, Outcome, Refused, Undone, certificate, means
from ratecheck.core.gram import Ip, manifest, normal, square
from ratecheck.core.proof import Triangle, le


def discharge(step: Triangle, context: Context) -> Outcome:
    """Return E|sum|^2 <= (sum of bounds)^2. Raises Undone when a fact does not say E|part|^2 <= bound^2."""
    if len(step.parts) < 2:
        raise Undone("it takes two vectors or more, each with its bound and the name of the fact")
    for part, bound, name in step.parts:
        number = sp.S.Zero + bound
        if number.has(Ip) or not manifest(number) or any(number.has(x) for x in context.setting.ranges):
            raise Undone(f"{bound} is not manifestly one nonnegative number")
        if context.random_schedule and means.is_random(number, context):
            raise Refused(f"{bound} is random for {context.claim.policy} delays")
        fact = context.fact(name)
        if fact.equality or normal(fact.expr - (number**2 - square(part))) != 0:
            raise Undone(f"{name!r} does not say that the mean square of {part} is at most {bound} squared")
    whole = sp.Add(*(part for part, _, _ in step.parts))
    most = sp.Add(*(sp.S.Zero + bound for _, bound, _ in step.parts))
    said = le(square(whole), most**2)
    certificate.require_kept(step.uses, said, context)
    return Outcome(said, f"the triangle inequality for {len(step.parts)} vectors")
