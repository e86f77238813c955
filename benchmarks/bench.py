"""One interleaved run of C, ours and NumPy: ``python -m benchmarks.bench``. See README.md beside this file."""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable

from benchmarks import numpy_heapq
from benchmarks.cell import Cell
from benchmarks.ours import ours
from benchmarks.reference import Reference, library

#: (d, R, K): long enough for a millisecond, short enough for all cells to take seconds
CELLS = [
    *((1, 1, 40000), (10, 1, 40000), (100, 1, 20000), (1000, 1, 8000)),
    *((10, 64, 10000), (100, 64, 3000), (1000, 64, 1000)),
]
#: steps of the NumPy run; its time per step does not depend on how many there are
NUMPY_STEPS = 2000


def bar_c(d: int, R: int) -> float | None:
    """Return the fraction of C's speed aimed at."""
    if d * R >= 640:
        return 0.75
    return 0.65 if d * R == 100 else None


def bar_numpy(d: int, R: int) -> float | None:
    """Return how many times faster than NumPy, per replicate-step, is aimed at."""
    return {(10, 64): 240.0, (100, 64): 28.0}.get((d, R))


def sides(cell: Cell, fused: bool) -> dict[str, tuple[Callable[[], object], float]]:
    """Return what to run and how many replicate-steps it does, by side."""
    found: dict[str, tuple[Callable[[], object], float]] = {}
    if library() is not None:
        found["C"] = Reference(cell, fused=fused), cell.K * cell.R
    found["ours"] = ours(cell), cell.K * cell.R
    single = dataclasses.replace(cell, R=1, K=min(cell.K, NUMPY_STEPS))
    found["NumPy"] = (lambda: numpy_heapq.run(single)), single.K
    return found


def measure(cell: Cell, rounds: int, fused: bool = True) -> dict[str, list[float]]:
    """Return CPU nanoseconds per replicate-step of every side in every round, after one run of each to warm up."""
    competing = sides(cell, fused)
    for run, _ in competing.values():
        run()
    found: dict[str, list[float]] = {name: [] for name in competing}
    for _ in range(rounds):
        for name, (run, steps) in competing.items():
            begin = time.process_time()
            run()
            found[name].append((time.process_time() - begin) * 1e9 / steps)
    return found


def ratio(upper: list[float], lower: list[float]) -> float:
    """Return the median of the ratios of each round."""
    return statistics.median(u / v for u, v in zip(upper, lower, strict=True))


def against(value: float | None, bar: float | None, form: str) -> str:
    """Return a ratio with its bar, in 18 columns."""
    if value is None:
        return "-".rjust(18)
    text = format(value, form)
    if bar is not None:
        text += f" (>= {bar:g}{'' if value >= bar else ' NO'})"
    return text.rjust(18)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="rounds per cell (default 9)")
    parser.add_argument("--clock", choices=["exponential", "fixed"], default="exponential", help="delay model")
    parser.add_argument("--workers", type=int, default=64, help="M (default 64)")
    parser.add_argument("--separate-noise", action="store_true", help="C makes its noise before the update loop")
    options = parser.parse_args()
    setting = f"M = {options.workers}, {options.clock} times"
    print(f"{setting}, CPU ns per replicate-step, medians of {options.rounds} rounds")
    print(f"{'d':>5}{'R':>4}{'K':>7}{'C':>10}{'ours':>10}{'NumPy':>10}{'C/ours':>18}{'NumPy/ours':>18}")
    for d, R, K in CELLS:
        cell = Cell(d, R, options.workers, K, clock=options.clock)
        times = measure(cell, options.rounds, not options.separate_noise)
        middle = {name: f"{statistics.median(values):10.2f}" for name, values in times.items()}
        c_ratio = ratio(times["C"], times["ours"]) if "C" in times else None
        n_ratio = ratio(times["NumPy"], times["ours"])
        print(
            f"{d:5}{R:4}{K:7}{middle.get('C', '-'):>10}{middle['ours']}{middle['NumPy']}"
            f"{against(c_ratio, bar_c(d, R), '.2f')}{against(n_ratio, bar_numpy(d, R), '.0f')}",
            flush=True,
        )


if __name__ == "__main__":
    main()
