"""A made run for the tests of the report: small, with every verdict, from formulas and no simulation."""

from __future__ import annotations

import math
from typing import Any

CLAIM = "mishchenko2022.theorem3_convex"
DELAYS = ("exponential(spread=8)", "one_straggler(factor=200)", "trace(recorded <b>run</b>)")
WORKERS, STEPS, SIGMAS = (4, 16, 64), (256, 1024, 4096, 16384, 65536), (0.0, 1.0)
MANIFEST: dict[str, Any] = {
    "ratecheck": "0.1.0", "python": "3.11.7", "packages": {"numpy": "2.4.6"}, "host": "here & now", "source": "97e3",
    "started": "2026-01-02T03:04:05+0000", "argv": ["check", CLAIM, "--out", "a b"], "request": {"claims": [CLAIM]},
}  # fmt: skip


def cell(m: int, k: int, sigma: float, delays: str, looseness: float) -> dict[str, Any]:
    """Return a measured cell whose error is the bound over ``looseness``, with a slack that falls like K^-0.02."""
    bound = 8 * m / (3 * k) + 2 * sigma / math.sqrt(k)
    lhs = bound / looseness * (k / 256) ** -0.02
    se = 0.02 * lhs * (sigma > 0)
    verdict = "EXACT" if sigma == 0 else "HOLDS HERE"
    one = {"lhs": lhs, "se": se, "rhs": bound, "ratio": lhs / bound, "low": lhs - 3.5 * se, "high": lhs + 3.5 * se,
           "verdict": verdict, "n": 1 if sigma == 0 else 64}  # fmt: skip
    sharper = {**one, "rhs": 0.8 * bound, "ratio": lhs / (0.8 * bound)}
    label = f"M={m} K={k} sigma={sigma:g} quadratic gaussian {delays} R1"
    return {
        "digest": f"{abs(hash((m, k, sigma))) % 10**8:08d}{DELAYS.index(delays)}", "label": label, "M": m, "K": k,
        "sigma": sigma, "problem": "quadratic", "noise": "gaussian", "delays": delays, "output": "R1",
        "verdict": verdict, "reason": "", "branch": "noise" if sigma > 0 and k > 16 * m else "cap", "n": one["n"],
        "tau_max": 5 * m, "tau_mean": 0.97 * m, "inequalities": {"bound": one, "conditional": sharper},
        "float_identities": {"lemma1": {"ratio": 0.13, "residual": 1e-15, "allowed": 1e-14, "step": 3}},
    }  # fmt: skip


def measured() -> dict[str, Any]:
    """Return a Monte Carlo result with 90 measured cells, three of them VACUOUS, and three NOT APPLICABLE ones."""
    cells = [cell(m, k, s, d, 4 + 2 * s) for d in DELAYS for m in WORKERS for k in STEPS for s in SIGMAS]
    for one in cells:
        if (one["M"], one["K"], one["sigma"]) == (64, 256, 1.0):
            one["verdict"] = "VACUOUS"
    cells += [
        {"label": f"M={m} K=2 <script>", "M": m, "K": 2, "sigma": 1.0, "problem": "abs", "noise": "gaussian",
         "output": "R1", "delays": DELAYS[0], "verdict": "NOT APPLICABLE",
         "reason": f"K = 2 < M = {m}, and the theorem assumes K >= M"}
        for m in WORKERS
    ]  # fmt: skip
    slopes = [
        {"regime": b, "variable": v, "problem": "quadratic", "slope": -0.02, "low": -0.04, "high": 0.01,
         "verdict": "MATCHES", "cells": 30} for b in ("cap", "noise") for v in ("K", "M")
    ]  # fmt: skip
    details = {
        "title": "made",
        "alpha": 0.001,
        "kappa": {"declared": 4.0},
        "seed": 1,
        "cells": cells,
        "rate": {"verdict": "MATCHES", "margin": 0.1, "slopes": slopes, "fits": list(fits(cells))},
        "delay_tables": [histogram(d, m) for d in DELAYS for m in WORKERS],
        "precision": {"runs": 2925, "steps": 51_000_000},
        "tight": {"cell": "M=4 K=256", "factor": 4.0, "missed": 4.0, "detectable": 1.05},
    }
    return {"claim": CLAIM, "scenario": "quick", "evidence": "monte-carlo", "verdict": "HOLDS HERE",
            "expected": "holds", "summary": "90 of 93 cells; rate MATCHES; would miss 4x",
            "details": details}  # fmt: skip


