"""The derivations about noise in flight, after delivery t = K: n = M + K - 1 noises are drawn, M - 1 are in flight.

``martingale``: the sum of all n has E||.||^2 <= n sigma^2, whatever delays depend on, as long as they foresee nothing:
each noise is drawn after the ones before it. ``in_flight``: Cauchy-Schwarz for M - 1 terms; they are among the n, and
dropping which of them they are costs the rest. ``back``: what is back is the one less the other.
"""

from typing import Any

from sympy import Min, Sum, Symbol

from ratecheck.core.gram import inner, square
from ratecheck.core.proof import (
    Cauchy,
    Class,
    Counting,
    Expectation,
    Identity,
    Inequality,
    Proof,
    Root,
    Smallest,
    Square,
    Step,
    Telescope,
    Total,
    Triangle,
    eq,
    le,
    total,
)
from ratecheck.core.setting import j, m, n, n_0, n_flying
from ratecheck.core.setting_flight import (
    FLIGHT,
    a,
    back,
    drawn,
    drift,
    error,
    flight,
    flight_heavy,
    heavy,
    heavy_0,
    lately,
    lately_0,
    n_back,
    power,
    power_0,
    weight,
    weight_0,
)
from ratecheck.core.symbols import K, M, excess, k, level, sigma, sigma_inf, sigma_r, tau_cap

_N = Symbol("n", nonnegative=True)
#: square roots of M - 1 and of the number of noises drawn
ROOT, ROOT_DRAWN = Symbol("q", nonnegative=True), Symbol("qn", nonnegative=True)
DRAWN = M + K - 1
NOTES = ("q is the square root of M - 1, qn that of M + K - 1. K is the delivery t at which one looks.",)


def over(first: Any, later: Any) -> Any:
    """Return the sum over all that was drawn."""
    return Sum(first, (m, 1, M)) + Sum(later, (k, 1, K - 1))


NOISES = over(square(n_0(m)), square(n(k)))


def variances() -> tuple[Step, ...]:
    """The n noises have together at most n sigma^2."""
    return (
        Expectation("variance", n(k)),
        Expectation("variance at x_0", n_0(m)),
        Inequality("all variances", le(NOISES, DRAWN * sigma**2), (total(k, "variance"), total(m, "variance at x_0"))),
    )


def sums(suffix: str, total_: Any, one: Any, first: Any) -> tuple[Step, ...]:
    """Squares of a sum over all that was drawn add up."""
    return (
        Expectation(f"fresh{suffix}", one(k), total_(k)),
        Identity(
            f"one more{suffix}",
            eq(square(total_(k + 1)), square(total_(k)) + 2 * inner(total_(k), one(k)) + square(one(k))),
            by=(f"next{', told' if suffix else ''}",),
        ),
        Telescope(
            f"later{suffix}",
            eq(square(total_(_N + 1)), square(total_(1)) + Sum(square(one(k)), (k, 1, _N))),
            _N, K - 1, by=((f"one more{suffix}",), (2, f"fresh{suffix}")),
        ),
        Expectation(f"at x_0{suffix}", total_(1)),
        Inequality(
            f"squares add{suffix}", eq(square(total_(K)), over(square(first), square(one(k)))),
            ((f"later{suffix}",), (f"at x_0{suffix}",)),
        ),
    )  # fmt: skip


def martingale() -> tuple[Step, ...]:
    """E||drawn||^2 <= n sigma^2."""
    return (
        *variances(),
        *sums("", drawn, n, n_0(m)),
        Inequality("drawn", le(square(drawn(K)), DRAWN * sigma**2), ((-1, "squares add"), ("all variances",))),
    )


def in_flight() -> tuple[Step, ...]:
    """E||flight||^2 <= (M - 1) times all squares <= (M - 1) n sigma^2."""
    return (
        Cauchy("M - 1 terms", flight, "in flight"),
        Counting("among the drawn", "flight", {"of": n(k)}),
        Inequality("pathwise", le(square(flight), (M - 1) * NOISES), (("M - 1 terms",), (M - 1, "among the drawn"))),
        Inequality(
            "in flight", le(square(flight), (M - 1) * DRAWN * sigma**2), (("pathwise",), (M - 1, "all variances"))
        ),
    )


