"""The derivation of Theorem 1 with only the full gradient bounded: as the sharp form, with mean and noise apart."""

from ratecheck.core.gram import square
from ratecheck.core.proof import Class, Counting, Earlier, Inequality, Power, Proof, Step, le, total
from ratecheck.core.setting import e, g_0, ghat, i, m
from ratecheck.core.setting_ormo import UNIFORM, gap, kept, kept_0, r
from ratecheck.core.symbols import G_F, Delta, K, L, M, k, mean_gradient_sq, sigma
from ratecheck.core.symbols import stepsize as gamma

from ._distance_proof import KEPT, MEANS, NOISES, distance
from ._theorem1_proof import all_steps

_A = gamma / r
_GROUPS = M / r - 1
_SQUARES = 1 - (1 - r) ** 2
_SHORT = 1 - L * _A
_LOST = 2 * _A**2 * (G_F**2 * _GROUPS**2 + sigma**2 * M / _SQUARES)

_DISTANCE: tuple[Step, ...] = (
    *distance(),
    Class("bounded", "bounded", ("x_k",)),
    Class("bounded at x_0", "bounded", ("x_0",)),
    Earlier("bounded, earlier", "bounded"),
    Earlier("ghat, earlier", "ghat"),
    Counting("kept squares", "kept squares"),
    Inequality("least coefficients", le(0, _GROUPS), ((1 / r, "beta"),)),
    Inequality("coefficients", le(KEPT, _GROUPS), (("kept",),)),
    Inequality("1 - beta^2", le(r, _SQUARES), ((r, "beta"),)),
    Inequality(
        "means, bounded", le(MEANS, gamma**2 * G_F**2 * KEPT),
        (total(m, kept_0(k, m) * g_0(m) ** 2, "bounded at x_0"),
         total(i, kept(k, i) * ghat(i) ** 2, "bounded, earlier"),
         total(m, "ghat0", -kept_0(k, m) * (g_0(m) + gamma) * G_F**2),
         total(i, "ghat, earlier", -kept(k, i) * (ghat(i) + gamma) * G_F**2)),
    ),
    Inequality(
        "noises, counted", le(NOISES, gamma**2 * M / _SQUARES),
        (total(m, "ghat0", -kept_0(k, m) ** 2 * (g_0(m) + gamma)),
         total(i, "ghat, earlier", -kept(k, i) ** 2 * (ghat(i) + gamma)),
         (gamma**2 / _SQUARES, "kept squares"), (gamma**2,)),
    ),
    Inequality(
        "lost", le(square(e(k)), _LOST),
        (("distance",), (2 * KEPT / r**2, "means, bounded"), (2 * KEPT * _A**2 * G_F**2, "coefficients"),
         (2 * _A**2 * G_F**2, "coefficients", "least coefficients"), (2 * sigma**2 / r**2, "noises, counted")),
    ),
)  # fmt: skip

_STEPS = all_steps(_LOST, ("lost",), ("M L a",))
_RIGHT = (
    2 * Delta / (K * _A),
    L * _A * sigma**2 * (K + M - 1) / K,
    2 * L**2 * _A**2 * G_F**2 * _GROUPS**2,
    2 * L**2 * _A**2 * sigma**2 * M / _SQUARES,
)

PROOF = Proof(
    UNIFORM,
    (
        Class("cap", "assumed", ("stepsize <= (1 - beta)/(L*M)",)),
        Class("short", "assumed", ("stepsize < (1 - beta)/L",)),
        Inequality("M L a", le(M * L * _A, 1), ((M * L / r, "cap"),)),
        Inequality("L a", le(gap * L / r, _SHORT), ((L / r, "short"),)),
        *_STEPS[:4],
        *_DISTANCE,
        *_STEPS[4:],
        Inequality(
            "bound", le(mean_gradient_sq, sum(term / _SHORT for term in _RIGHT)),
            ((2 / (K * _A * _SHORT), "mean"),
             (2 * L**2 * _A**2 * G_F**2 / (K * _SHORT), Power(_GROUPS)),
             (2 * L**2 * _A**2 * sigma**2 * M / (K * _SQUARES * _SHORT),)),
        ),
    ),
    proves={"uniform": {"bound": "bound"}},
)  # fmt: skip
