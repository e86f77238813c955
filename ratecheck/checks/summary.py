"""From decided cells to one result: the verdict, what it would have missed, the rate, and the tables reports draw."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from ratecheck.checks import rates
from ratecheck.checks.question import Asked, State
from ratecheck.core.run import finite
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import Built

#: confidence of the band drawn around the measured means, jointly over all cells
BAND = 0.95
#: bins of a delay histogram
BINS = 24


def result_of(asked: Asked, states: Sequence[State], interrupted: bool) -> Result:
    """Return the claim's Monte Carlo result from its cells."""
    _bands(states)
    cells = [_row(s) for s in states]
    verdict = Verdict.weakest((s.verdict for s in states), exact_is_neutral=True)
    rate = rates.judge(cells, asked.settings.margin)
    tight = _tight(states)
    details: dict[str, Any] = {
        "title": asked.claim.title, "band": BAND,
        "alpha": asked.settings.alpha, "kappa": asked.settings.kappa, "seed": asked.seed,
        "counts": dict(sorted(Counter(str(s.verdict) for s in states).items())), "cells": cells, "rate": rate,
        "delay_tables": _delay_tables(states),
        "precision": {"runs": sum(s.runs for s in states), "steps": sum(s.runs * s.cell.K for s in states)},
    }  # fmt: skip
    if tight:
        details["tight"] = tight
    failed = sorted((s for s in states if s.verdict.negative), key=lambda s: (s.cell.M * s.cell.K, s.cell.label))
    witness = None
    if failed:
        witness = _witness(asked, failed[0])
        summary = _broken(failed[0], len(failed))
    else:
        summary = _sentence(states, verdict, rate, tight, asked)
    if interrupted:
        summary = "interrupted: " + summary
        verdict = verdict if verdict.negative else Verdict.INCONCLUSIVE
    return Result(asked.name, asked.scenario, "monte-carlo", verdict, summary, asked.claim.expect, details, witness)


def _row(state: State) -> dict[str, Any]:
    cell = state.cell
    row: dict[str, Any] = {
        "digest": cell.digest, "label": cell.label, "M": cell.M, "K": cell.K, "sigma": cell.sigma,
        "problem": cell.problem.label, "noise": cell.noise.label, "delays": cell.delays.label, "output": cell.output,
        "verdict": str(state.verdict), "reason": state.reason,
    }  # fmt: skip
    if state.built is None or not state.inequalities:
        return row
    schedule = state.built.weighted.schedule
    delay = schedule.delay[: schedule.horizon]
    row |= {
        "sigma": state.built.constants["sigma"], "branch": state.built.stepsize.active(1, state.built.constants),
        "n": state.runs, "tau_max": int(delay.max()), "tau_mean": float(delay.mean()),
        "inequalities": {n: {**i, "verdict": str(i["verdict"])} for n, i in state.inequalities.items()},
        "float_identities": state.identities,
    }  # fmt: skip
    return row


def _bands(states: Sequence[State]) -> None:
    """Put a band (low, high) around each mean, jointly over all cells of one inequality (Sidak, Student's t)."""
    noisy = [s for s in states if s.runs > 1]
    level = BAND ** (1 / max(1, len(noisy)))
    for state in states:
        for one in state.inequalities.values():
            half = float(stats.t.ppf((1 + level) / 2, state.runs - 1)) * one["se"] if state.runs > 1 else 0.0
            one["low"], one["high"] = one["lhs"] - half, one["lhs"] + half


def _tight(states: Sequence[State]) -> dict[str, Any]:
    """Return how loose the bound and the master inequality are at their tightest cells."""
    usable = [s for s in states if s.inequalities and s.verdict is not Verdict.VACUOUS and not s.verdict.negative]
    if not usable:
        return {}

    def ratio(state: State, name: str) -> float:
        return float(state.inequalities[name]["ratio"])

    bound = max(usable, key=lambda s: ratio(s, "bound"))
    found: dict[str, Any] = {
        "cell": bound.cell.label,
        "factor": 1 / ratio(bound, "bound") if ratio(bound, "bound") > 0 else math.inf,
    }
    with_master = [s for s in states if "master" in s.inequalities and not s.verdict.negative]
    if with_master:
        master = max(with_master, key=lambda s: ratio(s, "master"))
        seen = [float(i["detectable"]) for s in with_master if "detectable" in (i := s.inequalities["master"])]
        seen += [1 / ratio(s, "master") for s in with_master if s.runs == 1 and ratio(s, "master") > 0]
        found |= {
            "master_cell": master.cell.label,
            "master_factor": 1 / ratio(master, "master"),
            "detectable": min(seen, default=math.inf),
        }
    return found


