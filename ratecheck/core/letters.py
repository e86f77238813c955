"""What the letters of the settings mean, in words: the legend that ``ratecheck show`` prints below a claim.

Only words: nothing is derived from them. What a letter stands for in a derivation is said by the equations of its
setting (``core.setting*``). Constants of a claim have their meaning in ``core.symbols``.
"""

from __future__ import annotations

from collections.abc import Mapping

Letters = Mapping[str, str]

_INDICES = {
    "k": "server step: delivery k makes x_k",
    "i": "a server step before k",
    "j": "one of the other M - 1 workers, each with a gradient in flight after delivery k",
    "m": "a worker, 1..M",
}

ASYNC: Letters = {
    **_INDICES,
    "u": "u(k) = xhat_k - x*; the virtual iterate xhat_k is x_0 minus all gradients handed out before x_k",
    "e": "e(k) = x_k - xhat_k, what is in flight",
    "s": "part of e(k): the means of the gradients in flight, each with its final stepsize",
    "z": "part of e(k): the noise of the gradients in flight, each with its final stepsize",
    "h": "h(k) = grad F(x_k)",
    "n": "noise of the stochastic gradient at x_k",
    "hv": "hv(k) = grad F(xhat_k)",
    "hf": "hf(k, j): grad F at the iterate that the gradient of j in flight at k was handed out at",
    "nf": "nf(k, j): the noise of that gradient",
    "y0": "x_0 - x*",
    "h0": "grad F(x_0)",
    "n0": "n0(m): noise of worker m's first gradient, at x_0",
    "N0": "sum of n0(m), each with its final stepsize",
    "S0": "sum of the first gradients, each with its final stepsize",
    "gamma": "gamma(k): stepsize of the gradient that arrives at k, by its delay tau(k)",
    "ghat": "ghat(k): final stepsize of the gradient of x_k, which is applied later",
    "ghat0": "ghat0(m): final stepsize of worker m's first gradient",
    "ghatf": "ghatf(k, j): final stepsize of the gradient of j in flight at k",
    "t": "t(k): delay of the gradient of x_k when it arrives, or is closed by the output rule",
    "t0": "t0(m): delay of worker m's first gradient",
    "tf": "tf(k, j): delay of the gradient of j in flight at k",
    "delta": "delta(k) = F(x_k) - F*",
    "delta0": "F(x_0) - F*",
    "phi": "phi(k) = F(xhat_k) - F*",
    "again": "again(k) = 1 where the worker of delivery k has arrived before, else 0",
    "used": "used(k, j): the coefficient of x_k on the gradient of j in flight",
    "p": "number of workers that have arrived by step K",
}

HETEROGENEOUS: Letters = {
    **ASYNC,
    "q": "q(k): mean of the gradient of x_k, grad F_m(x_k) of the worker m that is handed x_k",
    "q0": "q0(m) = grad F_m(x_0)",
    "qf": "qf(k, j): mean of the gradient of j in flight at k",
    "Q0": "sum of q0(m), each with its final stepsize",
    "s": "part of e(k): the means qf(k, j) of the gradients in flight, each with its final stepsize",
}

_WEIGHT = {"w": "w(k): growth of the output weights up to step (or round) k over that up to the end; w = 1 there"}

GROWING: Letters = {**ASYNC, **_WEIGHT}

ROUNDS: Letters = {
    "k": "round, 1..K/M: from x_{k-1} to x_k",
    "m": _INDICES["m"],
    "v": "v(k) = x_{k-1} - x*",
    "h": "h(k) = grad F(x_{k-1})",
    "delta": "delta(k) = F(x_{k-1}) - F*",
    "nm": "nm(k, m): noise of worker m in round k",
    "nbar": "nbar(k): mean of nm(k, m) over the workers",
    "y0": ASYNC["y0"],
}

ROUNDS_GROWING: Letters = {**ROUNDS, **_WEIGHT}

ORMO: Letters = {
    **ASYNC,
    "r": "1 - beta",
    "u": "u(k) = xhat_k - x*; xhat_k is x_0 minus all gradients handed out before x_k, with stepsizes over 1 - beta",
    "e": "e(k) = x_k - xhat_k, what x_k has not been moved by yet",
    "s": "part of e(k) from the means of gradients",
    "z": "part of e(k) from the noise of gradients",
    "kept": "kept(k, i): share of the gradient of x_i that x_k is still apart from xhat_k by",
    "kept0": "kept0(k, m): that share of worker m's first gradient",
    "age": "age(k, i): beta to the number of groups from the gradient of x_i to the newest one",
    "age0": "age0(k, m): the same of worker m's first gradient",
    "back": "back(k, i) = 1 once the gradient of x_i is delivered, 0 before",
    "back0": "back0(k, m): the same of worker m's first gradient",
    "u_k": "momentum of the method",
    "uhat": "uhat(k): momentum with all gradients handed out before x_k, in flight or not",
    "yhat": "yhat(k): the auxiliary sequence of the paper, minus x*",
    "uh": "uh(k): uhat(k) in the means of gradients",
    "un": "un(k): uhat(k) in their noise",
    "gap": "at most the right side less the left one of each strict inequality between constants that is assumed",
    "aged": "steps since a worker was handed what it has in flight at K",
    "late": "late(k, N) = 1 where tau(k) - 1 is at least N, else 0",
}
