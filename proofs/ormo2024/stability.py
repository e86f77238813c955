"""What separates the methods: the stepsizes they bear. Ours.

The theorems of Shi, Yang & Li (2024) hold for naive momentum with the same argument and no worse constants, so they do
not say why OrMo is better. On F = L x^2/2 with workers that deliver in turn every one of these methods is a linear map,
and the largest M L gamma for which it is stable differs by a factor of five and more. That of asynchronous SGD is known
in closed form (a characteristic equation z^M = z^(M-1) - gamma L), that of momentum under the barrier is Polyak's.
"""

import sympy as sp

from ratecheck.core.claim import Claim
from ratecheck.core.stability import Stability
from ratecheck.core.symbols import M

from ._auxiliary import SOURCE

BETA = sp.Symbol("beta", positive=True)
#: from the smallest range to the largest
ORDER = ("naive_momentum", "shifted_momentum", "ormo_vanilla_step", "ormo", "smega2", "async_sgd")
NINE_TENTHS = {"beta": "9/10"}

STABILITY = (
    Stability(
        "order",
        ORDER,
        r"\eta_{\mathrm{naive}}<\eta_{\mathrm{shifted}}<\eta_{\mathrm{vanilla}}<\eta_{\mathrm{OrMo}}"
        r"<\eta_{\mathrm{SMEGA2}}<\eta_{\mathrm{ASGD}},\quad\beta=9/10",
        (4, 16),
        constants=NINE_TENTHS,
    ),
    Stability(
        "asynchronous SGD",
        ("async_sgd",),
        r"ML\eta_{\mathrm{ASGD}}=2M\,\mathrm{sin}\,\frac{\pi}{2(2M-1)}",
        (1, 2, 4, 8, 16),
        equal=2 * M * sp.sin(sp.pi / (2 * (2 * M - 1))),
    ),
    *(
        Stability(
            f"barrier beta {beta}",
            ("ormo",),
            r"ML\eta_{\mathrm{OrMo}}=2(1+\beta)\quad\text{under the barrier}",
            (1, 2, 4, 8),
            scheduler="barrier",
            constants={"beta": beta},
            equal=2 * (1 + BETA),
        )
        for beta in ("0.5", "0.9")
    ),
)

CLAIM = Claim(
    title="OrMo and its rivals: largest stable stepsizes",
    source=f"ours, for the algorithms of {SOURCE} and their rivals",
    statement=(
        "On $F=Lx^2/2$, with workers that deliver in turn, let $\\eta$ be the largest stepsize up to which a method is "
        f"stable. Then ${STABILITY[0].statement}$ for $M=4,16$; ${STABILITY[1].statement}$ and "
        f"${STABILITY[2].statement}$."
    ),
    assumptions=(),
    outputs={},
    stepsize="constant",
    method="ormo",
    stability=STABILITY,
)
