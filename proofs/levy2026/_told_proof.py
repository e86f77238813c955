"""The derivations for delays that are decided by durations: what a duration tells of a noise is what is penalised.

A noise is the part that its job's duration tells of, and the rest. The rests that are back add up in squares, and so
does all that is told of what was drawn; only what is told of the M - 1 in flight is chosen. See ``_flight_proof``.
"""

from ratecheck.core.gram import inner, square
from ratecheck.core.proof import (
    Cauchy,
    Counting,
    Expectation,
    Identity,
    Inequality,
    Proof,
    Total,
    Triangle,
    eq,
    le,
    total,
)
from ratecheck.core.setting import m, n, n_0
from ratecheck.core.setting_flight import (
    FLIGHT,
    back,
    back_rest,
    drawn_told,
    flight_told,
    rest,
    rest_0,
    told,
    told_0,
)
from ratecheck.core.symbols import K, M, k, sigma, sigma_mu

from ._flight_proof import DRAWN, NOTES, ROOT, ROOT_DRAWN, over, roots, sums, variances

#: durations that tell nothing of the mean
MEAN_ZERO = Proof(
    FLIGHT,
    (
        *variances(),
        Expectation("squares that are back", back),
        Counting("those that are back", "arrivals", {"of": n(k)}),
        Inequality(
            "back", le(square(back), DRAWN * sigma**2),
            ((-1, "squares that are back"), ("those that are back",), ("all variances",)),
        ),
    ),
    proves={"": {"back": "back"}},
)  # fmt: skip

_TOLD, _REST = over(square(told_0(m)), square(told(k))), over(square(rest_0(m)), square(rest(k)))
_BULK = back_rest + drawn_told(K)

#: only what durations tell of is penalised
MIXED = Proof(
    FLIGHT,
    (
        *variances(),
        Expectation("parts are orthogonal", rest(k), told(k)),
        Expectation("parts are orthogonal, x_0", rest_0(m), told_0(m)),
        Identity(
            "parts", eq(square(n(k)), square(rest(k)) + 2 * inner(rest(k), told(k)) + square(told(k))), by=("parts",)
        ),
        Identity(
            "parts, x_0",
            eq(square(n_0(m)), square(rest_0(m)) + 2 * inner(rest_0(m), told_0(m)) + square(told_0(m))),
            by=("parts at x_0",),
        ),
        Inequality(
            "Pythagoras", le(_REST + _TOLD, DRAWN * sigma**2),
            (("all variances",), total(k, "parts"), total(m, "parts, x_0"), (2, Total(k, ("parts are orthogonal",))),
             (2, Total(m, ("parts are orthogonal, x_0",)))),
        ),
        *sums(", told", drawn_told, told, told_0(m)),
        Expectation("squares of the rest", back_rest),
        Counting("rests that are back", "arrivals", {"of": rest(k)}),
        Expectation("the rest and what is told", back_rest, drawn_told(K)),
        *roots(),
        Inequality(
            "bulk", le(square(_BULK), (ROOT_DRAWN * sigma) ** 2),
            ((-1, "squares of the rest"), ("rests that are back",), (-2, "the rest and what is told"),
             (-1, "squares add, told"), ("Pythagoras",), (sigma**2, "qn")),
        ),
        Cauchy("M - 1 terms, told", flight_told, "in flight, told"),
        Counting("among the drawn, told", "flight", {"of": told(k)}),
        Expectation("variance told", told(k)),
        Expectation("variance told, x_0", told_0(m)),
        Inequality(
            "told in flight", le(square(-flight_told), (ROOT * ROOT_DRAWN * sigma_mu) ** 2),
            (("M - 1 terms, told",), (M - 1, "among the drawn, told"), (M - 1, Total(k, ("variance told",))),
             (M - 1, Total(m, ("variance told, x_0",))), (sigma_mu**2 * ROOT_DRAWN**2, "q"),
             (sigma_mu**2 * (M - 1), "qn")),
        ),
        Triangle(
            "rms", ((_BULK, ROOT_DRAWN * sigma, "bulk"), (-flight_told, ROOT * ROOT_DRAWN * sigma_mu, "told in flight"))
        ),
        Identity("back", eq(square(back), square(_BULK - flight_told)), by=("arrived, in parts",)),
        Inequality(
            "dividing line", le(square(back), DRAWN * (sigma + ROOT * sigma_mu) ** 2),
            ((-1, "back"), ("rms",), (-((sigma + ROOT * sigma_mu) ** 2), "qn")),
        ),
    ),
    proves={"": {"dividing line": "dividing line"}},
    notes=NOTES,
)  # fmt: skip
