"""The C reference: compiled when a C compiler is there, called through ctypes."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.cell import Cell, Outcome, Vector

SOURCE = Path(__file__).with_name("reference.c")
FLAGS = ("-std=gnu11", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-shared")
_DOUBLES = np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS")
_INTS = np.ctypeslib.ndpointer(np.int32, flags="C_CONTIGUOUS")
_LONG, _DOUBLE, _KEY = ctypes.c_long, ctypes.c_double, ctypes.c_uint64


@functools.cache
def library() -> ctypes.CDLL | None:
    """Compile and load the C code; None without a C compiler. The library lives as long as this process."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "reference.so"
        subprocess.run([compiler, *FLAGS, str(SOURCE), "-o", str(target), "-lm"], check=True)
        code = ctypes.CDLL(str(target))
    code.fill_normals.argtypes = [_KEY, _KEY, _LONG, _DOUBLE, _DOUBLES]
    code.fill_normals.restype = None
    code.schedule.argtypes = [_LONG, _LONG, _DOUBLES, ctypes.c_int, _KEY, _DOUBLE, _DOUBLE, _INTS, _DOUBLES, _DOUBLES]
    code.padded.argtypes, code.padded.restype = [_LONG], _LONG
    code.trajectory.argtypes = [
        *(_LONG, _LONG, _LONG, _INTS, _DOUBLES, _DOUBLES),
        *(_DOUBLE, _KEY, ctypes.c_int, _DOUBLES, _DOUBLES, _DOUBLES, _DOUBLES),
    ]
    code.trajectory.restype = None
    return code


def aligned(size: int) -> Vector:
    """Return a zero vector that starts on a cache line."""
    memory = np.zeros(size + 8)
    return memory[-memory.ctypes.data % 64 // 8 :][:size]


class Reference:
    """One cell in C. Memory is set up here; a call simulates the schedule and all replicates, and nothing else.

    ``fused=False`` makes the noise before each update instead of inside its loop.
    """

    def __init__(self, cell: Cell, *, fused: bool = True) -> None:
        code = library()
        if code is None:
            raise RuntimeError("the reference needs a C compiler called cc.")
        self.code, self.cell, self.means, self.fused = code, cell, cell.means, int(fused)
        self.size = cell.d * cell.R
        padded = int(code.padded(self.size))
        self.who: npt.NDArray[np.int32] = np.zeros(cell.M + cell.K, np.int32)
        self.gamma, self.weight = np.zeros(cell.M + cell.K), np.zeros(cell.M + cell.K)
        self.a, self.x, self.average = aligned(padded), aligned(padded), aligned(padded)
        self.flight = aligned(cell.M * padded)
        self.a[: self.size] = np.repeat(cell.spectrum, cell.R)
        self.start = np.repeat(cell.start, cell.R)
        self.clock_key, self.key = (int(k) for k in np.random.SeedSequence(cell.seed).generate_state(2, np.uint64))

    def schedule(self) -> None:
        """Simulate the arrivals; fill who, gamma and weight (M + K,), the M hand-outs at x_0 first."""
        cell = self.cell
        failed = self.code.schedule(
            *(cell.M, cell.K, self.means, int(cell.clock == "exponential"), self.clock_key),
            *(cell.adaptive, cell.cap, self.who, self.gamma, self.weight),
        )
        if failed:
            raise MemoryError("the C reference got no memory for the schedule.")

    def trajectory(self) -> Outcome:
        """Replay the schedule for all replicates."""
        cell = self.cell
        self.x[: self.size] = self.start
        self.code.trajectory(
            *(self.size, cell.M, cell.M + cell.K, self.who, self.gamma, self.weight, cell.scale, self.key),
            *(self.fused, self.a, self.x, self.average, self.flight),
        )
        shape = (cell.d, cell.R)
        average = self.average[: self.size].reshape(shape).T / self.weight.sum()
        return Outcome(self.x[: self.size].reshape(shape).T.copy(), average)

    def __call__(self) -> Outcome:
        """Run the cell end to end."""
        self.schedule()
        return self.trajectory()