def fits(cells: list[dict[str, Any]]) -> Any:
    """Yield the exact power law through the cap branch of every series without noise."""
    for one in cells:
        if one["sigma"] == 0 and one["K"] == STEPS[0] and "branch" in one:
            slope = -1.02
            yield {
                "series": f"quadratic | gaussian | {one['delays']} | M={one['M']} | sigma=0.0", "regime": "cap",
                "output": one["output"],
                "M": one["M"], "slope": slope, "K": [STEPS[0], STEPS[-1]],
                "intercept": math.log10(one["inequalities"]["bound"]["lhs"]) - slope * math.log10(STEPS[0]),
            }  # fmt: skip


def histogram(delays: str, m: int) -> dict[str, Any]:
    """Return a delay table with six bins."""
    bins = [{"low": 2**i, "high": 2 ** (i + 1) - 1, "count": 4 ** (6 - i)} for i in range(6)]
    return {"delays": delays, "M": m, "K": STEPS[-1], "mean": 0.97 * m, "max": 63, "bins": bins}


def exact() -> dict[str, Any]:
    """Return an exact result."""
    cases = [{"M": 4, "K": 7, "orders": 715, "standing_for": 16384, "residual": "0"},
             {"M": 3, "K": 8, "orders": 1094, "standing_for": 6561, "residual": "0"}]  # fmt: skip
    one = {"name": "lemma1", "statement": r"x_k-\hat x_k=\sum_m\gamma_m g^m", "cases": cases, "verdict": "EXACT"}
    return {"claim": CLAIM, "scenario": "quick", "evidence": "exact", "verdict": "EXACT", "expected": "holds",
            "summary": "lemma1: residual exactly 0; nothing else",
            "details": {"identities": [one], "counting": []}}  # fmt: skip


def refuted() -> dict[str, Any]:
    """Return a planted lie: Monte Carlo, one cell above its bound, one diverged, a witness."""
    result = measured()
    cells = result["details"]["cells"][:30]
    for one, ratio, verdict in ((cells[2], 2.17, "REFUTED"), (cells[4], 1800.0, "DIVERGED")):
        bound = one["inequalities"]["bound"]
        bound.update(
            lhs=ratio * bound["rhs"], low=0.9 * ratio * bound["rhs"], high=1.1 * ratio * bound["rhs"], ratio=ratio
        )
        one["verdict"] = verdict
    cells[0]["float_identities"]["lemma1"]["ratio"] = 7e9
    result["details"]["cells"] = cells
    witness = {
        "witness": 1, "claim": "lies.without_m", "kind": "monte-carlo", "check": "bound", "seed": 1, "files": {},
        "cell": {"M": 4, "K": 1024, "sigma": 0.0, "output": "R1"},
        "found": {"lhs": 0.0321, "rhs": 0.0148, "ratio": 2.17},
    }  # fmt: skip
    return {**result, "claim": "lies.without_m", "verdict": "REFUTED", "expected": "refuted", "witness": witness,
            "summary": "bound broken in 2 cells; the smallest M=4 K=1024: 0.0321 > 0.0148"}  # fmt: skip


def document() -> dict[str, Any]:
    """Return a results.json with all of them."""
    return {"version": 1, "seed": 1, "results": [exact(), measured(), refuted()], "exit_code": 0}
