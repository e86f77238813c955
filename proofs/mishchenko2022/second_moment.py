"""The second moment of Theorem 3, convex case: a bound on E[lhs^2], lhs the left side of the master inequality.

Ours; the setting is Mishchenko, Bach, Even & Woodworth (2022), Theorem 3, with what ``theorem3_convex`` assumes, a
fixed start with ||x_0 - x*|| <= B, and noises with a finite fourth moment. All is conditional on the schedule. It holds
for the output rules R1, R0 and RL alike.

Notation. Hand-outs i: the M initial ones, all at x_0, then one at each of x_1..x_K, in this order. Hand-out i is given
at the model x_(i), has gradient h_i + n_i with h_i = grad F(x_(i)), and final stepsize g_i (ghat_i elsewhere);
delta_k = F(x_k) - F*; c = min{1/(4ML), B/(sigma sqrt K)} is the cap of the stepsizes; Q = sum_i g_i^2; Gamma is the sum
of the initial g_i. Given all the other samples, n_i has mean 0, E||n_i||^2 <= sigma^2, and the variance of ||n_i||^2
is at most s sigma^4 (s is ``noise_spread`` below). All output rules give
(*)  0 <= g_i <= c, and g_i r_i <= 1/(4L), r_i the number of k in 1..K with i in flight after the hand-out at x_k.

Step 1, one path. The virtual iterates are y_1 = x_0 - sum of the initial g_i (h_i + n_i), y_{k+1} = y_k - g_k (h_k +
n_k); x_k - y_k is the sum of g_i (h_i + n_i) over the at most M - 1 others in flight (Lemma 1). Expand ||y_{k+1} -
x*||^2 without taking expectations. Convexity and smoothness give <h_k, x_k - x*> >= delta_k + ||h_k||^2/(2L). The part
2 g_k <h_k, sum g_i h_i> is at most g_k ||h_k||^2/(4L) + 4L (M-1) g_k sum g_i^2 ||h_i||^2, and summed over k the last is
at most sum_i g_i ||h_i||^2/(4L), by (*): the sum of g_k over the window of i is at most c r_i. So g_k ||h_k||^2 gets
-1/L + g_k + 1/(4L) + 1/(4L) <= -1/(4L), and ||h_0||^2 gets Gamma (-1/L + Gamma + 1/(4L)) <= 0, for Gamma <= 1/(4L):
    lhs + sum_{k>=1} g_k ||h_k||^2/(4L) <= B^2 + T1 + T2 + T3,    lhs = 2 W mean_gap + ||y_{K+1} - x*||^2,
    T1 = -2 sum_i g_i <n_i, z_i - x*>,    T2 = 2 sum_i g_i <n_i, u_i>,    T3 = sum_i g_i^2 ||n_i||^2.
Here z_k = y_k; for an initial i, z_i is x_0 - Gamma h_0 minus the g_j n_j of the initial j before i. And u_i is the sum
of g_k h_k over the r_i hand-outs k >= 1 after which i is in flight (k = i included): what n_i meets while it waits.

Step 2, means. z_i depends on samples before i only. No x_k with i in flight depends on n_i, as n_i enters the model at
its delivery; so u_i does not. Hence T1 and T2 have mean 0, and taken over a prefix of the hand-outs step 1 gives
    E||z_i - x*||^2 <= B^2 + sigma^2 sum_{j<i} g_j^2,    E sum_{k>=1} g_k ||h_k||^2 <= (4L/5)(B^2 + sigma^2 Q);
the second by 2 delta_k >= ||h_k||^2/L on the left of step 1. (For an initial i: ||x_0 - Gamma h_0 - x*|| <= B.)

Step 3, squares.
T1: the terms are martingale differences in the order of hand-outs, so E T1^2 <= 4 sigma^2 sum g_i^2 E||z_i - x*||^2
    <= 4 sigma^2 B^2 Q + 2 sigma^4 Q^2.
T2: products of two terms i, j have mean 0. Say i is delivered before j, or neither is by step K: then u_i depends on
    neither n_i nor n_j, since j is in flight whenever i is, once handed out; and u_j does not depend on n_j. Average
    over n_j first. So E T2^2 <= 4 sigma^2 sum g_i^2 E||u_i||^2. By Cauchy-Schwarz and (*),
    g_i ||u_i||^2 <= (c/(4L)) sum of g_k ||h_k||^2 over its window; each k is in the windows of at most M hand-outs i,
    so sum g_i^2 ||u_i||^2 <= (M c^2/(4L)) sum_{k>=1} g_k ||h_k||^2. With step 2 and c <= B/(sigma sqrt K),
    E T2^2 <= (4/5) (M/K) B^2 (B^2 + sigma^2 Q).
T3: minus its compensator, which is at most sigma^2 Q, it is a martingale with variance at most s sigma^4 sum g_i^4
    <= s sigma^4 c^2 Q <= s sigma^2 B^2 Q/K.

Step 4. So 0 <= lhs <= B^2 + sigma^2 Q + X with E X = 0, and by Minkowski's inequality
    E[lhs^2] <= (B^2 + sigma^2 Q)^2 + (||T1|| + ||T2|| + ||T3 - compensator||)^2.
By convexity F(output) - F* <= mean_gap <= lhs/(2W) on every path, so the same over 4 W^2 bounds E[(F(output) - F*)^2].
In units of the squared right side the first part is 1 and the T1 alone gives at most 2.
"""

from sympy import Rational, sqrt

from ratecheck.core.formula import Formula
from ratecheck.core.symbols import B, K, M, Q, W, sigma, symbol

noise_spread = symbol(
    "noise_spread", "variance of the squared norm of the noise, in units of sigma^4",
    latex=r"\mathrm{Var}\|n\|^2/\sigma^4",
)  # fmt: skip

_MEAN = B**2 + sigma**2 * Q
_OF_DISTANCE = 4 * sigma**2 * B**2 * Q + 2 * sigma**4 * Q**2
_OF_WINDOWS = Rational(4, 5) * M / K * B**2 * _MEAN
_OF_SQUARES = noise_spread * sigma**2 * B**2 * Q / K
_DEVIATION = sqrt(_OF_DISTANCE) + sqrt(_OF_WINDOWS) + sqrt(_OF_SQUARES)

#: bounds on E[lhs^2]: of the master inequality, and of F(output) - F*
OF_MASTER = Formula(mean=_MEAN**2, deviation=_DEVIATION**2)
OF_OUTPUT = Formula(mean=_MEAN**2 / (4 * W**2), deviation=_DEVIATION**2 / (4 * W**2))
