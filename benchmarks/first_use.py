"""How long the first use takes: ``python -m benchmarks.first_use``. Every measurement is a fresh process.

Cold: empty compile cache; warm: the cache left by the cold run before it. One cell is run (asynchronous SGD, diagonal
quadratic, Gaussian noise, fixed speeds), imports included, the start of the interpreter not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TIMED = "import time; wall, cpu = time.perf_counter(), time.process_time()\n"
SPENT = "\nprint(time.perf_counter() - wall, time.process_time() - cpu)"
CELL = "from benchmarks.cell import Cell; from benchmarks.ours import ours; ours(Cell(10, 1, 8, 1000, clock='fixed'))()"
IMPORT = "import ratecheck"
WITHOUT_NUMBA = "\nimport sys; assert 'numba' not in sys.modules, 'import ratecheck imports numba'"


def seconds(code: str, cache: str, after: str = "") -> tuple[float, float]:
    """Return wall and CPU seconds of ``code`` in a fresh process with this compile cache."""
    environment = {**os.environ, "RATECHECK_CACHE": cache, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", TIMED + code + SPENT + after]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    wall, cpu = map(float, done.stdout.split()[-2:])
    return wall, cpu


def main() -> None:
    """Print medians and bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_use", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind (default 3)")
    rounds = parser.parse_args().rounds
    cold, warm, imports = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(seconds(CELL, cache))
            warm.append(seconds(CELL, cache))
            imports.append(seconds(IMPORT, cache, WITHOUT_NUMBA))
    for name, found, bar in (("cold", cold, 4.0), ("warm", warm, 1.5), ("import ratecheck", imports, 0.3)):
        wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        mark = "" if wall <= bar else " NO"
        print(f"{name:16s} {wall:6.2f} s wall (<= {bar:g}{mark}), {cpu:6.2f} s CPU")


if __name__ == "__main__":
    main()
