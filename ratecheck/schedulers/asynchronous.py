"""Asynchronous: every gradient counts, and the worker that delivered it is handed the new model at once.

Algorithm 1 of Mishchenko, Bach, Even and Woodworth (2022, arXiv:2206.07638).
"""

from __future__ import annotations

from typing import Any

from ratecheck.core.scheduler import Scheduler


def decide(state: Any, workers: Any, worker: Any, delay: Any, handed: Any) -> int:
    handed[0] = 1
    handed[1] = worker
    return 1


SCHEDULER = Scheduler("async", decide)
