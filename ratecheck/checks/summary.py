"""From decided cells to one result: the verdict, what it would have missed, the rate, and the tables reports draw."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ratecheck.checks import rates
from ratecheck.checks.question import Asked, State
from ratecheck.checks.statistics import coefficients, rivals, simultaneous
from ratecheck.core import symbols
from ratecheck.core.claim import Claim
from ratecheck.core.run import finite
from ratecheck.core.verdict import Result, Verdict
from ratecheck.core.witness import Witness
from ratecheck.engine.build import Built

#: bins of a delay histogram
BINS = 24


def result_of(asked: Asked, states: Sequence[State], interrupted: bool) -> Result:
    """Return the claim's Monte Carlo result from its cells."""
    simultaneous.put_bands(states)
    cells = [row(s) for s in states]
    verdict = Verdict.weakest((s.verdict for s in states), exact_is_neutral=True)
    lower = asked.claim.kind == "lower"
    declared = lower or asked.claim.expect == "refuted"  # no rate is told of an instance, nor of what is known as false
    rate = {} if declared else rates.judge(cells, asked.settings.margin, _branches(states))
    errors = {s.cell.digest: s.errors for s in states if s.runs}
    tight = {} if lower else _tight(states)
    details: dict[str, Any] = {
        "title": asked.claim.title, "kind": asked.claim.kind, "quantity": _quantity(asked.claim),
        "band": simultaneous.BAND,
        "alpha": asked.settings.alpha, "seed": asked.seed, **_kappa(states),
        "counts": dict(sorted(Counter(str(s.verdict) for s in states).items())), "cells": cells, "rate": rate,
        "coefficients": [] if declared else coefficients.of(cells, errors),
        "rivals": [] if declared else rivals.compare(cells, errors, rate["verdict"]),
        "delay_tables": _delay_tables(states),
        "precision": {"runs": sum(s.runs for s in states), "steps": sum(s.runs * s.cell.K for s in states)},
    }  # fmt: skip
    if tight:
        details["tight"] = tight
    if lacking := [why for s in states if s.inequalities for why in _lacking(asked.claim, s)]:
        details["lacking"] = dict(sorted(Counter(lacking).items()))
    if forced := [s.forced for s in states if s.forced and s.verdict.measured]:
        details["forced"] = dict(sorted(Counter(forced).items()))
    if not lower and (warning := simultaneous.warning(states)):
        details["warning"] = warning
    failed = sorted((s for s in states if s.verdict.negative), key=lambda s: (s.cell.M * s.cell.K, s.cell.label))
    witness = None
    if failed:
        witness = _witness(asked, failed[0])
        summary = _broken(failed[0], len(failed), "<" if lower else ">")
        summary += f"; as forced: {failed[0].forced}" if failed[0].forced else ""
    else:
        summary = _sentence(states, verdict, rate, tight, asked)
    if interrupted:
        unfinished = any(s.built and s.verdict.measured and not s.settled for s in states)
        summary = ("interrupted: " if unfinished else "interrupted after all bounds were decided: ") + summary
    return Result(asked.name, asked.scenario, "monte-carlo", verdict, summary, asked.claim.expect, details, witness)


def _lacking(claim: Claim, state: State) -> list[str]:
    """Return why identities of the claim were left out in a cell: its method has not what they speak of."""
    return [why for i in claim.identities if state.built and (why := i.lacking(state.built.method))]


def _quantity(claim: Claim) -> dict[str, str]:
    """Return what the bound is about, in words and in LaTeX."""
    lhs = claim.outputs[claim.output].bound.lhs
    words = [symbols.meaning_of(n) for n in lhs.names]
    return {"words": words[0] if len(words) == 1 else "left side of the bound", "latex": lhs.latex()}


def _branches(states: Sequence[State]) -> dict[str, str]:
    """Return the branches of the stepsize that stay when delays are short, without tau, and what makes each active."""
    built = next((s.built for s in states if s.built), None)
    if built is None:
        return {}
    lasting = {n: f for n, f in built.stepsize.branches.items() if "tau" not in f.names}
    return {n: "a larger sigma or K" if "sigma" in f.names else "a smaller sigma or K" for n, f in lasting.items()}


def _kappa(states: Sequence[State]) -> dict[str, Any]:
    """Return the second moments assumed: the largest declared one and the largest derived one, where there are any."""
    found: dict[str, float] = {}
    for state in states:
        one = state.inequalities.get("bound", {})
        if "kappa" in one and "by" not in one:
            source = str(one["kappa_from"])
            found[source] = max(found.get(source, 0.0), float(one["kappa"]))
    return {"kappa": found} if found else {}


def kappa_words(states: Sequence[State]) -> str:
    """Return the second moments assumed in words: '4 (declared)', '8.2 (derived)', or both."""
    found: dict[str, float] = _kappa(states).get("kappa", {})
    return " or ".join(f"{value:.3g} ({source})" for source, value in sorted(found.items()))


