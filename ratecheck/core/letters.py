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
    "sf": "part of x_k - x* - yhat(k) from the means of gradients in flight",
    "zf": "part of it from their noise",
    "ahead": "ahead(k, j) = 1 - beta^(e + 1), where the gradient of j in flight is e groups behind the newest one",
    "gap": "at most the right side less the left one of each strict inequality between constants that is assumed",
    "aged": "steps since a worker was handed what it has in flight at K",
    "late": "late(k, N) = 1 where tau(k) - 1 is at least N, else 0",
    "full": "the constant stepsize that a rule starts from",
}

ORDERED: Letters = {
    "k": "delivery, 1..K: from x_{k-1} to x_k",
    "j": "one of the other M - 1 workers, each with a gradient in flight after delivery k",
    "beta": "weight of the newest gradient in the momentum",
    "v": "v(k) = x_{k-1} - x*, and v(0) = v(1)",
    "h": "h(k) = grad F(x_{k-1}), and h(0) = h(1)",
    "delta": "delta(k) = F(x_{k-1}) - F*",
    "n": "n(k): noise of the gradient handed out at x_{k-1}; n(1) the mean of the M noises at x_0",
    "d": "d(k): momentum after delivery k, the direction of the step to x_k; d(0) = 0",
    "eh": "eh(k): momentum without delays less h(k); eh(0) = -h(1)",
    "s": "s(k): the means of the gradients in flight after delivery k, each with its weight",
    "z": "z(k): their noises, each with its weight",
    "wf": "wf(k, j): the weight of the gradient of j in flight after delivery k",
    "hf": "hf(k, j): grad F where that gradient was handed out",
    "nf": "nf(k, j): its noise",
    "slopes": "slopes(k): sum over i <= k of (1 - beta)^(2 (k - i)) |h(i)|^2",
    "noises": "noises(k): sum over i <= k of (1 - beta)^(2 (k - i)) |n(i)|^2",
    "np": "np(k): |noise|^(2 + excess) of the gradient handed out at x_{k-1}; np(1) the mean over the M at x_0",
    "powers": "powers(k): sum over i <= k of (1 - beta)^(k - i) np(i)",
}

COMMITTED: Letters = {
    **{x: words for x, words in ORDERED.items() if x not in ("j", "wf", "hf", "nf", "np", "powers")},
    "n": "n(k): noise of the gradient handed out at x_{k-1}; n(1) that of worker 0's at x_0",
    "s": "s(k): the means of the gradients not yet committed after delivery k, each with its weight",
}

FLIGHT: Letters = {
    **{x: _INDICES[x] for x in ("j", "m")},
    "k": "server step before the last, 1..K-1: at x_k a sample is drawn",
    "a": "a delivery, 1..K",
    "n": ASYNC["n"],
    "n0": ASYNC["n0"],
    "nf": "nf(K, j): the noise of what j has in flight after delivery K",
    "nb": "nb(a): the noise that delivery a brings back",
    "drawn": "drawn(k): sum of the noises drawn before the hand-out at x_k; drawn(K) has all M + K - 1",
    "flight": "sum of the M - 1 noises in flight after delivery K",
    "back": "sum of the K noises that are back after delivery K",
    "told": "told(k) = E[n(k) | how long the job takes, x_k]",
    "told0": "told0(m): the same of n0(m)",
    "toldf": "toldf(j): the same of nf(K, j)",
    "rest": "rest(k) = n(k) - told(k)",
    "rest0": "rest0(m) = n0(m) - told0(m)",
    "restb": "restb(a): nb(a) less what the duration tells of it",
    "drawnt": "drawnt(k): sum of told over what is drawn before the hand-out at x_k",
    "flightt": "sum of toldf(j)",
    "backr": "sum of restb(a)",
    "c": "c(k): weight of the noise drawn at x_k, a number that k and K fix",
    "c0": "c0(m): weight of n0(m)",
    "lately": "lately(k) = 1 where k >= K + 1 - tau_cap, else 0",
    "lately0": "lately0(m) = 1 where 0 >= K + 1 - tau_cap, else 0",
    "nc": "nc(k) = c(k) n(k)",
    "nc0": "nc0(m) = c0(m) n0(m)",
    "ncf": "ncf(j): nf(K, j) times its weight",
    "flightc": "sum of ncf(j)",
    "np": "np(k): the length of n(k) to the power 2 + excess",
    "np0": "np0(m): that of n0(m)",
    "npf": "npf(j): that of nf(K, j)",
    "error": "the direction q after delivery K, less K times the gradient at the model before it",
    "drift": "sum of sent0 - sentf(j): what error has besides noise",
    "sent0": "mean of what is sent from x_0",
    "sentf": "sentf(j): mean of what j has in flight, (v + 1) grad F(x_v) - v grad F(x_(v-1)) for a hand-out at x_v",
}

ORMO_ROUNDS: Letters = {
    "k": ROUNDS["k"],
    "m": _INDICES["m"],
    "i": "a round before round k",
    "v": ROUNDS["v"],
    "h": ROUNDS["h"],
    "nm": ROUNDS["nm"],
    "y0": ASYNC["y0"],
    "r": ORMO["r"],
    "gm": "gm(k, m): stepsize of worker m's gradient of round k",
    "u_k": "u_k(k): momentum that round k - 1 has left, 0 for k = 1",
    "xw": "xw(k): model after any delivery of round k, minus x*",
    "uw": "uw(k): momentum after that delivery",
    "age": "age(k, i) = beta^(k - i)",
    "back": "back(k, m) = 1 once worker m has delivered in round k, 0 before",
}

MU2: Letters = {
    **_INDICES,
    "k": "delivery k, 1..K: the paper's t",
    "j": "one of the other M - 1 workers, each with something in flight after delivery k",
    "y": "y(k) = x_k - x*, with the paper's x_k: version k - 1 of the engine; x_0 = x_1",
    "w": "w(k) = w_k - x*",
    "h": "h(k) = grad F(x_k)",
    "q": "q(k): the direction after delivery k",
    "eps": "eps(k) = q(k) - k h(k)",
    "b": "b(k): drift, the part of eps(k) that is not noise",
    "a": "a(k): the noise in q(k)",
    "ad": "ad(k): the sum of all noises drawn before delivery k",
    "af": "af(k): the sum of the noises in flight after delivery k",
    "s": "s(k) = k h(k) - (k-1) h(k-1): mean of what a worker that gets x_k sends",
    "sf": "sf(k, j): the mean of what j has in flight after delivery k",
    "n": "n(k): noise of what the sample drawn after delivery k brings; of that sample alone where noise is additive",
    "n0": "n0(m): noise of worker m's first sample",
    "nf": "nf(k, j): the noise of what j has in flight after delivery k",
    "xi": "xi(k): noise, at x_(k+1), of the sample drawn after delivery k",
    "xc": "xc(k): xi(k) less the noise of that sample at x_k",
    "np": "np(k): the length of n(k) to the power 2 + excess",
    "np0": "np0(m): that of n0(m)",
    "npf": "npf(k, j): that of nf(k, j)",
    "delta": "delta(k) = F(x_k) - F*",
}
