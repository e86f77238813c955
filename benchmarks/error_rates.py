"""The tables of docs/error-rates.md: ``python -m benchmarks.error_rates``. One core, a minute; see that page."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from ratecheck.checks.statistics import betting, calibration
from ratecheck.checks.statistics.calibration import FALSE_KAPPA, LAWS, TRUE_KAPPA, Floats, Law, Row

ALPHA = 0.05
CELLS = 36


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    for row in (head, ["---"] * len(head), *rows):
        print("|", " | ".join(map(str, row)), "|")
    print()


def share(row: Row, key: str = "alarms") -> str:
    return f"{row[key] / row['repetitions']:.4f}"


def by_law(rows: Iterable[Row]) -> list[list[Row]]:
    """Return the rows of each (law, kappa) together, in their order."""
    found: dict[object, list[Row]] = {}
    for row in rows:
        found.setdefault((row["law"], row.get("kappa")), []).append(row)
    return list(found.values())


def false_verdicts(repetitions: int, runs: int, seed: int) -> None:
    levels = [ALPHA, ALPHA / CELLS]
    ours = calibration.false_alarms(repetitions, runs, levels, seed)
    peeked = calibration.false_alarms(repetitions, runs, levels, seed, process=partial(calibration.student, 1))
    head = [f"{who}, alpha = {level:.2g}" for who in ("e-value", "Student's t") for level in levels]
    print(f"False REFUTED: mean 1, {repetitions} sequences a law, a look after each of {runs} runs\n")
    pairs = zip(by_law(ours), by_law(peeked), strict=True)
    table(["law", *head], ([a[0]["law"], *map(share, [*a, *b])] for a, b in pairs))
    print(f"False HOLDS HERE: mean 1 and a kappa that is true, {repetitions} sequences, a look after each of {runs}\n")
    ours = calibration.false_holds(repetitions, runs, levels, seed, cases=TRUE_KAPPA)
    table(["law", "kappa", *head[:2]], ([a["law"], f"{a['kappa']:.3g}", share(a), share(b)] for a, b in by_law(ours)))
    peeked = calibration.false_alarms(repetitions, runs, levels, seed, process=partial(calibration.student, -1))
    print("The same by Student's t, which needs no kappa, and must not be peeked at\n")
    table(["law", *head[2:]], ([a["law"], share(a), share(b)] for a, b in by_law(peeked)))
    print("What happens when kappa is false\n")
    wrong = calibration.false_holds(repetitions, runs, levels, seed, cases=FALSE_KAPPA)
    second = {law.name: law.second for law in LAWS}
    cells = ([a["law"], f"{second[a['law']]:.3g}", f"{a['kappa']:g}", share(a), share(b)] for a, b in by_law(wrong))
    table(["law", "E[R^2]", "kappa", *head[:2]], cells)


def decided(row: Row) -> str:
    part = row["decided"] / row["repetitions"]
    return f"{figures(row['runs'])} ({figures(row['runs_at_looks'])})" + (f", {part:.0%}" if part < 0.995 else "")


def figures(runs: float) -> str:
    return f"{runs:.1f}" if runs < 20 else f"{runs:.0f}"


def powers(repetitions: int, runs: int, seed: int) -> None:
    for alpha in (ALPHA / CELLS, 1e-3 / 54):
        print(f"Runs until REFUTED at alpha = {alpha:.2g}, looking after every run, and (at 8, 16, 32, ...)\n")
        rows = by_law(calibration.power(repetitions, runs, alpha, seed))
        table(["law", *(f"mean {r['mean']:g}" for r in rows[0])], ([r[0]["law"], *map(decided, r)] for r in rows))
    for alpha in (ALPHA, 1e-3):
        for kappa in (4.0, 10.0):
            print(f"Runs until HOLDS HERE at alpha = {alpha:g}, kappa = {kappa:g}, likewise\n")
            rows = by_law(calibration.hold_power(repetitions, runs, alpha, seed, kappa=kappa))
            table(["law", *(f"mean {r['mean']:g}" for r in rows[0])], ([r[0]["law"], *map(decided, r)] for r in rows))


def families(repetitions: int, seed: int) -> None:
    last = [8, 17, 26, 35]  # the largest K of each of the four curves
    asked: list[tuple[str, float, list[int], int]] = [
        ("all on the bound", 1.0, [], 200), ("one cell x1.5", 1.5, [4], 60), ("one cell x3", 3.0, [4], 20),
        ("last K of 4 curves x1.5", 1.5, last, 60),
    ]  # fmt: skip
    print(f"A grid of {CELLS} dependent cells at alpha = {ALPHA}: share of {repetitions} grids REFUTED\n")
    rows = []
    for what, factor, cells, runs in asked:
        for law in calibration.MARGINS:
            row = calibration.family(repetitions, runs, ALPHA, seed, factor=factor, cells=cells, law=law)
            rows.append([what, runs, law, share(row, "any"), share(row, "mean")])
    table(["grid", "runs", "law", "some cell at 36/alpha", "mean over cells at 1/alpha"], rows)


def other_bets(repetitions: int, runs: int, seed: int) -> None:
    """Compare with other fractions of the capital, also where errors spread little, as those of long averages do."""
    sharp = Law("gamma, shape 100", lambda rng, shape: rng.gamma(100, 1 / 100, shape), 1.01)
    choices = {
        "ours": betting.BETS,
        "nine": np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9]),
        "one": np.array([0.35]),
    }

    def spread(bets: Floats, ratios: Floats) -> Floats:
        return betting.mixed(np.cumsum(np.log1p(bets[:, None, None] * (ratios - 1)), axis=-1))

    print(f"Runs until REFUTED at alpha = {ALPHA / CELLS:.2g} with other bets, looking after every run\n")
    found = {
        name: calibration.power(repetitions, runs, ALPHA / CELLS, seed, factors=(1.25, 2), laws=(*LAWS[:3], sharp),
                                process=partial(spread, bets))
        for name, bets in choices.items()
    }  # fmt: skip
    rows = zip(*found.values(), strict=True)
    table(["law", "mean", *found], ([r[0]["law"], r[0]["mean"], *(figures(one["runs"]) for one in r)] for r in rows))


def plain(nights: Floats) -> Floats:
    """Return the product of the nights' e-values: what the ledger would be if it did no more."""
    top = nights.max(axis=-1)
    return np.cumsum(top + np.log10((10 ** (nights - top[..., None])).mean(axis=-1)), axis=0)