def roots() -> tuple[Step, ...]:
    """The numbers whose squares are M - 1 and n."""
    return (
        Inequality("others", le(0, M - 1), ((M - 1,),)),
        Inequality("some are drawn", le(0, DRAWN), ((DRAWN,),)),
        Root("q", ROOT, M - 1, "others"),
        Root("qn", ROOT_DRAWN, DRAWN, "some are drawn"),
    )


def came_back() -> tuple[Step, ...]:
    """E||back||^2 <= (1 + sqrt(M - 1))^2 n sigma^2."""
    return (
        *roots(),
        Inequality("rms drawn", le(square(drawn(K)), (ROOT_DRAWN * sigma) ** 2), (("drawn",), (sigma**2, "qn"))),
        Inequality(
            "rms in flight", le(square(-flight), (ROOT * ROOT_DRAWN * sigma) ** 2),
            (("in flight",), (sigma**2 * ROOT_DRAWN**2, "q"), (sigma**2 * (M - 1), "qn")),
        ),
        Triangle(
            "rms", ((drawn(K), ROOT_DRAWN * sigma, "rms drawn"), (-flight, ROOT * ROOT_DRAWN * sigma, "rms in flight"))
        ),
        Identity("back is drawn less in flight", eq(square(back), square(drawn(K) - flight)), by=("arrived",)),
        Inequality(
            "back", le(square(back), (1 + ROOT) ** 2 * DRAWN * sigma**2),
            ((-1, "back is drawn less in flight"), ("rms",), (-(sigma**2) * (1 + ROOT) ** 2, "qn")),
        ),
    )  # fmt: skip


def weighted() -> tuple[Step, ...]:
    """The same with weights that were fixed in advance: E||flight||^2 <= (M - 1) sigma^2 sum of c^2."""
    whole = over(weight_0(m) ** 2, weight(k) ** 2)
    return (
        Cauchy("M - 1 terms, weighted", flight_heavy, "weighted"),
        Counting("among the drawn, weighted", "flight", {"of": heavy(k)}),
        Expectation("variance, weighted", heavy(k)),
        Expectation("variance at x_0, weighted", heavy_0(m)),
        Inequality(
            "in flight, weighted", le(square(flight_heavy), (M - 1) * sigma**2 * whole),
            (("M - 1 terms, weighted",), (M - 1, "among the drawn, weighted"),
             (M - 1, Total(k, ("variance, weighted",))), (M - 1, Total(m, ("variance at x_0, weighted",)))),
        ),
    )  # fmt: skip


VARIANCE = Proof(
    FLIGHT,
    (*martingale(), *in_flight(), *weighted(), *came_back()),
    proves={"": {"in flight": "in flight", "in flight, pathwise": "pathwise", "in flight, weighted":
                 "in flight, weighted", "back": "back"}},
    notes=NOTES,
)  # fmt: skip

#: delays that are independent of the samples
INDEPENDENT = Proof(
    FLIGHT,
    (
        Expectation("squares in flight", flight),
        Expectation("variance in flight", n_flying(K, j)),
        Inequality(
            "in flight", le(square(flight), (M - 1) * sigma**2),
            ((-1, "squares in flight"), total(j, "variance in flight")),
        ),
        Expectation("squares that are back", back),
        Expectation("variance of one that is back", n_back(a)),
        Inequality(
            "back", le(square(back), K * sigma**2),
            ((-1, "squares that are back"), total(a, "variance of one that is back")),
        ),
    ),
    proves={"": {"in flight": "in flight", "back": "back"}},
)  # fmt: skip

_ORDER = 2 + excess
_TAIL = 2 * level ** (-excess) / _ORDER

