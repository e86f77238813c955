"""Contract of every noise on the shelf, and of the numeric helpers of ``core.keys`` that they are made of.

Statistical tests reject a law that is as declared with probability 1e-6 each (normal approximation); keys are fixed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import stats

from ratecheck.checks.preconditions.challenge import challenge_noise
from ratecheck.core import keys
from ratecheck.core.keys import cos_sin, exp, key_of, log, normal, normals, uniform, word, wrapping
from ratecheck.core.noise import Noise
from ratecheck.core.shelf import NOISES
from ratecheck.engine.compile import seal
from ratecheck.errors import PartError

#: parameters to try beside the defaults
OTHERS: dict[str, list[dict[str, Any]]] = {
    "two_point": [{"p": "1/2"}, {"p": 0.9}, {"p": "1/200"}],
    "student_t": [{"df": 4}, {"df": "5/2"}, {"df": 12}],
}
EVERY = [(name, par) for name in NOISES.names() for par in ({}, *OTHERS.get(name, []))]
every_noise = pytest.mark.parametrize(("name", "par"), EVERY, ids=lambda v: v if isinstance(v, str) else None)
ADDITIVE = [(name, par) for name, par in EVERY if NOISES.get(name).fill is not None]
ALARM = 1e-6


def drawn(noise: Noise, par: dict[str, Any], samples: int, key: int = 5) -> Any:
    """Return ``samples`` draws by the compiled kernel, in blocks of 2048."""
    fill, numbers = seal("fill", noise.fill, True), np.array(list(noise.parameters(par).values()) or [0.0])
    out = np.empty((samples // 2048, 2048))
    for b, block in enumerate(out):
        fill(np.uint64(key), b * 2048, numbers, block)
    return out.ravel()


def test_every_file_is_on_the_shelf():
    folder = Path(__file__).parents[2] / "ratecheck" / "noises"
    files = {p.stem for p in folder.glob("*.py") if not p.stem.startswith("_")}
    assert files == set(NOISES.names()) >= set(OTHERS)
    assert all(NOISES.get(name).name == name for name in files)


@pytest.mark.statistical
@every_noise
def test_declarations_survive_the_challenge(name, par):
    noise = NOISES.get(name)
    fill = seal("fill", noise.fill, True) if noise.fill else None
    assert challenge_noise(noise, par, fill=fill, samples=1 << 18) == []
    assert challenge_noise(noise, par, samples=1 << 11) == []


@pytest.mark.parametrize(("name", "par"), ADDITIVE)
@pytest.mark.parametrize("size", [2, 64, 130, 1000])
def test_strict_build_is_bitwise_the_plain_kernel(name, par, size):
    noise = NOISES.get(name)
    numbers = np.array(list(noise.parameters(par).values()) or [0.0])
    compiled, plain = np.full(size, np.nan), np.full(size, np.nan)
    seal("fill", noise.fill, True)(np.uint64(2**63 + 11), 10**9, numbers, compiled)
    with wrapping():
        noise.fill(np.uint64(2**63 + 11), 10**9, numbers, plain)
    assert np.array_equal(compiled, plain)


def test_strict_row_draws_are_bitwise_the_plain_kernel():
    for name in NOISES.names():
        noise = NOISES.get(name)
        if noise.draw is not None:
            compiled, plain = np.full(40, -1), np.full(40, -1)
            seal("draw", noise.draw, True)(np.uint64(2**63 + 11), 10**6, 1000, compiled)
            with wrapping():
                noise.draw(np.uint64(2**63 + 11), 10**6, 1000, plain)
            assert np.array_equal(compiled, plain)
            assert plain.min() >= 0


def test_the_largest_uniform_still_draws_the_last_row():
    """``int(u rows) < rows`` for the largest u, 1 - 2**-53, whatever the number of rows."""
    largest = 1 - 2.0**-53
    with wrapping():
        assert float(uniform(np.uint64(2**64 - 1))) == largest
    assert all(int(largest * rows) == rows - 1 for rows in [*range(1, 2000), 2**31 - 1, 2**40 + 1])


LAWS = [
    ("gaussian", {}, stats.norm()),
    *(("student_t", {"df": df}, stats.t(df, scale=math.sqrt((df - 2) / df))) for df in (2.5, 3, 4, 12)),
]


@pytest.mark.statistical
@pytest.mark.parametrize(("name", "par", "law"), LAWS)
def test_continuous_laws_by_kolmogorov_and_smirnov(name, par, law):
    assert stats.kstest(drawn(NOISES.get(name), par, 1 << 17), law.cdf).pvalue > ALARM


@pytest.mark.statistical
@pytest.mark.parametrize("p", [0.005, 0.05, 0.5, 0.9])
def test_two_points_by_their_counts(p):
    z = drawn(NOISES.get("two_point"), {"p": p}, 1 << 17)
    assert set(np.unique(z)) == {math.sqrt((1 - p) / p), -math.sqrt(p / (1 - p))}
    assert stats.binomtest(int((z > 0).sum()), z.size, p).pvalue > ALARM


@pytest.mark.statistical
def test_signs_within_a_word_are_independent():
    """All 2016 pairs of the 64 signs of a word, at 1e-6 together (Bonferroni)."""
    z = drawn(NOISES.get("rademacher"), {}, 1 << 20).reshape(-1, 64)
    gram = z.T @ z / math.sqrt(z.shape[0])
    assert np.abs(gram[np.triu_indices(64, 1)]).max() < stats.norm.isf(ALARM / 2 / 2016)
    assert np.abs(z.sum(axis=0)).max() / math.sqrt(z.shape[0]) < stats.norm.isf(ALARM / 2 / 64)


def compiled(name: str) -> Any:
    return seal("fill", NOISES.get(name).fill, True)


def too_loud(key: Any, position: Any, par: Any, out: Any) -> None:
    compiled("gaussian")(key, position, par, out)
    out *= math.sqrt(1.05)


def deaf_to_position(key: Any, position: Any, par: Any, out: Any) -> None:
    compiled("gaussian")(key, 0, par, out)


def overlapping(key: Any, position: Any, par: Any, out: Any) -> None:
    compiled("gaussian")(key, position // 2, par, out)


def remembering(key: Any, position: Any, par: Any, out: Any) -> None:
    compiled("gaussian")(key, position, par, out)
    CALLS.append(position)
    out[0] += len(CALLS) / 2**20


def both_coordinates(key: Any, position: Any, par: Any, out: Any) -> None:
    """Uncorrelated t variates that are not independent: cosine and sine of one radius."""
    half = out.shape[0] // 2
    for j in range(half):
        power = exp(log(uniform(word(key, position + 2 * j))) * (-2.0 / 3.0))
        c, s = cos_sin(word(key, position + 2 * j + 1))
        out[j], out[half + j] = math.sqrt(power - 1.0) * c, math.sqrt(power - 1.0) * s


def unscaled(key: Any, position: Any, par: Any, out: Any) -> None:
    """Student's t without the factor that makes its variance 1 instead of 3."""
    compiled("student_t")(key, position, par, out)
    out *= math.sqrt(3.0)


