"""How often the rate verdict is right: ``python -m benchmarks.rate_verdicts`` prints the table of docs/rates.md.

Experiments whose errors follow a known law, on four grids (``ratecheck.checks.synthetic``). The bars: MATCHES for no
wrong law, in at least 3,000 experiments, and for the true law on the planned grid, at a coefficient of variation of
0.5 and 80 runs a cell, in at least 95 %. The exit code is 1 when one is missed. A few minutes on one core.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter

from ratecheck.checks.synthetic import GRIDS, LAWS, TRUE, WRONG, study

#: coefficient of variation of an error, runs a cell
SETTINGS = ((0.5, 20), (0.5, 80), (1.5, 80))
BAR = 0.95


def words(found: Counter[str]) -> str:
    total = found.total()
    return ", ".join(f"{word} {100 * count / total:.3g}" for word, count in found.most_common())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrong", type=int, default=60, help="experiments with each wrong law, in each row")
    parser.add_argument("--true", type=int, default=1000, help="experiments with the true law, in each row")
    options = parser.parse_args()
    cases = {law: options.true if law == TRUE else options.wrong for law in LAWS}
    found: dict[tuple[str, float, int, str], Counter[str]] = {}
    print(
        f"Percent of {options.true} experiments with the true law, {TRUE}, and {options.wrong} with each other one:\n"
    )
    print(f"| grid | variation, runs | {' | '.join(LAWS)} |\n|{'---|' * (2 + len(LAWS))}")
    for grid, (variation, runs) in itertools.product(GRIDS, SETTINGS):
        for law, count in cases.items():
            found[grid, variation, runs, law] = study(law, grid, variation, runs, count, seed=20_220_615)
        row = [words(found[grid, variation, runs, law]) for law in LAWS]
        print(f"| {grid} | {variation:g}, {runs} | {' | '.join(row)} |", flush=True)
    wrong = [counts for (*_, law), counts in found.items() if law in WRONG]
    matched = sum(counts["MATCHES"] for counts in wrong)
    true = found["planned", 0.5, 80, TRUE]["MATCHES"] / options.true
    print(f"\nMATCHES for a wrong law: {matched} of {sum(c.total() for c in wrong):,} experiments.")
    print(f"MATCHES for the true law on the planned grid, variation 0.5, 80 runs: {100 * true:.3g} %.")
    return int(matched > 0 or true < BAR)


if __name__ == "__main__":
    raise SystemExit(main())
