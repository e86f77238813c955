"""No noise: gradients are exact."""

from __future__ import annotations

from ratecheck.core.noise import Noise

NOISE = Noise("none", fourth_moment=lambda par: 0.0, bound=lambda par: 0.0, symmetric=lambda par: True)
