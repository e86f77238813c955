"""Theorem 3, strongly convex case: from all steps to the master inequality, and what the weights sum to.

``d`` is the stepsize branch c with just the number for which exp(y) is e + mu^2 K^2 B^2/sigma^2 or more where noise
matters, y = (mu/4) (share K d) and share K c the lower bound on sum ghat: d = min{1/(8ML), log(e + ..)/(rate mu K)},
rate = share/4. LIMIT is 1/(exp(y) - 1) where it does not.
"""

from sympy import E, Expr, Rational, Sum, Symbol, exp, log

from ratecheck.core.gram import Ip
from ratecheck.core.proof import (
    Class,
    Counting,
    Given,
    Inequality,
    Power,
    Rule,
    Scalar,
    Step,
    Telescope,
    eq,
    le,
    total,
)
from ratecheck.core.setting import again, applied, g_0, g_flying, ghat, j, m, t, tau, u
from ratecheck.core.setting_growing import w
from ratecheck.core.symbols import (
    B,
    K,
    L,
    M,
    S,
    V,
    W,
    decay,
    k,
    mean_gap,
    mu,
    output_gap,
    sigma,
    virtual_sq,
)

from ._strongly_convex_steps import CONSTANT, CROWD, c, exponential, weighted

LOG = log(E + mu**2 * K**2 * B**2 / sigma**2)
_N = Symbol("N", nonnegative=True)
_LATER = Sum(ghat(k), (k, 1, K))


def d(rule: str) -> Symbol:
    """The letter d of an output rule."""
    return Symbol(f"d{rule}", positive=True)


def limit(rate: Rational) -> Expr:
    """1/(exp(y) - 1) at d = 1/(8ML)."""
    return 1 / (exp(rate * mu * K / (8 * M * L)) - 1)


def conditional(rule: str) -> tuple[Step, ...]:
    """Return the steps to the master inequality and the conditional bound of an output rule."""
    last = Ip(u(K + 1), u(K + 1))
    return (
        *weighted(rule),
        *(Given(f"{what} {rule}", what, rule) for what in ("W", "mean_gap", "decay", "end", "S", "V", "virtual_sq")),
        Inequality(
            f"master {rule}",
            le(2 * W * mean_gap + virtual_sq, decay * B**2 + sigma**2 * S + mu * sigma**2 * V / 2),
            ((f"all steps {rule}",), (-2, f"mean_gap {rule}"), (-1, f"virtual_sq {rule}"), (last, f"end {rule}"),
             (B**2, f"decay {rule}"), (sigma**2, f"S {rule}"), (mu * sigma**2 / 2, f"V {rule}")),
        ),
        Class(f"Jensen {rule}", "jensen"),
        Inequality(
            f"conditional {rule}",
            le(output_gap, decay * B**2 / (2 * W) + sigma**2 * S / (2 * W) + mu * sigma**2 * V / (4 * W)),
            ((f"Jensen {rule}",), (1 / (2 * W), f"master {rule}"), (virtual_sq / (2 * W),)),
        ),
    )  # fmt: skip


def _least(name: str, of: Expr, delay: Expr, number: Rational) -> tuple[Step, ...]:
    """``of``, the rule at ``delay``, is at least c (1 - x), x = delay/(4M); the step with this name is the last one.

    That is 2 exp(-x) >= 4 x (1 - x), by exp(5/8 - x) >= 13/8 - x and (27/32)^4 <= exp(-5/8) <= 8/13.
    """
    x, low, part, there = delay / (4 * M), Rational(27, 32), exp(-Rational(5, 32)), exp(-Rational(5, 8))
    return (
        exponential(f"{name}: tangent", Rational(5, 8) - x),
        exponential(f"{name}: part", -Rational(5, 32)),
        exponential(f"{name}: inverse", Rational(5, 8)),
        exponential(f"{name}: mu and L", x - mu * x / L),
        Scalar(
            f"{name}: from below", le(low**4, there),
            ((f"{name}: part", part**3 + low * part**2 + low**2 * part + low**3),),
        ),
        Scalar(f"{name}: from above", le(there, Rational(8, 13)), ((Rational(8, 13) * there, f"{name}: inverse"),)),
        Scalar(
            f"{name}: minorant", le(4 * x * (1 - x), 2 * exp(-x)),
            ((2 * there, f"{name}: tangent"), (4, Power(x - (2 + there) / 4)), (there / 4, f"{name}: from above"),
             (Rational(109, 52), f"{name}: from below")),
        ),
        Rule(
            name, of, says=le(c - c * x, of),
            cases={
                "delay": ((exp(-x) / (4 * L * delay), f"{name}: mu and L"),
                          (x * exp(-x) / (4 * L**2 * delay), "mu <= L"), (exp(-x) / (4 * L * delay), "c: cap"),
                          (M * c / delay, f"{name}: minorant")),
                "cap": ((1 / (8 * M * L), "c: cap"),),
                "noise": ((1 / (number.q * mu * K), "c: noise"),),
            },
        ),
    )  # fmt: skip


def closed(number: Rational) -> tuple[Step, ...]:
    """Return the steps to the sum of the stepsizes under R1: (3/4) K c or more."""
    return (
        *_least("least ghat", ghat(k), t(k), number),
        Counting("closed delays", "closed"),
        Inequality(
            "stepsizes R1", le(Rational(3, 4) * K * c, _LATER),
            (total(k, "least ghat"), (c / (4 * M), "closed delays")),
        ),
    )  # fmt: skip