def ledgers(repetitions: int, seed: int) -> None:
    asked = [
        (1.0, 1.0, 0, 4), (1.25, 1.25, 0, 4), (1.5, 1.5, 0, 4), (2.0, 2.0, 0, 4), (1.1, 1.1, 0, 64),
        (1.5, 0.3, 50, 4), (3.0, 0.02, 50, 4),
    ]  # fmt: skip
    print(f"The ledger over 100 nights, {CELLS} cells, alpha = 0.01 for all nights together, {repetitions} histories\n")
    rows = []
    for factor, before, since, runs in asked:
        row = calibration.nights(repetitions, 100, runs, 0.01, seed, factor=factor, before=before, since=since)
        what = f"x{before:g} for {since} nights, then x{factor:g}" if since else f"x{factor:g}"
        early = row["early"] if since else "-"
        product = calibration.nights(
            repetitions, 100, runs, 0.01, seed, factor=factor, before=before, since=since, evidence=plain
        )
        found = [share(row), early, f"{row['median']:g}", share(product), f"{product['median']:g}"]
        rows.append(["all on the bound" if factor == 1 else what, runs, *found])
    head = ["REFUTED", "too early", "median night", "plain product", "median night"]
    table(["one cell", "runs a night", *head], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=4000)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    false_verdicts(asked.repetitions, asked.runs, asked.seed)
    powers(asked.repetitions // 4, asked.runs, asked.seed)
    other_bets(asked.repetitions // 4, asked.runs, asked.seed)
    families(asked.repetitions // 2, asked.seed)
    ledgers(max(1, asked.repetitions * 3 // 40), asked.seed)


if __name__ == "__main__":
    main()
