"""A constant stepsize below the largest delay, smooth objectives: the kind of bound that the paper improves on.

Ours, for the comparison with earlier work in Mishchenko, Bach, Even & Woodworth (2022), section 1 and Table 1: rates
in sqrt(M tau_max), as in Koloskova, Stich & Jaggi (2022). tau is the largest delay, where gradients of x_1..x_K in
flight at K count as back at K + 1, and at least M.

Why. As in ``theorem3_nonconvex``: descent with -<grad F(xhat), h> <= -(3/4) ||h||^2 + L^2 ||x - xhat||^2, noise in
flight orthogonal. A gradient counts in at most tau - 1 iterates, which costs L^2 gamma^3 M tau ||h||^2 <= gamma
||h||^2/4, and the squared step at most gamma ||h||^2/4: 3/4 - 1/4 - 1/4 = 1/4 is left. With sum of squares at most
2 K gamma^2 and 2 L M gamma <= 1 the rest is 4 Delta/(K gamma) + 6 L sigma^2 gamma.
"""

from sympy import Max, sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import Delta, K, L, M, Q, V, W, mean_gradient_sq, sigma, tau_closed, virtual_gap

from ._fixed_delay_proof import PROOF
from .lemma1 import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

CLAIM = Claim(
    title="Asynchronous SGD with a constant stepsize below the largest delay, smooth objectives",
    source="ours; the earlier kind of bound that Mishchenko, Bach, Even & Woodworth (2022), Table 1, compare with",
    statement=(
        "With the constant stepsize $\\gamma=\\min\\{1/(2L\\sqrt{M\\tau}),\\sqrt{\\Delta/(KL\\sigma^2)}\\}$, "
        "$\\tau\\ge M$ at least every delay, the mean of $\\|\\nabla F(x_k)\\|^2$ over $x_1,\\dots,x_K$ is at most "
        "$8L\\sqrt{M\\tau}\\Delta/K+10\\sqrt{L\\Delta\\sigma^2/K}$ in expectation."
    ),
    assumptions=(of_class("smooth"), has("L"), has("Delta"), has("sigma")),
    stepsize="largest_delay",
    policy="independent",
    outputs={
        "R1": Statement(
            bound=Inequality(
                Formula(mean_gradient_sq),
                Formula(
                    optimisation=8 * L * sqrt(M * Max(M, tau_closed)) * Delta / K,
                    noise=10 * sqrt(L * Delta * sigma**2 / K),
                ),
            ),
            conditional=Inequality(
                Formula(mean_gradient_sq),
                Formula(
                    optimisation=4 * Delta / W,
                    noise=2 * L * sigma**2 * Q / W,
                    in_flight=4 * L**2 * sigma**2 * V / W,
                ),
            ),
            master=Inequality(
                Formula(gap=virtual_gap, gradient=W / 4 * mean_gradient_sq),
                Formula(optimisation=Delta, noise=L * sigma**2 * Q / 2, in_flight=L**2 * sigma**2 * V),
            ),
        )
    },
    trivial=Formula(2 * L * Delta),
    identities=IDENTITIES,
    notes=("Not a theorem of the paper: the constants are ours, so that the improvement can be measured.",),
)
