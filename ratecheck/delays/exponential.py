"""Exponential durations: memoryless, so that the next to deliver does not depend on who began when."""

from __future__ import annotations

from typing import Any

from ratecheck.core.delay_tools import task_word
from ratecheck.core.delays import Delays
from ratecheck.core.keys import exponential


def duration(key: Any, worker: Any, number: Any, mean: Any, par: Any) -> Any:
    return mean * exponential(task_word(key, worker, number))


DELAYS = Delays("exponential", duration)
