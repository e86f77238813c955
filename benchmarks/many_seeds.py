"""Are true claims ever refuted? ``python -m benchmarks.many_seeds --seeds 200``: the shelf's claims under many seeds.

Each seed has delays and samples of its own. Cells are of every kind: decided by exact moments, by one run without
noise, by betting under light and heavy tails and sampled rows; sharp ones, on which a master inequality is attained up
to a part in a thousand, among them. The whole table may be wrong with probability seeds x alpha at most; alpha is that
of one check. Prints a markdown table; exit code 1 when a claim is refuted.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter

from ratecheck.checks.job import Job, claims_of, run
from ratecheck.core.scenario import Scenario
from ratecheck.core.verdict import Result, Verdict

#: of one check
ALPHA = 1e-3
CLOCKS = [{"name": "exponential", "spread": 4}, {"name": "pareto", "tail": 1.5}]
GRIDS = [
    # exact moments, and sharp: nothing pulls back, so the master inequality of Theorem 3 is nearly attained
    {"problem": "quadratic", "delays": CLOCKS, "M": [2, 8], "K": 128, "sigma": [0, 1]},
    {"problem": {"name": "quadratic", "spectrum": [1e-6]}, "constants": {"L": 1}, "delays": CLOCKS, "M": 4, "K": 64,
     "sigma": 80, "output": "all"},
    # betting, sharp and not; light and heavy tails
    {"problem": {"name": "huber", "kink": "B_over_W"}, "delays": CLOCKS, "M": [2, 8], "K": 256, "sigma": [0, 1]},
    {"problem": {"name": "huber", "kink": 1e-3, "dimension": 4}, "delays": CLOCKS, "M": 4, "K": 64, "sigma": 80,
     "noise": ["gaussian", {"name": "two_point", "p": 0.02}, {"name": "student_t", "df": 5}]},
    {"problem": {"name": "logistic", "rows": 32, "dimension": 4, "batch": 16}, "noise": "rows", "delays": CLOCKS[:1],
     "M": 4, "K": 128},
    # the class of Theorem 1, near the kink where its master inequality is nearly attained
    {"problem": [{"name": "asymmetric_abs", "right": 1}, "asymmetric_abs"], "noise": "rademacher", "delays": CLOCKS,
     "M": [1, 4], "K": 256, "sigma": [0, 0.5]},
]  # fmt: skip


def once(seed: int) -> list[Result]:
    """Return the results of every claim that is expected to hold, under one seed."""
    scenario = Scenario.model_validate({
        "title": "many seeds", "exact": {"cases": [[2, 4]]}, "monte_carlo": {"replicates": 128, "alpha": ALPHA},
        "grid": GRIDS,
    })  # fmt: skip
    true = {name: claim for name, claim in claims_of([]).items() if claim.expect == "holds"}
    return run(Job(true, scenario, "many_seeds", seed, evidence=("exact", "monte-carlo")))


def main() -> int:
    """Print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_seeds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds (default 200)")
    parser.add_argument("--first", type=int, default=1001, help="the first of them (default 1001)")
    asked = parser.parse_args()
    begin = time.perf_counter()
    verdicts: Counter[tuple[str, str, str]] = Counter()
    cells: Counter[tuple[str, str]] = Counter()
    refuted = []
    for seed in range(asked.first, asked.first + asked.seeds):
        for result in once(seed):
            verdicts[result.claim, result.evidence, str(result.verdict)] += 1
            cells.update((result.claim, cell["verdict"]) for cell in result.details.get("cells", []))
            if result.verdict.negative:
                refuted.append(f"seed {seed}: {result.claim}: {result.summary}")
    words = [str(v) for v in Verdict if any(v.word == w for _, _, w in verdicts)]
    print("| claim | evidence | " + " | ".join(words) + " | cells |")
    print("|---|---|" + "---|" * len(words) + "---|")
    for claim, evidence in sorted({(c, e) for c, e, _ in verdicts}):
        counts = " | ".join(str(verdicts[claim, evidence, w]) for w in words)
        told = ", ".join(f"{n:,} {w}" for (c, w), n in sorted(cells.items()) if c == claim)
        print(f"| {claim} | {evidence} | {counts} | {told if evidence == 'monte-carlo' else ''} |")
    print(
        f"\n{asked.seeds} seeds from {asked.first}, {len(refuted)} refutations of true claims, "
        f"{time.perf_counter() - begin:.0f} s"
    )
    for sentence in itertools.islice(refuted, 20):
        print(sentence)
    return int(bool(refuted))


if __name__ == "__main__":
    raise SystemExit(main())
