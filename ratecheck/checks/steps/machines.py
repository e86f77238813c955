"""Machines: one worker of asynchronous SGD over the steps, and what stays true; the inductions of counting lemmas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ratecheck.core.gram import manifest, normal


@dataclass(frozen=True)
class Machine:
    """One worker over the steps: ``start``, what ``idle`` and ``deliver`` make of the state, what is kept.

    Updates are in terms of the state before and of ``now``, the step they happen at (state letter ``step`` is the
    last step). ``zero`` expressions stay 0, ``positive`` ones stay >= 0; ``seen`` must be 0 at each delivery, in the
    state before it. An expression stays so when it changes by 0 (something nonnegative), or is multiplied by 0 or by
    one of ``factors``, which are nonnegative, and then changes like that.
    """

    start: Mapping[Any, Any]
    idle: Mapping[Any, Any]
    deliver: Mapping[Any, Any]
    zero: tuple[Any, ...] = ()
    positive: tuple[Any, ...] = ()
    seen: tuple[Any, ...] = ()
    factors: tuple[Any, ...] = ()

    def fault(self) -> str:
        """Return what is not kept by which transition, '' when the induction goes through."""
        begin = {step: 0, **self.start}
        moves = {"idle": {step: now, **self.idle}, "delivery": {step: now, **self.deliver}}
        for kept, zero in [*((x, True) for x in self.zero), *((x, False) for x in self.positive)]:
            first = normal((kept + 0 * step).xreplace(_exprs(begin)))
            if not (first == 0 if zero else manifest(first)):
                return f"{kept} is {first} at the start"
            for name, move in moves.items():
                after = normal(kept.subs(move, simultaneous=True).subs(now, step + 1))
                times = (1, 0, *(f for f in self.factors if manifest(f)))
                changes = [normal(after - factor * kept) for factor in times]
                if not (0 in changes if zero else any(map(manifest, changes))):
                    return f"{kept} changes by {changes[0]} at {name}"
        for watched in self.seen:
            value = normal(watched.subs(now, step + 1))
            known = [normal(value - c * z) for z in self.zero for c in (1, -1)]
            if value != 0 and 0 not in known:
                return f"{watched} is not 0 at a delivery"
        return ""


def _exprs(values: Mapping[Any, Any]) -> dict[Any, sp.Expr]:
    return {name: sp.S.Zero + value for name, value in values.items()}


step, now, since, total_, closed_, cap_, more, idle_, b_, new, fresh, horizon = sp.symbols(
    "step now since total closed cap more idle b new fresh horizon", nonnegative=True
)
made_, applied_, current = sp.symbols("made applied current")
first_, count_, came_ = sp.symbols("first count came", nonnegative=True)

_DELAYS = Machine({since: 0, total_: 0}, {}, {since: now, total_: total_ + now - since}, zero=(total_ - since,))
#: here a step takes the next smaller of the last arrivals: the (q + 1)-th largest of whole numbers <= K is <= K - q
_SMALLER = {total_: total_ + horizon - (now - 1) - more}
_DISTINCT = Machine({total_: 0}, _SMALLER, _SMALLER, positive=(step * horizon - step * (step - 1) / 2 - total_,))

#: and here the next larger of the first arrivals: p distinct whole numbers >= 1 sum to p (p + 1)/2 or more
_LARGER = {total_: total_ + now + more}
_RISING = Machine({total_: 0}, _LARGER, _LARGER, positive=(total_ - step * (step + 1) / 2,))
#: delays of the arrivals that are not a worker's first sum to last arrival minus first one
_LATER = Machine({since: 0, total_: 0, first_: 0, fresh: 1}, {},
                 {since: now, total_: total_ + (1 - fresh) * (now - since), first_: fresh * now + (1 - fresh) * first_,
                  fresh: 0},
                 zero=(total_ - (1 - fresh) * (since - first_),))  # fmt: skip
#: the q-th smallest of distinct whole numbers >= 1 is at least q
_NEXT = {total_: total_ + 1 + more}
#: what a worker was handed minus what it delivered is what it has in flight, and nothing at its delivery
_IN_FLIGHT = Machine({made_: current, applied_: 0}, {},
                     {applied_: applied_ + current, made_: made_ + new, current: new},
                     zero=(made_ - applied_ - current,), seen=(made_ - (applied_ + current),))  # fmt: skip

#: since: the version that the gradient in flight was taken at (0 initially)
MACHINES: dict[str, tuple[Machine, ...]] = {
    "delays": (_DELAYS,),
    # a delivery at step + 1, or the closing at step + 1, has delay step + 1 - since
    "at least 1": (Machine({since: 0}, {}, {since: now}, positive=(step - since,)),),
    "telescoped": (_DELAYS, _DISTINCT),
    # fresh: 1 until the worker has arrived, then 0; the gradient of x_since counts as closed at step + 1
    "closed": (
        Machine({since: 0, closed_: 0, fresh: 1}, {},
                {since: now, closed_: closed_ + (1 - fresh) * (now - since), fresh: 0},
                positive=(step - closed_ - (1 - fresh) * (step + 1 - since),)),
    ),
    "closed by p": (
        Machine({since: 0, closed_: 0, fresh: 1}, {},
                {since: now, closed_: closed_ + (1 - fresh) * (now - since), fresh: 0},
                positive=((1 - fresh) * step - closed_ - (1 - fresh) * (step + 1 - since),)),
    ),
    "delivered": (
        Machine({made_: 0, applied_: 0}, {}, {made_: made_ + new, applied_: applied_ + new}, zero=(made_ - applied_,)),
    ),
    # idle counts the steps of the window so far; a delivery at `now` has delay now - since = idle + 1
    "windows": (
        Machine({since: 0, idle_: 0}, {idle_: idle_ + 1}, {idle_: 0, since: now}, zero=(step - since - idle_,),
                seen=(now - since - idle_ - 1,)),
        Machine({idle_: 0, closed_: 0, total_: 0}, {idle_: idle_ + 1, total_: total_ + (cap_ - more) * b_},
                {idle_: 0, b_: new, closed_: closed_ + cap_ * idle_ * b_},
                positive=(closed_ + cap_ * idle_ * b_ - total_,)),
    ),
    # Lemma 1
    "in flight": (_IN_FLIGHT,),
    # what was delivered is what was handed out without what is in flight
    "unused": (_IN_FLIGHT,),
    "arrived": (Machine({fresh: 1}, {}, {fresh: 0}, zero=(fresh * (1 - fresh),)),),
    "later": (_LATER, _DISTINCT, _RISING),
    "number of later": (
        Machine({count_: 0, total_: 0, fresh: 1}, {}, {count_: count_ + 1 - fresh, total_: total_ + 1, fresh: 0},
                zero=(count_ - total_ + 1 - fresh,)),
    ),
    # what a worker was handed at x_1, x_2, .. is what it delivered after its first arrival, and what it has in flight
    "later weights": (
        Machine({made_: 0, applied_: 0, fresh: 1}, {},
                {applied_: applied_ + (1 - fresh) * current, made_: made_ + new, current: new, fresh: 0},
                zero=(made_ - applied_ - (1 - fresh) * current,)),
    ),
    # the delay of a first arrival is its step, and p steps are distinct
    "largest": (
        Machine({since: 0, fresh: 1}, {}, {since: now, fresh: 0}, zero=(fresh * since,)),
        Machine({total_: 0}, _NEXT, _NEXT, positive=(total_ - step,)),
    ),
    # a sum of nonnegative things over the steps so far does not fall
    "earlier": (Machine({total_: 0}, {total_: total_ + more}, {total_: total_ + more}, positive=(total_,)),),
    # made: the sum over the hand-outs of the worker so far, which has the one in flight among them
    "handed out": (
        Machine({made_: b_}, {}, {made_: made_ + new, b_: new}, positive=(made_ - b_,)),
    ),
}  # fmt: skip
#: how many deliveries a worker has made is at least 1 once it has arrived
MACHINES["first arrivals"] = (
    Machine({count_: 0, came_: 0}, {}, {count_: count_ + 1, came_: 1}, positive=(count_ - came_,)),
)
held, gap_, room, up, short, some = sp.symbols("held gap room up short some", nonnegative=True)
#: the weight of a step is 1 + up - short >= 0 times that before: held now; room is what (1 + up)^idle makes of the
#: weight at the hand-out, gap the difference. Each step adds A w b, where A is ``some`` and the cap some + more
MACHINES["growing windows"] = (
    *MACHINES["windows"][:1],
    Machine({idle_: 0, room: made_}, {idle_: idle_ + 1, room: (1 + up) * room}, {idle_: 0, room: new, made_: new},
            zero=(room - made_ * (1 + up) ** idle_,), factors=(1 + up,)),
    Machine({held: made_, room: made_, gap_: 0},
            {held: (1 + up - short) * held, room: (1 + up) * room, gap_: (1 + up) * gap_ + short * held},
            {held: new, room: new, gap_: 0},
            zero=(room - held - gap_,), positive=(gap_,), factors=(1 + up,)),
    Machine({idle_: 0, closed_: 0, total_: 0, held: made_, gap_: 0},
            {idle_: idle_ + 1, held: (1 + up - short) * held, gap_: (1 + up) * gap_ + short * held,
             total_: total_ + some * (1 + up - short) * held * b_},
            {idle_: 0, held: new, gap_: 0, b_: fresh, closed_: closed_ + (some + more) * idle_ * (held + gap_) * b_},
            positive=(closed_ + (some + more) * idle_ * (held + gap_) * b_ - total_,)),
)  # fmt: skip
#: definitions: the largest of them; what is delivered first was handed out first
MACHINES["longest"] = MACHINES["tau_closed"] = MACHINES["first delivery"] = ()
#: what holds after every step holds after step k - 1
MACHINES["windows before k"] = MACHINES["windows"]