def literal(number: Rational) -> tuple[Step, ...]:
    """Return the steps to the sum of the stepsizes under RL: K c/2 or more, by what is back by K and K >= 3M."""
    more = K - 3 * M
    return (
        *_least("least gamma", applied(k), tau(k), number),
        *(Counting(name, name) for name in ("arrived", "later", "number of later", "later weights")),
        Inequality(
            "stepsizes RL", le(K * c / 2, _LATER),
            (("later weights",), total(k, again(k), "least gamma"), (c, "number of later"), (c / (4 * M), "later"),
             (5 * c / 4, "arrived"), (c / 4, more), (c / (4 * M), more, "arrived"),
             (c / (4 * M), "arrived", "arrived")),
        ),
    )  # fmt: skip


def _short(rule: str, rate: Rational) -> tuple[Step, ...]:
    """``d`` of an output rule is at most c."""
    letter, number = d(rule), 1 / rate
    values = {"cap": 1 / (8 * M * L), "noise": number * LOG / (mu * K)}
    each = {"cap": ((1 / (8 * M * L), f"d {rule}: cap"),),
            "noise": ((1 / (number.q * mu * K), f"d {rule}: noise"),)}  # fmt: skip
    return (
        *(Rule(f"d {rule}: {branch}", letter, below=branch, values=values) for branch in CONSTANT),
        Rule(f"d <= c {rule}", c, says=le(letter, c), branches=CONSTANT, cases=each),
    )


def _optimisation(rule: str, rate: Rational) -> tuple[Step, ...]:
    """What the start still weighs at the end: where noise matters, it is sigma^2/(8 mu K^2) at most."""
    letter, top, end = d(rule), rate * mu * K / (8 * M * L), f"decay in d {rule}"
    values = {"cap": 1 / (8 * M * L), "noise": LOG / (rate * mu * K)}
    noise = sigma**2 / (2 * W * mu**2 * K**2)
    return (
        exponential(f"LIMIT {rule}: exp", top),
        Scalar(f"LIMIT {rule}: positive", le(top, exp(top) - 1), ((f"LIMIT {rule}: exp",),)),
        Rule(
            f"start {rule}", letter,
            says=le(decay * B**2 / (2 * W), mu * B**2 / 8 * limit(rate) + sigma**2 / (8 * mu * K**2)), values=values,
            cases={
                "cap": ((B**2 / (2 * W) * limit(rate), f"sum of weights {rule}"), (B**2 / (2 * W) * limit(rate), end),
                        (sigma**2 / (8 * mu * K**2),)),
                "noise": ((noise, f"sum of weights {rule}"), (noise, end), (noise * decay, "e >= 2"),
                          (mu * B**2 / 8 * limit(rate),)),
            },
        ),
    )  # fmt: skip


def in_c(rule: str, share: Rational) -> tuple[Step, ...]:
    """Return the steps from the sum of the stepsizes, ``share`` K c or more, to a bound in c."""
    rate, letter, first = share / 4, d(rule), w(0)
    grown, y = mu * _LATER / 4, rate * mu * K * letter
    return (
        *_short(rule, rate),
        exponential(f"exp of what is more {rule}", grown - y),
        Scalar(
            f"decay in d {rule}", le(decay * exp(y), 1),
            (("decay",), (-exp(y), f"decay {rule}"), (first * exp(y), f"exp of what is more {rule}"),
             (mu / 4 * first * exp(y), f"stepsizes {rule}"), (rate * mu * K * first * exp(y), f"d <= c {rule}")),
        ),
        Telescope(
            f"all growth {rule}", eq(mu / 4 * Sum(w(k) * ghat(k), (k, 1, _N)), w(_N) - w(0)), _N, K,
            by=((f"growth {rule}",),),
        ),
        Inequality(
            f"sum of weights {rule}", eq(mu / 4 * W, 1 - decay),
            ((mu / 4, f"W {rule}"), (f"all growth {rule}",), (f"end {rule}",), (f"decay {rule}",)),
        ),
        exponential(f"exp of the sum {rule}", grown),
        Inequality(
            f"weights {rule}", le(share * K * c * decay, W),
            ((4 / mu, f"sum of weights {rule}"), (4 / mu, "decay"), (4 / mu * first, f"exp of the sum {rule}"),
             (first, f"stepsizes {rule}"), (-4 / mu - share * K * c, f"decay {rule}")),
        ),
        Inequality(
            f"squares {rule}", le(S, c * W + M * c**2 * decay),
            ((-1, f"S {rule}"), (c, f"W {rule}"), (M * c**2, f"decay {rule}"),
             total(k, w(k) * ghat(k), "ghat <= c"), total(m, first * (c + g_0(m)), "ghat0 <= c")),
        ),
        Inequality(f"one crowd {rule}", le(CROWD, (M - 1) * c**2), (total(j, c + g_flying(k, j), "ghatf <= c"),)),
        Inequality(
            f"crowds {rule}", le(V, W * (M - 1) * c**2),
            ((-1, f"V {rule}"), total(k, w(k) * ghat(k), f"one crowd {rule}"), (c**2, M - 1, f"W {rule}")),
        ),
        Inequality(
            f"in c {rule}",
            le(output_gap, decay * B**2 / (2 * W) + sigma**2 * c * (Rational(17, 32) + M / (2 * share * K))),
            ((f"conditional {rule}",), (sigma**2 / (2 * W), f"squares {rule}"),
             (mu * sigma**2 / (4 * W), f"crowds {rule}"), (mu * sigma**2 * c**2 / 4,),
             (sigma**2 * c * mu / (32 * L), "c: cap"), (sigma**2 * c / (32 * L), "mu <= L"),
             (sigma**2 * M * c / (2 * share * K * W), f"weights {rule}")),
        ),
        *_optimisation(rule, rate),
    )  # fmt: skip