def row(state: State) -> dict[str, Any]:
    """Return the table row of a cell, as plain data."""
    cell = state.cell
    found: dict[str, Any] = {
        "digest": cell.digest, "label": cell.label, "M": cell.M, "K": cell.K, "sigma": cell.sigma,
        "problem": cell.problem.label, "noise": cell.noise.label, "delays": cell.delays.label, "output": cell.output,
        "verdict": str(state.verdict), "reason": state.reason,
    }  # fmt: skip
    if state.unfit:
        found["about"] = "method"
    if state.built is None or not state.inequalities:
        return found
    schedule = state.built.weighted.schedule
    delay = schedule.delay[: schedule.horizon]
    found |= {
        "sigma": state.built.constants["sigma"], "branch": state.built.stepsize.active(1, state.built.constants),
        "n": state.runs, "tau_max": int(delay.max()), "tau_mean": float(delay.mean()),
        "inequalities": {n: {**i, "verdict": str(i["verdict"])} for n, i in state.inequalities.items()},
        "float_identities": state.identities, "terms": state.terms,
    }  # fmt: skip
    return found


def _tight(states: Sequence[State]) -> dict[str, Any]:
    """Return how loose the bound and the master inequality are at their tightest cells, and what would be missed.

    ``factor`` is the bound over the largest mean; ``missed`` the smallest factor by which the errors of some cell would
    have to grow for its runs to refute the claim, which is more where there is sampling error.
    """
    usable = [s for s in states if s.inequalities and s.verdict is not Verdict.VACUOUS and not s.verdict.negative]
    if not usable:
        return {}
    bound = max(usable, key=lambda s: float(s.inequalities["bound"]["ratio"]))
    found: dict[str, Any] = {
        "cell": bound.cell.label, "factor": _loose(bound, "bound"), "missed": min(_missed(s, "bound") for s in usable)
    }  # fmt: skip
    with_master = [s for s in states if "master" in s.inequalities and not s.verdict.negative]
    if with_master:
        master = max(with_master, key=lambda s: float(s.inequalities["master"]["ratio"]))
        found |= {
            "master_cell": master.cell.label,
            "master_factor": _loose(master, "master"),
            "detectable": min(_missed(s, "master") for s in with_master),
        }
    return found


def _loose(state: State, name: str) -> float:
    ratio = float(state.inequalities[name]["ratio"])
    return 1 / ratio if ratio > 0 else math.inf


def _missed(state: State, name: str) -> float:
    """Return the factor on the left side that these runs, or the exact value, would have refuted."""
    return float(state.inequalities[name].get("detectable", _loose(state, name)))


def _sentence(
    states: Sequence[State], verdict: Verdict, rate: Mapping[str, Any], tight: Mapping[str, Any], asked: Asked
) -> str:
    if not verdict.measured:
        unfit = [s for s in states if s.unfit]  # it tells more than what else the cells lack
        reasons = Counter(s.reason for s in unfit or states if s.reason)
        return reasons.most_common(1)[0][0] if reasons else "the scenario has no cells"
    counted = [s for s in states if s.verdict.measured]
    exact = sum(s.verdict is Verdict.EXACT for s in counted)
    text = f"{len(counted)} of {len(states)} cells ({exact} exactly), {sum(s.runs for s in states):,} runs"
    forced = [s.forced for s in counted if s.forced]
    text += f", {len(forced)} of them as forced" if forced else ""
    if verdict is Verdict.HOLDS_HERE and asked.claim.kind == "upper":  # a mean above a bound assumes nothing
        text += f", assuming E[R^2] <= {kappa_words(states)}"
    open_words = {Verdict.NOT_REFUTED: "the bound is attained up to rounding", Verdict.INCONCLUSIVE: "not finished"}
    if verdict in open_words:
        weak = next(s for s in counted if s.verdict is verdict)
        text += f"; {weak.reason or open_words[verdict]} ({weak.cell.label})"
    text += f"; rate {rate['verdict']}" if rate else ""
    if tight:
        text += f"; would miss an error inflated by less than {tight['missed']:.3g}x"
        if "detectable" in tight:
            text += f" (in the master inequality {tight['detectable']:.4g}x)"
    return text + (f"; as forced: {forced[0]}" if forced else "")


def _broken(state: State, count: int, sign: str) -> str:
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
    evidence = f", e-value 10^{one['log10_e']:.1f} after {state.runs} runs" if "log10_e" in one else ""
    if evidence and sign == "<":
        evidence += f", assuming E[R^2] <= {one['kappa']:.3g} ({one['kappa_from']})"
    evidence = evidence or (", by exact moments" if "by" in one else " in one exact run")
    return (
        f"{state.failed} broken {where}: {one['lhs']:.4g} {sign} {one['rhs']:.4g}, ratio {one['ratio']:.4g}{evidence}"
    )


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
    return [histogram(s.built, s.cell.delays.label) for s in longest.values() if s.built]


def histogram(built: Built, label: str) -> dict[str, Any]:
    """Return the counts of the delays of a cell in about log-spaced bins, with M, K, mean and largest."""
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
        "scheduler": built.scheduler.name,
        "M": schedule.workers,
        "K": schedule.horizon,
        "mean": float(delay.mean()),
        "max": top,
        "bins": bins,
    }