def fair_and_skew(key: Any, position: Any, par: Any, out: Any) -> None:
    """Fair signs, and only what is positive is spread: -a, or a times an exponential. Mean 0, variance 3/2 a^2 = 1."""
    compiled("gaussian")(key, position, par, out)
    out[:] = math.sqrt(2 / 3) * np.where(out < 0, -1.0, -np.log(np.clip(2 * stats.norm.sf(out), 1e-300, 1.0)))


def one_off(key: Any, handout: Any, rows: Any, out: Any) -> None:
    NOISES.get("rows").draw(key, handout, rows + 1, out)


def uneven(key: Any, handout: Any, rows: Any, out: Any) -> None:
    NOISES.get("rows").draw(key, handout, 16, out)
    out %= rows


CALLS: list[int] = []
LIES: dict[str, tuple[str, dict[str, Any], str]] = {
    "variance 1.05": ("gaussian", {"fill": too_loud}, "the variance is declared 1"),
    "fourth moment 2.8": ("gaussian", {"fourth_moment": lambda par: 2.8}, "the fourth moment is declared 2.8"),
    "a bound": ("gaussian", {"bound": lambda par: 3.0}, "|z| <= 3 is declared"),
    "a norm of order 2.5": ("gaussian", {"norm": lambda par, order: 1.06}, "E|z|^2.5, in units of 1.06^2.5, is"),
    "a norm of a smaller order": (
        "student_t",
        {"norm": lambda par, order: 1.3, "par": {"df": 5}},
        "E|z|^6, in units of 1.3^6, is declared",
    ),
    "a position that does nothing": ("gaussian", {"fill": deaf_to_position}, "its draws are correlated"),
    "overlapping blocks": ("gaussian", {"fill": overlapping}, "its draws are correlated"),
    "a memory": ("gaussian", {"fill": remembering}, "do not give the same numbers"),
    "dependence without correlation": ("student_t", {"fill": both_coordinates}, "its draws are correlated"),
    "variance 3, infinite fourth moment": ("student_t", {"fill": unscaled}, "the variance is declared 1"),
    "two points as if they were signs": ("two_point", {"symmetric": lambda par: True}, "is declared symmetric"),
    "fair signs, a skew law": (
        "gaussian",
        {"fill": fair_and_skew, "fourth_moment": lambda par: 100.0},
        "is declared symmetric",
    ),
    "a row too many": ("rows", {"draw": one_off}, "of 10"),
    "rows by remainder": ("rows", {"draw": uneven}, "not drawn uniformly"),
}


@pytest.mark.statistical
def test_a_skew_law_that_does_not_say_that_it_is_symmetric_may_be_skew():
    honest = replace(NOISES.get("gaussian"), fill=fair_and_skew, symmetric=lambda par: False,
                     fourth_moment=lambda par: 100.0)  # fmt: skip
    assert not any("symmetric" in s or "mean" in s for s in challenge_noise(honest, {}, samples=1 << 18))


