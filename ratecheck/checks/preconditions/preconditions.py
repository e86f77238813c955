"""What a claim assumes is measured where it can be, not believed: a cell's constants, minimum, noise and delays.

Each function returns None, or a sentence with the number that contradicts what is declared. What is measured can
contradict a declaration and never confirm it. How delays and noise go together is looked at in ``dependence``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from ratecheck.checks.preconditions.bench import Bench, sealed, unlike
from ratecheck.checks.preconditions.challenge import derivative
from ratecheck.checks.preconditions.laws import challenge_delays, challenge_noise
from ratecheck.checks.preconditions.moment import understated
from ratecheck.core import shelf
from ratecheck.core.delays import Delays
from ratecheck.core.noise import Noise
from ratecheck.engine.build import Built
from ratecheck.engine.compile import is_users, seal
from ratecheck.engine.sweep import try_out

#: the observed constants have rounding taken off already; this covers the declared number's own last digit
SLACK = 1e-12
#: a solver's minimiser may have a squared gradient this far from zero, relative to (L B)^2
SLOPE = 1e-16
#: a declared B this close to the square of the distance, relatively, was meant as the square
SAME = 1e-6
#: values of F near F* are multiples of the last digit of F*: it must be below this part of the bound
VISIBLE = 1e-3
#: constants that are not below 0, whatever the objective
SIZES = ("L", "G", "G_F", "B", "Delta", "sigma", "sigma_L", "zeta")
#: draws a noise is measured by: a variance off by 3 % shows where the fourth moment is that of a Gaussian
SAMPLES = 1 << 17


def contradiction(built: Built) -> str | None:
    """Return a sentence when the objective contradicts a constant or a class that the cell declares, else None.

    Looked at: the minimum, by an independent solver too; B; Delta; L as the largest curvature met, mu as the smallest,
    G as the steepest gradient, sigma of row sampling as the largest deviation, sigma_L as how fast that changes; zeta,
    over all workers; whether workers differ undeclared; convexity at midpoints.
    """
    try_out(built)
    rows = 0 if built.noise.additive else built.instance.rows  # rows that nobody samples need no sigma
    change = built.constants.get("sigma_L") if rows else None  # looked at where it is declared, by hand too
    known = {**built.instance.constants, **({} if change is None else {"sigma_L": change})}
    bench = sealed(built)
    instance = replace(bench.instance, rows=rows, constants=known)
    bench = replace(bench, instance=instance)
    with np.errstate(all="ignore"):  # F may overflow at the far points tried
        if is_users(built.problem.mean_gradient) and (said := derivative(Bench(built.problem, instance))):
            return said
        return next((said for check in _CHECKS if (said := check(bench, built.constants))), None)


def _sizes(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    below = next((n for n in SIZES if (v := declared.get(n)) is not None and v < 0), None)
    return below and f"declared {below} = {declared[below]:g} is below 0: it is a size"


def _solved(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    known = bench.instance.solved
    return None if known else "nobody knows a minimiser of this problem, and what is declared is measured from there"


def _minimiser(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    star, minimum = bench.instance.minimiser, bench.instance.minimum
    if not math.isfinite(bench.value(star)):
        return f"F is {bench.value(star):g} at the declared minimiser"
    if abs(bench.value(star) - minimum) > bench.value_rounding(star):
        return f"declared minimum {minimum:g}, but F at the minimiser is {bench.value(star):.6g}"
    slope = float(np.linalg.norm(bench.gradient(star)))
    steep = declared.get("L") is not None and slope**2 > SLOPE * (declared["L"] * declared["B"]) ** 2
    if steep and "smooth" in bench.instance.classes:
        return f"the declared minimiser is none: the gradient there has norm {slope:.6g}"
    return None


def _minimum(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    low, star, minimum = bench.lowest, bench.instance.minimiser, bench.instance.minimum
    below = minimum - bench.value(low)
    if not below > bench.value_rounding(low, star):
        return None
    away = float(np.linalg.norm(low - star))
    return (
        f"declared minimum {minimum:g}, but F = {bench.value(low):.6g} was found, {below:.3g} lower, "
        f"at a distance of {away:.3g} from the declared minimiser"
    )


def _distance(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    given, away = declared["B"], float(np.linalg.norm(bench.instance.start - bench.instance.minimiser))
    if abs(given - away**2) <= SAME * away**2 and abs(away - 1) > SAME:
        return (
            f"declared B = {given:g} is the square of {away:.6g}, the distance from the start to the minimiser: "
            "B is the distance, not its square"
        )
    if given < away * (1 - SLACK):
        return f"declared B = {given:g}, but the start is {away:.6g} away from the minimiser: B is at least that"
    return None


def _descent(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    """The room for descent from the start: Delta, with the rounding of F there."""
    start, given = bench.instance.start, declared.get("Delta")
    if given is None:
        return None
    gap = bench.value(start) - bench.instance.minimum
    if gap - bench.value_rounding(start) <= given * (1 + SLACK):
        return None
    return f"declared Delta = {given:g}, but F(x_0) - F* = {gap:.6g}: Delta is at least that"


def _slope(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    met = bench.seen.bound["G"]
    for name, given in ((n, declared.get(n)) for n in ("G", "G_F")):
        if given is not None and met > given * (1 + SLACK):
            return f"declared {name} = {given:g}, but a gradient of norm {met:.6g} was met{_place(bench, 'G')}"
    return None


def _smoothness(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    given, seen = declared.get("L"), bench.seen
    if given is None or "smooth" not in bench.instance.classes or seen.bound["L"] <= given * (1 + SLACK):
        return None
    found = f"declared L = {given:g}, but the curvature met is {seen.bound['L']:.6g}{_place(bench, 'L')}"
    return f"{found}: the theorem needs a true L"


def _strong_convexity(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    given, seen = declared.get("mu"), bench.seen
    if not given or "strongly-convex" not in bench.instance.classes or seen.bound["mu"] >= given * (1 - SLACK):
        return None
    return f"declared mu = {given:g}, but the curvature met is only {seen.bound['mu']:.6g}{_place(bench, 'mu')}"


def _rows(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    given, seen = declared.get("sigma"), bench.seen
    if given is None or seen.bound.get("sigma", 0.0) <= given * (1 + SLACK):
        return None
    return f"declared sigma = {given:g}, but sampled rows deviate by {seen.bound['sigma']:.6g}{_place(bench, 'sigma')}"


def _changes(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    given, seen = declared.get("sigma_L"), bench.seen
    if given is None or seen.bound.get("sigma_L", 0.0) <= given * (1 + SLACK):
        return None
    met = f"{seen.bound['sigma_L']:.6g}{_place(bench, 'sigma_L')}"
    return f"declared sigma_L = {given:g}, but the noise of sampled rows changes from point to point at rate {met}"


def _workers(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    return unlike(bench)


def _dissimilarity(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    given, seen = declared.get("zeta"), bench.seen.bound["zeta"]
    if given is None or seen <= given * (1 + SLACK):
        return None
    return f"declared zeta = {given:g}, but a worker's gradient is {seen:.6g} off that of F{_place(bench, 'zeta')}"


def _convexity(bench: Bench, declared: Mapping[str, Any]) -> str | None:
    excess = bench.seen.bound["concave"]
    if "convex" not in bench.instance.classes or excess <= 0:
        return None
    return f"the problem is declared convex, but F exceeds a chord by {excess:.3g}{_place(bench, 'concave')}"


def _place(bench: Bench, name: str) -> str:
    return f" (at a distance of {bench.seen.away[name]:.3g} from the minimiser)"


_CHECKS: tuple[Callable[[Bench, Mapping[str, Any]], str | None], ...] = (
    _sizes, _solved, _workers, _minimiser, _distance, _descent, _slope, _smoothness, _strong_convexity, _rows, _changes,
    _dissimilarity, _convexity, _minimum,
)  # fmt: skip


def hidden(built: Built, bound: float) -> str | None:
    """Return a sentence when F* is so large that errors of the size of ``bound`` are lost in the digits of F."""
    minimum = built.instance.minimum
    digit = float(np.spacing(abs(minimum)))
    if bound <= 0 or digit <= VISIBLE * bound:  # a bound that is not positive hides nothing: it is refuted
        return None
    return (
        f"F* = {minimum:g} hides an error of {bound:.3g}: values of F there are {digit:.2g} apart; "
        "subtract F* in the value kernel"
    )


def unlawful(built: Built) -> str | None:
    """Return a sentence when the noise, or a user's delays, contradict what they declare.

    A noise must have mean 0 and variance 1 in each coordinate, or the theorem is blamed for its excess. Every noise
    that is used is measured, with the parameters it is used with and in its compiled form; sigma_r, sigma_inf and G
    that a cell declares by hand are held against it.
    """
    try_out(built)
    delays = shelf.DELAYS.get(built.cell.delays.name)
    faults: list[str] = []
    if built.noisy:
        faults += _noise(built.noise, _frozen(built.cell.noise.par))
    faults += [fault] if (fault := understated(built)) else []
    if any(is_users(f) for f in (delays.duration, delays.order, delays.stretch, delays.pick)):
        faults += _delays(delays, _frozen(built.cell.delays.par))
    return faults[0].rstrip(".") if faults else None


def _frozen(par: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((n, tuple(v) if isinstance(v, list) else v) for n, v in par.items())


@lru_cache(maxsize=64)
def _noise(noise: Noise, par: tuple[tuple[str, Any], ...]) -> list[str]:
    sealed = replace(noise, fill=noise.fill and seal("fill", noise.fill), draw=noise.draw and seal("draw", noise.draw))
    return challenge_noise(sealed, dict(par), samples=SAMPLES)


@lru_cache(maxsize=64)
def _delays(delays: Delays, par: tuple[tuple[str, Any], ...]) -> list[str]:
    return challenge_delays(delays, dict(par))