#: noises with a moment of order r = 2 + excess, for any number ``level``; and noises that are bounded
MOMENTS = Proof(
    FLIGHT,
    (
        Cauchy("M - 1 terms", flight, "in flight"),
        Class("bounded noise", "bounded noise", ("in flight",)),
        Inequality(
            "bounded", le(square(flight), (M - 1) ** 2 * sigma_inf**2),
            (("M - 1 terms",), (M - 1, Total(j, ("bounded noise",)))),
        ),
        Class("power mean", "power mean", ("in flight",)),
        Counting("powers among the drawn", "flight", {"of": power(k)}),
        Expectation("moment", power(k)),
        Expectation("moment at x_0", power_0(m)),
        Inequality(
            "moments",
            le(square(flight),
               (M - 1) * (_TAIL * DRAWN * sigma_r**_ORDER + excess / _ORDER * (M - 1) * level**2)),
            (("M - 1 terms",), (M - 1, Total(j, ("power mean",))), ((M - 1) * _TAIL, "powers among the drawn"),
             ((M - 1) * _TAIL, Total(k, ("moment",))), ((M - 1) * _TAIL, Total(m, ("moment at x_0",)))),
        ),
    ),
    proves={"": {"bounded": "bounded", "moments": "moments"}},
)  # fmt: skip

_LATELY = over(lately_0(m), lately(k))
_WEIGHTS = over(lately_0(m) * weight_0(m) ** 2, lately(k) * weight(k) ** 2)
_MOST = {"by the cap": (M - 1) * (tau_cap + M - 2) * sigma**2, "by number": (M - 1) * DRAWN * sigma**2}

#: delays under a cap: only what was drawn lately is in flight
CAPPED = Proof(
    FLIGHT,
    (
        Cauchy("M - 1 terms", flight, "in flight"),
        Counting("drawn lately", "lately", {"of": n(k)}),
        *variances()[:2],
        Inequality(
            "in flight, lately", le(square(flight), (M - 1) * sigma**2 * _LATELY),
            (("M - 1 terms",), (M - 1, "drawn lately"), (M - 1, Total(k, (lately(k), "variance"))),
             (M - 1, Total(m, (lately_0(m), "variance at x_0")))),
        ),
        Counting("few", "lately, few"),
        Counting("0 or 1", "lately, 1", {"of": lately(k)}),
        Counting("0 or 1 at x_0", "lately, 1", {"of": lately_0(m)}),
        Inequality(
            "by the cap", le(square(flight), _MOST["by the cap"]),
            (("in flight, lately",), ((M - 1) * sigma**2, "few")),
        ),
        Inequality(
            "by number", le(square(flight), _MOST["by number"]),
            (("in flight, lately",), ((M - 1) * sigma**2, *total(k, "0 or 1")),
             ((M - 1) * sigma**2, *total(m, "0 or 1 at x_0"))),
        ),
        Smallest("lately", square(flight), Min(*_MOST.values()), ("by the cap", "by number")),
        Cauchy("M - 1 terms, weighted", flight_heavy, "weighted"),
        Counting("drawn lately, weighted", "lately", {"of": heavy(k)}),
        Expectation("variance, weighted", heavy(k)),
        Expectation("variance at x_0, weighted", heavy_0(m)),
        Inequality(
            "lately, weighted", le(square(flight_heavy), (M - 1) * sigma**2 * _WEIGHTS),
            (("M - 1 terms, weighted",), (M - 1, "drawn lately, weighted"),
             (M - 1, Total(k, (lately(k), "variance, weighted"))),
             (M - 1, Total(m, (lately_0(m), "variance at x_0, weighted")))),
        ),
    ),
    proves={"": {"lately": "lately", "lately, weighted": "lately, weighted"}},
    notes=("Derived with tau_cap = tau + 1, the cap on a delay as the engine counts it: 1 is none.",),
)  # fmt: skip

#: step (15) with a factor 2
REPAIRED = Proof(
    FLIGHT,
    (
        *martingale(), *in_flight(), *came_back(),
        Identity("noise and drift", eq(square(error), square(back + drift)), by=("error",)),
        Inequality(
            "with a factor 2", le(square(error), 2 * square(back) + 2 * square(drift)),
            ((-1, "noise and drift"), (Square(back - drift),)),
        ),
    ),
    proves={"": {"with a factor 2": "with a factor 2", "under the worst policy": "back"}},
    notes=NOTES,
)  # fmt: skip
