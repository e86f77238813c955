"""Theorem 2: OrMo-DA, delay-adaptive stepsizes, smooth objectives; no bound on gradients or delays.

Shi, Yang & Li (2024), "Ordered momentum for asynchronous SGD" (arXiv:2407.19234), Theorem 2: the rate of OrMo-DA at an
iterate chosen with the probabilities (17), the stepsizes applied to its gradient over their sum. We have its text
without formulas: the rate is sqrt(L sigma^2/K) + ML/K as we recall it, the threshold 2M of the stepsizes is the
paper's, and their other constants, those of the bound, and the dependence on Delta and beta are ours. So is that a
gradient that is not back at K has weight 0, so that the rule can be carried out: output rule R0, x_0 with M stepsizes
or fewer.

Why. Let a_i = gamma_i/(1 - beta), with gamma_i the stepsize that the gradient of x_i gets in the end (0 if it is not
back), a the largest. Any stepsizes will do (``hypothesis``) with
(H1) 4MLa <= 1 - beta, (H2) 2 L a_i (tau_i - 1) <= 1 - beta, (H3) the same stepsize for all tau_i <= 2M.
Descent along the virtual iterates: a_k (1 - L a_k)/2 ||h_k||^2 is gained, a_k L^2/2 E||w_k - zhat_k||^2 is lost, which
``distance`` bounds by squares of gradients and noises with the coefficients c. Summed over k, the gradient h_i meets
c = 1 in tau_i - 1 iterates and afterwards c that sum to at most M beta/(1 - beta): by (H1) and (H2) that costs a_i
||h_i||^2 (2 - beta)/16 <= a_i ||h_i||^2/8, and 3/8 - 1/8 = 1/4 is left. The first step, by the initial gradients,
leaves 7/8 - 1/8. The noise costs L/2 times the sum of the squares, and L^2 times those that others meet: in flight V,
later at most M beta^2/(1 - beta^2) times each square. Divided by a quarter of the sum of the a_i it is the conditional
form. At last more than half of the delays are below 2M (``delay_counting``), so the a_i sum to at least aK/2 by (H3).
"""

from sympy import sqrt

from ratecheck.core.claim import Claim, Inequality, Statement, fraction, has, of_class
from ratecheck.core.formula import Formula
from ratecheck.core.symbols import Delta, K, L, M, Q, V, W, beta, mean_gradient_sq, sigma

from ._auxiliary import SOURCE
from ._theorem2_proof import INVERSE as PROOF
from .virtual_iterate import IDENTITIES

__all__ = ["CLAIM", "PROOF"]

_Q1 = 1 / (1 - beta)

CLAIM = Claim(
    title="OrMo-DA, Theorem 2: delay-adaptive stepsizes, inverse to long delays (constants ours)",
    source=f"{SOURCE}, Theorem 2; stepsize and constants ours",
    statement=(
        "With $\\gamma_k=\\min\\{\\gamma,(1-\\beta)^2/(2L\\max\\{\\tau_k-1,2M\\})\\}$ and "
        "$\\gamma=(1-\\beta)\\min\\{(1-\\beta)/(4ML),\\sqrt{8\\Delta/(3L\\sigma^2K)}\\}$ the squared gradient norm "
        "at an iterate chosen with probabilities proportional to the stepsizes applied to its gradients is at most "
        "$32ML\\Delta/((1-\\beta)K)+4\\sqrt6\\sqrt{L\\Delta\\sigma^2/K}$ in expectation, for all delays "
        "that do not depend on samples."
    ),
    assumptions=(of_class("smooth"), fraction("beta"), has("L"), has("Delta"), has("sigma")),
    stepsize="ormo_tuned_inverse",
    method="ormo",
    policy="independent",
    outputs={
        "R0": Statement(
            bound=Inequality(
                Formula(mean_gradient_sq),
                Formula(
                    optimisation=32 * M * L * Delta / ((1 - beta) * K),
                    noise=4 * sqrt(6) * sqrt(L * Delta * sigma**2 / K),
                ),
            ),
            conditional=Inequality(
                Formula(mean_gradient_sq),
                Formula(
                    optimisation=4 * Delta * (1 - beta) / W,
                    noise=2 * L * sigma**2 * _Q1 * Q / W,
                    in_flight=4 * L**2 * sigma**2 * _Q1**2 * V / W,
                    in_momentum=L * sigma**2 * _Q1 * Q / W * beta**2 / (1 + beta),
                ),
            ),
        )
    },
    trivial=Formula(2 * L * Delta),
    identities=IDENTITIES,
    notes=(
        "The paper's: the algorithm, the threshold 2M, the output rule (17), the rate. Ours: all constants, and weight "
        "0 for gradients that are not back at K.",
        "The noise sets the rate only beyond K = 128 M^2 L Delta/(3 sigma^2 (1 - beta)^2), where its stepsize is the "
        "smaller one: before, the slope in K is that of the other term.",
    ),
)