def test_symmetric_is_what_the_law_is_with_its_parameters():
    said = {name: NOISES.get(name).symmetric(NOISES.get(name).parameters({})) for name in NOISES.names()}
    assert said == {"gaussian": True, "none": True, "rademacher": True, "rows": False, "student_t": True,
                    "two_point": False}  # fmt: skip
    two_point = NOISES.get("two_point")
    assert [two_point.symmetric(two_point.parameters({"p": p})) for p in ("1/2", 0.5, 0.49)] == [True, True, False]


@pytest.mark.parametrize("order", [2.5, 3.0, 3.9])
def test_norms_are_those_of_the_laws(order):
    """By quadrature for the continuous laws, by their values for the others."""
    for name, par, law in LAWS:
        noise = NOISES.get(name)
        wanted = law.expect(lambda z: np.abs(z) ** order) if order < par.get("df", math.inf) else math.inf
        assert noise.norm(noise.parameters(par), order) ** order == pytest.approx(wanted, rel=1e-4)  # of tails
    for p in (0.005, 0.5, 0.9):
        values = (math.sqrt((1 - p) / p), p), (math.sqrt(p / (1 - p)), 1 - p)
        wanted = sum(chance * value**order for value, chance in values)
        assert NOISES.get("two_point").norm({"p": p}, order) ** order == pytest.approx(wanted)
    assert NOISES.get("two_point").norm({"p": 1e-9}, 1e6) == pytest.approx(10**4.5, rel=1e-4)  # nothing overflows


@pytest.mark.statistical
@pytest.mark.parametrize("lie", LIES)
def test_a_lying_noise_is_caught(lie):
    """The variance of 2**18 Gaussian draws has standard deviation 0.0028: 1.05 is 18 of them away."""
    name, change, fragment = LIES[lie]
    honest = NOISES.get(name)
    fill = None if honest.fill is None else change.get("fill", compiled(name))
    if fill is both_coordinates:
        fill = seal("fill", both_coordinates, True)
    found = challenge_noise(replace(honest, **change), fill=fill, samples=1 << 18 if fill else 1 << 13)
    assert any(fragment in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("name", "par", "sentence"),
    [
        ("two_point", {"p": 0}, "p must lie between 0 and 1"),
        ("two_point", {"p": "1/0"}, "p must be a number"),
        ("student_t", {"df": 2}, "df must be above 2"),
        ("gaussian", {"sigma": 1}, "no parameter 'sigma'"),
    ],
)
def test_wrong_parameters_are_one_sentence(name, par, sentence):
    with pytest.raises(PartError, match=sentence):
        NOISES.get(name).parameters(par)


def ulps(value: Any, true: mpmath.mpf) -> float:
    """Return the error of a float64 in units in the last place of the true value."""
    return float(abs(mpmath.mpf(float(value)) - true) / mpmath.mpf(float(np.spacing(abs(float(true))))))


def words(count: int) -> Any:
    edges = [0, 1, 2, 3, 2**64 - 1, 2**63, 2**63 - 1, 2**12 - 1, 2**12]
    return np.array(edges + [int(word(np.uint64(3), i)) for i in range(count)], dtype=np.uint64)


def test_helpers_are_as_accurate_as_they_say():
    """log within 2 ulp, exp within 1, cosine and sine within 2, against 40 digits of mpmath."""
    with wrapping(), mpmath.workdps(40):
        bits = words(600)
        u = uniform(bits)
        span = np.concatenate([np.exp(np.linspace(-700, 700, 281)), 1 + np.linspace(-0.4, 0.6, 101), u])
        assert max(ulps(log(x), mpmath.log(float(x))) for x in span if x != 1) <= 2
        assert log(np.float64(1.0)) == 0.0
        points = np.concatenate([np.linspace(-700, 700, 401), np.linspace(-1, 1, 201), [1e-300, 0.0]])
        assert max(ulps(exp(x), mpmath.exp(float(x))) for x in points) <= 1
        for b in bits.tolist():
            t = (mpmath.mpf(b >> 12) / 2**52 - mpmath.mpf("0.5")) * mpmath.pi / 2
            c, s = mpmath.cos(t) * (-1) ** (b & 1), mpmath.sin(t)
            both = (s, c) if b & 2 else (c, s)
            assert all(ulps(v, true) <= 2 for v, true in zip(cos_sin(np.uint64(b)), both, strict=True) if true)


def test_uniforms_are_centred_in_their_cells():
    with wrapping():
        u = uniform(words(500))
        mirrored = uniform(~words(500))
    assert u.min() == 2.0**-53
    assert u.max() == 1 - 2.0**-53
    assert np.array_equal(u + mirrored, np.ones(u.size))


def test_normals_are_single_normals_to_the_bit():
    key = key_of("normals")
    with wrapping():
        assert normals(key, 40).tolist() == [float(normal(key, i)) for i in range(40)]


@pytest.mark.statistical
def test_exponentials_by_kolmogorov_and_smirnov():
    with wrapping():
        draws = keys.exponential(word(key_of("exponential"), np.arange(1 << 17, dtype=np.uint64)))
    assert stats.kstest(draws, stats.expon().cdf).pvalue > ALARM
