"""The noise in flight in the derivations for ordered momentum: what bounds the mean of E||z(k)||^2, and the steps.

Each of the tuples of steps ends in "noise in all", the sum over all deliveries. They use "variance" and "beta <= 1".
"""

from __future__ import annotations

from sympy import Expr, Integer, Min, Rational, Sum, Symbol

from ratecheck.core.gram import Ip, monomial
from ratecheck.core.proof import (
    Class,
    Counting,
    Expectation,
    Given,
    Inequality,
    Power,
    Smallest,
    Step,
    Telescope,
    Total,
    le,
    total,
)
from ratecheck.core.setting import j, z
from ratecheck.core.setting_ordered import noises, power, powers, r
from ratecheck.core.symbols import K, M, beta, excess, k, sigma, sigma_inf, sigma_r, tau_cap

_N = Symbol("N", nonnegative=True)


def _sum(of: Expr, last: Expr = K) -> Expr:
    return Sum(of, (k, 1, last))


NOISE = _sum(Ip(z(k), z(k)))

_ALL_NOISES = (
    Given("noises", "noises"),
    Given("no noises", "no noises at first"),
    Telescope(
        "noises so far",
        le(beta * (2 - beta) * _sum(noises(k), _N) + r**2 * noises(_N), _N * sigma**2 + r**2 * noises(0)),
        _N, K, by=((-1, "noises"), ("variance",)),
    ),
    Inequality(
        "all noises",
        le(beta * (2 - beta) * _sum(noises(k)), K * sigma**2),
        (("noises so far",), (-(r**2), "no noises"), (Power(r), noises(K))),
    ),
)  # fmt: skip


def _drawn(many: Expr) -> Step:
    """The noise in flight at all steps, where it is at most ``many`` beta^2 noises(k) at each."""
    return Inequality(
        "noise in all", le(NOISE, K * many * beta * sigma**2 / (2 - beta)),
        (total(k, "noise in flight"), (many * beta / (2 - beta), "all noises")),
    )  # fmt: skip


#: what bounds the mean of E||z(k)||^2, and the steps that say so in "noise in all"
ANY = (M - 1) * beta * sigma**2 / (2 - beta)
ANY_STEPS = (Counting("noise in flight", "flights", {"of": z(k)}), *_ALL_NOISES, _drawn(M - 1))
MEAN_ZERO = beta * sigma**2 / (2 - beta)
MEAN_ZERO_STEPS = (Counting("noise in flight", "flights, orthogonal"), *_ALL_NOISES, _drawn(Integer(1)))
INDEPENDENT = (M - 1) * beta**2 * sigma**2
INDEPENDENT_STEPS = (
    Expectation("noise in flight", z(k)),
    Counting("weights", "flight weights", {"below": "beta <= 1"}),
    Inequality(
        "noise in all", le(NOISE, K * INDEPENDENT),
        (total(k, "noise in flight"), total(k, *total(j, sigma**2, "weights"))),
    ),
)  # fmt: skip

#: committed in order: what is missing is the whole less what is committed
BY_DOOB = 9 * beta * sigma**2 / (2 - beta)
BY_DOOB_STEPS = (Counting("noise in flight", "missing, noise"), *_ALL_NOISES, _drawn(Integer(9)))

BOUNDED = (M - 1) ** 2 * beta**2 * sigma_inf**2
BOUNDED_STEPS = (
    Class("bounded noise", "bounded noise", ("in flight",)),
    Counting("noise in flight", "flights, bounded", {"below": "beta <= 1", "bounded": "bounded noise"}),
    Inequality("noise in all", le(NOISE, K * BOUNDED), (total(k, "noise in flight"),)),
)

#: under a cap on delays the less of two, by how long each is in flight, and by its age; rounded, too
_BY_CAP = (M - 1) * beta**2 * (tau_cap - 1) * sigma**2
CAPPED = Min(_BY_CAP, ANY)
CAPPED_ROUNDED = Min(_BY_CAP, Rational(8, 15) * (M - 1) * beta * sigma**2)
_AGE_ROUNDED = (Rational(8, 15) * (M - 1) * beta * sigma**2 / (2 - beta), "2 - beta")
_BY_VARIANCE = ((M - 1) * beta**2 * (tau_cap - 1), Total(k, ("variance",)))
_FLIGHTS_LATELY = Counting("noise in flight", "flights, lately", {"below": "beta <= 1"})
BY_CAP_STEPS = (
    _FLIGHTS_LATELY, Inequality("noise in all", le(NOISE, K * _BY_CAP), (("noise in flight",), _BY_VARIANCE))
)  # fmt: skip
CAPPED_STEPS = (
    _FLIGHTS_LATELY,
    Inequality("by the cap", le(NOISE / K, _BY_CAP), ((1 / K, "noise in flight"), (1 / K, *_BY_VARIANCE))),
    Counting("noise in flight, each", "flights", {"of": z(k)}), *_ALL_NOISES,
    Inequality(
        "by age", le(NOISE / K, ANY),
        ((1 / K, *total(k, "noise in flight, each")), ((M - 1) * beta / (2 - beta) / K, "all noises")),
    ),
    Inequality(
        "by age, rounded", le(NOISE / K, Rational(8, 15) * (M - 1) * beta * sigma**2), (("by age",), _AGE_ROUNDED)
    ),
    Smallest("the less", NOISE / K, CAPPED, ("by the cap", "by age")),
    Inequality("noise in all", le(NOISE, K * CAPPED), ((K, "the less"),)),
    Smallest("the less, rounded", NOISE / K, CAPPED_ROUNDED, ("by the cap", "by age, rounded")),
    Inequality("noise in all, rounded", le(NOISE, K * CAPPED_ROUNDED), ((K, "the less, rounded"),)),
)  # fmt: skip

#: where moments of order r are known
ORDER = 2 + excess


def moments(most: Expr) -> Expr:
    """Return what bounds the mean of E||z(k)||^2 where no beta is above ``most``: for that one, a constant is lost."""
    return (M - 1) * monomial(M ** (1 - 2 / ORDER) * most ** (2 - 2 / ORDER)) * sigma_r**2


def moment_steps(most: Expr = beta, **above: str) -> tuple[Step, ...]:
    """Return the steps to "noise in all", K times ``moments(most)``; ``above`` names the fact beta <= most."""
    size = monomial(most ** (1 - 1 / ORDER) * sigma_r / M ** (1 / ORDER))
    lemma = {"below": "beta <= 1", "size": size, "most": most, **above}
    share, tail = (M - 1) / ORDER, monomial(size ** (-excess) * most ** (1 + excess))
    return (
        Counting("noise in flight", "flights, power", lemma),
        Given("powers", "powers"),
        Given("no powers", "no powers at first"),
        Expectation("moment", power(k)),
        Telescope(
            "powers so far",
            le(beta * _sum(powers(k), _N) + r * powers(_N), _sum(power(k), _N) + r * powers(0)),
            _N, K, by=((-1, "powers"),),
        ),
        Inequality(
            "all powers", le(beta * _sum(powers(k)), K * sigma_r**ORDER),
            (("powers so far",), (-r, "no powers"), ("beta <= 1", powers(K)), total(k, "moment")),
        ),
        Inequality(
            "noise in all", le(NOISE, K * moments(most)),
            (total(k, "noise in flight"), (2 * share * tail, "all powers"), (K * share * excess * monomial(size**2),)),
        ),
    )  # fmt: skip


MOMENTS = moments(beta)