def _sentence(
    states: Sequence[State], verdict: Verdict, rate: Mapping[str, Any], tight: Mapping[str, Any], asked: Asked
) -> str:
    if not verdict.measured:
        reasons = Counter(s.reason for s in states if s.reason)
        return reasons.most_common(1)[0][0] if reasons else "the scenario has no cells"
    counted = [s for s in states if s.verdict.measured]
    exact = sum(s.verdict is Verdict.EXACT for s in counted)
    text = f"{len(counted)} of {len(states)} cells ({exact} without noise), {sum(s.runs for s in states):,} runs"
    if verdict is Verdict.HOLDS_HERE:
        text += f", assuming E[R^2] <= {asked.settings.kappa:g}"
    open_words = {Verdict.NOT_REFUTED: "the bound is attained up to rounding", Verdict.INCONCLUSIVE: "not finished"}
    if verdict in open_words:
        weak = next(s for s in counted if s.verdict is verdict)
        text += f"; {weak.reason or open_words[verdict]} ({weak.cell.label})"
    text += f"; rate {rate['verdict']}"
    if tight:
        text += f"; would miss an error inflated by less than {tight['factor']:.3g}x"
        if "detectable" in tight:
            text += f" (in the master inequality {tight['detectable']:.4g}x)"
    return text


def _broken(state: State, count: int) -> str:
    where = f"in {count} cell{'s' if count > 1 else ''}, the smallest {state.cell.label}"
    if state.failed == "divergence":
        return f"the runs diverge {where}"
    if state.failed in state.identities:
        one = state.identities[state.failed]
        return (
            f"{state.failed} fails at step {one['step']} {where}: residual {one['residual']:.3g}, "
            f"{one['allowed']:.3g} allowed for rounding: the method is not the claim's algorithm"
        )
    one = state.inequalities[state.failed]
    evidence = f", e-value 10^{one['log10_e']:.1f} after {state.runs} runs" if "log10_e" in one else " in one exact run"
    return f"{state.failed} broken {where}: {one['lhs']:.4g} > {one['rhs']:.4g}, ratio {one['ratio']:.4g}{evidence}"


def _witness(asked: Asked, state: State) -> dict[str, Any]:
    files = {"claim": asked.name} if asked.name.endswith(".py") else {}
    found: dict[str, Any] = {"verdict": str(state.verdict), "runs": state.runs}
    shown = "bound" if state.failed == "divergence" else state.failed
    if shown in state.inequalities:
        found |= finite({n: state.inequalities[shown][n] for n in ("lhs", "rhs", "ratio")})
    elif state.failed in state.identities:
        found |= state.identities[state.failed]
    kind = "identity-on-floats" if state.failed in state.identities else "monte-carlo"
    cell = state.cell.as_json()
    return Witness(asked.name, kind, state.failed, cell, found, asked.seed, asked.strict, files).as_json()


def _delay_tables(states: Sequence[State]) -> list[dict[str, Any]]:
    """Return one histogram of delays for each delay model and M, from the longest cell."""
    longest: dict[tuple[str, int], State] = {}
    for state in states:
        key = (state.cell.delays.label, state.cell.M)
        if state.built and state.inequalities and (key not in longest or longest[key].cell.K < state.cell.K):
            longest[key] = state
    return [_histogram(s.built, s.cell.delays.label) for s in longest.values() if s.built]


def _histogram(built: Built, label: str) -> dict[str, Any]:
    schedule = built.weighted.schedule
    delay = schedule.delay[: schedule.horizon]
    top = int(delay.max())
    edges = np.unique(np.round(np.geomspace(1, top + 1, min(BINS, top) + 1)).astype(int))
    counts, _ = np.histogram(delay, bins=edges)
    bins = [
        {"low": int(a), "high": int(b) - 1, "count": int(c)}
        for a, b, c in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return {
        "delays": label,
        "M": schedule.workers,
        "K": schedule.horizon,
        "mean": float(delay.mean()),
        "max": top,
        "bins": bins,
    }
