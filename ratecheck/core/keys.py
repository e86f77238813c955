"""Counter-based random numbers: every draw is a function of (key, position), never of what ran before.

The default generator is SplitMix64 used as a counter: word(key, i) is the i-th word of the stream of that
key, so results do not depend on threads, chunks or the order of work. These are plain functions in the kernel
dialect; the engine compiles them, and the same source runs in CPython to the same bits (in ``wrapping()``).
All but ``normal`` also take arrays.
"""

from __future__ import annotations

import hashlib
import math
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX1 = np.uint64(0xBF58476D1CE4E5B9)
MIX2 = np.uint64(0x94D049BB133111EB)
S30, S27, S31, S12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)
S52, S63, ZERO, ONE = np.uint64(52), np.uint64(63), np.uint64(0), np.uint64(1)
EXPONENT_OF_ONE = np.uint64(0x3FF0000000000000)
MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
#: bits of sqrt(1/2), so that mantissas are taken in [sqrt(1/2), sqrt(2))
SQRT_HALF = np.uint64(0x3FE6A09E667F3BCD)
#: adding 1.5 * 2**52 rounds to an integer, which then stands in the low bits
ROUND = 6755399441055744.0


def wrapping() -> AbstractContextManager[Any]:
    """Return a context in which CPython's uint64 arithmetic wraps silently, as the compiled code does."""
    return np.errstate(over="ignore")


def key_of(*parts: object) -> np.uint64:
    """Return a 64-bit key from printable parts (blake2b of their text): seeds, cell names, block numbers."""
    text = "\x1f".join(str(p) for p in parts)
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def float_of_bits(bits: Any) -> Any:
    """Return the float64 with these bits."""
    return np.uint64(bits).view(np.float64)


def bits_of_float(value: Any) -> Any:
    """Return the bits of a float64 as uint64."""
    return np.float64(value).view(np.uint64)


def word(key: Any, position: Any) -> Any:
    """Return 64 random bits: SplitMix64 of the counter ``position`` (an integer >= 0) under ``key``."""
    z = key + np.uint64(position) * GOLDEN
    z = (z ^ (z >> S30)) * MIX1
    z = (z ^ (z >> S27)) * MIX2
    return z ^ (z >> S31)


def uniform(bits: Any) -> Any:
    """Return a float64 in (0, 1): 52 random bits, centred in their cell."""
    return float_of_bits((bits >> S12) | EXPONENT_OF_ONE) - 0.9999999999999999


def log(u: Any) -> Any:
    """Return the natural logarithm of a positive normal float64, within 2 ulp.

    ``log(2**e m) = e log 2 + 2 artanh(s)`` with ``s = (m - 1)/(m + 1)``, m in [sqrt(1/2), sqrt(2)); the
    polynomial in s^2 is the Chebyshev fit of ``(artanh(s)/s - 1)/s^2`` (relative error of the fit 5e-18). No
    branches, so that loops vectorise; likewise below.
    """
    shifted = bits_of_float(u) - SQRT_HALF
    exponent = (np.int64(shifted) >> np.int64(52)) * 1.0
    mantissa = float_of_bits((shifted & MANTISSA) + SQRT_HALF)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    w = s * s
    p = 0.07308224842521703 * w + 0.07665860800278021
    p = p * w + 0.09091444562630861
    p = p * w + 0.1111110556739754
    p = p * w + 0.14285714312987743
    p = p * w + 0.19999999999949752
    p = p * w + 0.3333333333333335
    twice = 2.0 * s
    return exponent * 0.6931471805599453 + (twice + twice * (w * p))


def exp(x: Any) -> Any:
    """Return the exponential of a float64 with |x| <= 700, within 1 ulp.

    ``exp(x) = 2**n exp(r)`` with |r| <= log(2)/2; log 2 is taken in two parts, the first with so many zero
    bits that ``n`` times it is exact; exp(r) is its Taylor polynomial of degree 13 (remainder below 2**-57).
    """
    shifted = x * 1.4426950408889634 + ROUND
    n = shifted - ROUND
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    p = 1.0 / 6227020800.0 * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    return (p * r * r + r + 1.0) * float_of_bits((bits_of_float(shifted) << S52) + EXPONENT_OF_ONE)


def exponential(bits: Any) -> Any:
    """Return a unit-mean exponential from 64 random bits."""
    return -log(uniform(bits))


def cos_sin(bits: Any) -> Any:
    """Return (cos, sin) of a uniform angle from 64 random bits, within 2 ulp.

    52 bits give an angle t in [-pi/4, pi/4), where Chebyshev fits hold (error below 2e-17); bit 0 mirrors the
    cosine and bit 1 exchanges the two, which makes the angle uniform on the circle.
    """
    t = (float_of_bits((bits >> S12) | EXPONENT_OF_ONE) - 1.5) * 1.5707963267948966
    w = t * t
    s = 1.5918129294866608e-10 * w - 2.5051131845003624e-08
    s = s * w + 2.755731610255244e-06
    s = s * w - 0.00019841269836758574
    s = s * w + 0.008333333333330948
    s = s * w - 0.16666666666666666
    c = -1.1382632425521717e-11 * w + 2.08761462684032e-09
    c = c * w - 2.7557317271729793e-07
    c = c * w + 2.480158729876569e-05
    c = c * w - 0.0013888888888887398
    c = c * w + 0.041666666666666664
    first = bits_of_float(1.0 - w * (0.5 - w * c)) ^ (bits << S63)
    second = bits_of_float(t + t * (w * s))
    exchange = (first ^ second) & (ZERO - ((bits >> ONE) & ONE))
    return float_of_bits(first ^ exchange), float_of_bits(second ^ exchange)


def normal(key: Any, position: Any) -> Any:
    """Return one standard normal (Box-Muller); consumes words ``2 * position`` and ``2 * position + 1``."""
    c, _ = cos_sin(word(key, 2 * position + 1))
    return math.sqrt(2.0 * exponential(word(key, 2 * position))) * c


def normals(key: np.uint64, count: int) -> npt.NDArray[np.float64]:
    """Return standard normals (count,), ``normal(key, i)`` to the bit: for data that problems make."""
    i = 2 * np.arange(count, dtype=np.uint64)
    with wrapping():
        radius = np.sqrt(2.0 * exponential(word(key, i)))
        return np.asarray(radius * cos_sin(word(key, i + np.uint64(1)))[0])
