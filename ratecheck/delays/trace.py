"""A recorded trace: the order of arrivals of a real asynchronous run, from a CSV file (``file``)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.delays import Delays
from ratecheck.core.trace import read
from ratecheck.errors import PartError


def _trace(par: Mapping[str, Any]) -> Any:
    if not isinstance(par.get("file"), str):
        raise PartError("delays 'trace' needs a file: delays = {name = 'trace', file = 'delays.csv'}.")
    return read(Path(par["file"]))


def order(workers: int, steps: int, par: Mapping[str, Any], key: np.uint64) -> npt.NDArray[np.int64]:
    trace = _trace(par)
    if trace.workers != workers or len(trace.worker) < steps:
        raise PartError(
            f"{par['file']} has M = {trace.workers} workers and {len(trace.worker)} steps; "
            f"M = {workers}, K = {steps} was asked."
        )
    found: npt.NDArray[np.int64] = trace.worker[:steps]
    return found


def recorded(par: Mapping[str, Any]) -> tuple[int, int]:
    trace = _trace(par)
    return trace.workers, len(trace.worker)


DELAYS = Delays("trace", order=order, par={"file": None}, recorded=recorded)
