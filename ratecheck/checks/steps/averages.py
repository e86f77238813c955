"""Counting lemmas of asynchronous mu^2-SGD (``core.setting_mu2``): what its direction and its averages are.

mu2          q_k is the sum of what has arrived: of all that was handed out less what the other M - 1 workers have in
             flight. Of means, the M at x_1 and s_2..s_k sum to k grad F(x_k) + (M - 1) grad F(x_1), for s_i telescopes;
             of noises, each hand-out brings one: its gradient at x_(v+1) counts v + 1 times and that at x_v, of the
             same sample, -v times (none at x_1). And x_(k+1) = (k x_k + 2 w_(k+1))/(k + 2).
mu2, in order  q_k is the sum of the first C(k) <= k of them in the order of hand-outs, of the initial ones worker 0's.
in flight, each  what holds on every run of s(k), at every k, holds of what j has in flight: it is one of s(1)..s(k).
missing      ||b(k)||^2 <= (tau_cap - 1)^2 c^2 where ||s(k)||^2 <= c^2 on every run: C(k) + 1 is still in flight after
             delivery k, and at least k + 1 - C(k) deliveries out when it is back, so at most tau_cap - 1 are missing.
mu2, lately  what is in flight after delivery k was handed out after delivery k + 1 - tau_cap or later, which is true of
             M + tau_cap - 2 hand-outs at most. (Used by ``martingale``.)
index        1 <= k and k <= K: its range.   cap  1 <= tau_cap: it is a delay.

The machine is that of Lemma 1 (handed out = delivered + in flight, for each worker). The kernels are compared with
these words over all small arrival orders: on rows of coefficients without the projection, and with it in exact numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from ratecheck.checks.exact import stepsizes
from ratecheck.checks.steps import MEAN, Context, Undone
from ratecheck.checks.steps.machines import MACHINES as OF_WORKERS
from ratecheck.core import shelf
from ratecheck.core.gram import Ip, Vec, manifest, normal, square
from ratecheck.core.identity import View
from ratecheck.core.proof import Fact, le
from ratecheck.core.schedule import Schedule
from ratecheck.core.setting import j
from ratecheck.core.setting_mu2 import IN_ORDER, MU2, drift, sent, sent_flying
from ratecheck.core.symbols import K, k, tau_cap
from ratecheck.engine import loop
from ratecheck.engine.replay import objects, plan_of, replay_rows, view_of
from ratecheck.engine.state import allocate, begin, no_fill, parameters, switches

Said = tuple[Fact, frozenset[str]]
#: the method of a setting without its projection, and the lemma that says what its direction is
PLAIN = {
    "async_mu2_sgd_box": ("async_mu2_sgd", "mu2"),
    "async_mu2_sgd_in_order_box": ("async_mu2_sgd_in_order", "mu2, in order"),
}
#: half-width of the box, stepsize and start of the runs in exact numbers: the box is met
HALF, GAMMA, START = Fraction(1, 2), Fraction(1, 3), (Fraction(1), Fraction(-2))


def taken(s: Schedule, step: int, ordered: bool) -> list[int]:
    """Return the hand-outs that q has after a delivery: those delivered; or as far as all in order are there."""
    came = set(s.source[:step].tolist())
    if not ordered:
        return sorted(came)
    found = []
    for one in (0, *range(s.workers, int(s.offset[step]))):
        if one not in came:
            break
        found.append(one)
    return found


def _words(s: Schedule, step: int, ordered: bool) -> tuple[list[int], list[int]]:
    """Return what the setting says of q: coefficients of grad F at x_1, .., x_k, and of the noise of each hand-out."""
    made = int(s.offset[step])
    means = [0] * step
    means[step - 1] = step
    if ordered:
        done = len(taken(s, step, True))
        for version in range(done, step):  # less s(C + 1), .., s(k)
            _add(means, version, -1)
        there = taken(s, step, True)
    else:
        flying = sorted(set(range(made)) - set(s.source[:step].tolist()))
        for one in flying:
            means[0] += 1
            _add(means, int(s.made_at[one]), -1)
        there = [one for one in range(made) if one not in flying]
    return means, [int(one in there) for one in range(made)]


def _add(means: list[int], version: int, times: int) -> None:
    """Add ``times`` s at x_(version + 1)."""
    means[version] += times * (version + 1)
    if version:
        means[version - 1] -= times * version


def _rows(s: Schedule, method: str, ordered: bool) -> bool:
    """The kernel without projection, on rows: q, w and x after each delivery."""
    gamma, gamma_hat = stepsizes(s)
    fine: list[bool] = []
    old: dict[str, Any] = {}

    def look(view: View) -> None:
        step, q, w, x = view.step, view.vectors["q"], view.vectors["w"], view.x
        first, second = q[1 : 1 + s.handouts], q[1 + s.handouts : 1 + 2 * s.handouts]
        means, noise = _words(s, step, ordered)
        told, taken_ = [0] * step, set(taken(s, step, ordered))
        looks = [(int(v) + 1, -int(v)) if one in taken_ else (0, 0) for one, v in enumerate(s.made_at[: s.handouts])]
        for one in range(int(s.offset[step])):
            version = int(s.made_at[one])
            told[version] += first[one]
            told[max(version - 1, 0)] += second[one]
        sums = [a + b for a, b in zip(first, second, strict=True)]
        before, w_old = old.get("x", view.start), old.get("w", view.start)
        fine.append(
            told == means and sums == [*noise, *[0] * (s.handouts - len(noise))] and q[0] == q[-1] == 0
            and list(zip(first, second, strict=True)) == looks
            and list(w) == list(w_old - view.gamma * q) and list((step + 2) * x) == list(step * before + 2 * w)
        )  # fmt: skip
        old.update(x=x.copy(), w=w.copy())

    replay_rows(shelf.METHODS.get(method), s, gamma, gamma_hat, {"M": s.workers, "K": s.horizon}, look)
    return len(fine) == s.horizon and all(fine)


def _noise(hand_out: int, i: int) -> Fraction:
    return Fraction((7 * hand_out * hand_out + 3 * hand_out + 5 * i) % 11 - 5, 2)


def _slope(point: Any, hand_out: int) -> list[Fraction]:
    """A stochastic gradient whose noise is another one at every point."""
    return [(Fraction(i + 1, 2) + _noise(hand_out + 1, i)) * x + _noise(hand_out, i) for i, x in enumerate(point)]


def _boxed(s: Schedule, method: str, ordered: bool) -> bool:
    """The kernel with projection, in exact numbers: w is put back into the box, and q and x are as without it."""
    models, w_old = [list(START)], list(START)
    for view in _run(s, method):
        q, w, step = view.vectors["q"], view.vectors["w"], view.step
        want = [Fraction(0)] * len(START)
        for one in taken(s, step, ordered):
            v = int(s.made_at[one])
            here, before = _slope(models[v], one), _slope(models[max(v - 1, 0)], one)
            want = [c + (v + 1) * a - v * b for c, a, b in zip(want, here, before, strict=True)]
        moved = [a - GAMMA * b for a, b in zip(w_old, want, strict=True)]
        put = [min(max(a, c - HALF), c + HALF) for a, c in zip(moved, START, strict=True)]
        mean = [(step * a + 2 * b) / (step + 2) for a, b in zip(models[-1], put, strict=True)]
        if not (list(q) == want and list(w) == put and list(view.x) == mean):
            return False
        models, w_old = [*models, mean], put
    return True


def _run(s: Schedule, method: str) -> Iterator[View]:
    """Run a method on Fractions and yield what it has after each delivery."""
    rule, x0 = shelf.METHODS.get(method), objects(START)
    state = allocate(rule, s, x0, parameters(rule, {"B": HALF}, exact=True), replicates=1)
    plan = plan_of(s, [GAMMA] * s.horizon, [GAMMA] * s.handouts, [0] * (s.steps + 1), exact=True)
    begin(rule, state, x0)
    at = [0]

    def gradient(point: Any, worker: int, sample: Any, data: Any, out: Any) -> None:
        out[:] = _slope(point, at[0])

    def draw(key: Any, h: int, rows: int, out: Any) -> None:
        at[0] = h

    do = switches(rule, rows=1)
    for n in range(s.horizon):
        loop.run(n, n + 1, rule.receive, rule.query, gradient, no_fill, no_fill, no_fill, draw,
                 state.server, plan, state.flight, state.stream, do, None, None, 0, 0)  # fmt: skip
        yield view_of(n, x0, x0, rule, s, plan, state)


def _direction(method: str, ordered: bool) -> Callable[[Schedule], bool]:
    plain = PLAIN[method][0]
    return lambda s: _rows(s, plain, ordered) and _boxed(s, method, ordered)


def _each(s: Schedule) -> bool:
    """What is in flight after delivery k was handed out before, at one of x_1..x_k, by different workers."""
    for step in range(1, s.horizon + 1):
        flying = set(range(int(s.offset[step]))) - set(s.source[:step].tolist())
        workers = {int(s.to_worker[one]) for one in flying}
        if len(flying) != s.workers - 1 or len(workers) != len(flying) or any(s.made_at[h] >= step for h in flying):
            return False
    return True


def _missing(s: Schedule) -> bool:
    return all(step - len(taken(s, step, True)) <= s.oldest - 1 for step in range(1, s.horizon + 1))


def _lately(s: Schedule) -> bool:
    for step in range(1, s.horizon + 1):
        late = [int(v) >= step + 1 - s.oldest for v in s.made_at[: int(s.offset[step])]]
        flying = set(range(len(late))) - set(s.source[:step].tolist())
        if sum(late) > s.workers + s.oldest - 2 or not all(late[one] for one in flying):
            return False
    return True


def _say_each(given: Mapping[str, Any], context: Context) -> Said:
    """``of``: the name of a fact about s(k) that holds on every run."""
    if context.setting is not MU2:
        raise Undone(f"{context.setting.name} has no letter for what is sent and in flight")
    name = given["of"]
    fact, outcome = context.fact(name), context.done[name]
    if outcome.tags or MEAN in outcome.tags:
        raise Undone(f"{name!r} does not hold on every run, whatever is in flight")
    others = {a for a in fact.expr.atoms(Vec) if k in a.free_symbols} - {sent(k)}
    bare = fact.expr.xreplace({sent(k): sp.Dummy()})
    indices = set(context.setting.ranges) - {k}
    if fact.equality or others or bare.has(k) or fact.expr.has(*indices) or not fact.expr.has(sent(k)):
        raise Undone(f"{name!r} is not about {sent(k)} alone")
    put = {sent(k): sent_flying(k, j)}
    return Fact(*(side.xreplace(put) for side in (fact.left, fact.right))), frozenset()


def _say_missing(given: Mapping[str, Any], context: Context) -> Said:
    """``of``: the name of the fact ||s(k)||^2 <= c^2, on every run, ``size``: c."""
    if context.setting is not IN_ORDER or not context.assumes("finite tau_cap"):
        raise Undone("it is about in-order commit, under a cap on all delays that the claim assumes")
    name, size = given["of"], sp.S.Zero + given["size"]
    fact = context.fact(name)
    if context.done[name].tags or fact.equality or normal(fact.expr - (size**2 - square(sent(k)))) != 0:
        raise Undone(f"{name!r} does not say, on every run, that {sent(k)} is at most {size} long")
    if not manifest(size) or size.has(Ip) or any(size.has(x) for x in context.setting.ranges):
        raise Undone(f"{size} is not one nonnegative number")
    return le(square(drift(k)), ((tau_cap - 1) * size) ** 2), frozenset()


def _say_index(given: Mapping[str, Any], context: Context) -> Said:
    """``last``: whether it is k <= K, and not 1 <= k."""
    if context.setting.ranges.get(k) != (1, K):
        raise Undone("k does not run from 1 to K")
    return (le(k, K) if given["last"] else le(1, k)), frozenset()


def _say_cap(given: Mapping[str, Any], context: Context) -> Said:
    if not context.assumes("finite tau_cap"):
        raise Undone("the claim assumes no cap on delays")
    return le(1, tau_cap), frozenset()


def _equation(given: Mapping[str, Any], context: Context) -> Said:
    raise Undone("it is read off the setting's equations: use an Identity by them")


MACHINES: dict[str, tuple[Any, ...]] = {
    "mu2": OF_WORKERS["in flight"],
    "mu2, in order": OF_WORKERS["in flight"],
    "in flight, each": OF_WORKERS["handed out"],
    "missing": (),  # by definition of the cap, see above
    "mu2, lately": (),
    "index": (),
    "cap": (),
}
ENUMERATED: dict[str, Callable[[Schedule], bool]] = {
    "mu2": _direction("async_mu2_sgd_box", False),
    "mu2, in order": _direction("async_mu2_sgd_in_order_box", True),
    "in flight, each": _each,
    "missing": _missing,
    "mu2, lately": _lately,
    "index": lambda s: s.horizon >= 1,
    "cap": lambda s: s.oldest >= 1,
}
STATEMENTS: dict[str, Callable[[Mapping[str, Any], Context], Said]] = {
    "mu2": _equation,
    "mu2, in order": _equation,
    "in flight, each": _say_each,
    "missing": _say_missing,
    "index": _say_index,
    "cap": _say_cap,
}
