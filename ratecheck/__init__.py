"""ratecheck checks convergence theorems of asynchronous SGD the way code is checked.

Everything public is here and loaded on first use; importing the package costs next to nothing and never imports
numba. ``check`` and ``simulate`` do the work from Python; ``claim`` and ``load`` find what the shelves and files hold.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ratecheck.api import check, claim, exact_moments, load, plot, simulate
    from ratecheck.core.cell import Cell
    from ratecheck.core.claim import Assumption, Claim, Inequality, Statement
    from ratecheck.core.delays import Delays
    from ratecheck.core.formula import Formula
    from ratecheck.core.identity import Identity
    from ratecheck.core.method import Method
    from ratecheck.core.noise import Noise
    from ratecheck.core.part import Part
    from ratecheck.core.problem import Instance, Problem
    from ratecheck.core.run import Run
    from ratecheck.core.scenario import Scenario
    from ratecheck.core.schedule import Schedule
    from ratecheck.core.scheduler import Scheduler
    from ratecheck.core.stepsize import Stepsize
    from ratecheck.core.trace import Trace
    from ratecheck.core.verdict import Result, Verdict
    from ratecheck.core.witness import Witness

_HOMES = {
    "check": "api",
    "simulate": "api",
    "claim": "api",
    "exact_moments": "api",
    "load": "api",
    "plot": "api",
    "Assumption": "core.claim",
    "Cell": "core.cell",
    "Claim": "core.claim",
    "Delays": "core.delays",
    "Formula": "core.formula",
    "Identity": "core.identity",
    "Inequality": "core.claim",
    "Instance": "core.problem",
    "Method": "core.method",
    "Noise": "core.noise",
    "Part": "core.part",
    "Problem": "core.problem",
    "Result": "core.verdict",
    "Run": "core.run",
    "Scenario": "core.scenario",
    "Schedule": "core.schedule",
    "Scheduler": "core.scheduler",
    "Statement": "core.claim",
    "Stepsize": "core.stepsize",
    "Trace": "core.trace",
    "Verdict": "core.verdict",
    "Witness": "core.witness",
}

__all__ = [
    "Assumption",
    "Cell",
    "Claim",
    "Delays",
    "Formula",
    "Identity",
    "Inequality",
    "Instance",
    "Method",
    "Noise",
    "Part",
    "Problem",
    "Result",
    "Run",
    "Scenario",
    "Schedule",
    "Scheduler",
    "Statement",
    "Stepsize",
    "Trace",
    "Verdict",
    "Witness",
    "check",
    "claim",
    "exact_moments",
    "load",
    "plot",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ratecheck' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ratecheck.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
