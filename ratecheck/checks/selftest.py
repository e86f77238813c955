"""The checker is put to the test: how often its own verdicts are wrong, and which planted lies it sees.

Every promise about a share of random cases is judged by a binomial bound: a check that keeps its promise fails here
with probability ``ALARM``, one in a million, for each row of the tables, whatever the seed is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ratecheck.checks import battery, synthetic
from ratecheck.checks.statistics.calibration import ALARM, false_alarms, false_holds, hold_power, limit, power
from ratecheck.mutants.mutant import Mutant, all_mutants

Row = dict[str, Any]

#: sequences of each law, runs of each at most, and the false-alarm probability that they are judged at
REPETITIONS, RUNS, ALPHA = 2000, 512, 0.05
#: sequences and runs for the tables of power, and how many may be missed: one in twenty
POWER_REPETITIONS, POWER_RUNS, MISSED = 500, 128, 0.05
#: means, relative to the bound, that must be decided within these runs; the mean 0.7 is too near to promise anything
ABOVE, BELOW, NEAR = 5.0, (0.02, 0.3), 0.7
#: synthetic experiments of each law of the error, with 80 runs a cell of coefficient of variation 1/2
CASES, CELL_RUNS, VARIATION = 100, 80, 0.5
#: part of the experiments with a wrong law that may be said to match: none was seen in thousands
WRONG_MATCHES = 1e-3


def examine(seed: int, mutants: Sequence[Mutant] | None = None,
            say: Callable[[str, int, int], None] = lambda text, done, total: None) -> Row:  # fmt: skip
    """Return the tables as plain data, with ``faults``: a sentence for every promise that is broken.

    ``mutants`` replaces the battery that comes with ratecheck; ``say`` is told where the work is.
    """
    found: Row = {"seed": seed, "alarm": ALARM}
    say("false alarms", 0, 0)
    found["alarms"] = false_alarms(REPETITIONS, RUNS, (ALPHA,), seed)
    found["holds"] = false_holds(REPETITIONS, RUNS, (ALPHA,), seed)
    say("power", 0, 0)
    found["power"] = power(POWER_REPETITIONS, POWER_RUNS, ALPHA, seed, factors=(ABOVE,))
    found["hold_power"] = hold_power(POWER_REPETITIONS, POWER_RUNS, ALPHA, seed, means=(*BELOW, NEAR))
    say("rates", 0, 0)
    found["rates"] = rates(seed)
    planted = all_mutants() if mutants is None else mutants
    outcomes = []
    for i, outcome in enumerate(battery.judge(planted, seed)):
        outcomes.append(outcome)
        say("planted lies", i + 1, len(planted))
    found["layers"] = list(battery.LAYERS)
    found["mutants"] = [_row(o) for o in outcomes]
    found["totals"] = totals(outcomes)
    found["faults"] = [*_faults(found), *(o.fault for o in outcomes if o.fault)]
    return found


def rates(seed: int, laws: Mapping[str, synthetic.Law] = synthetic.LAWS) -> list[Row]:
    """Return how often each law of the error is said to match the bound, among ``CASES`` planned experiments."""
    rows = []
    for law in laws:
        words = synthetic.study(law, "planned", VARIATION, CELL_RUNS, CASES, seed=seed)
        rows.append({"law": law, "true": law == synthetic.TRUE, "cases": CASES, "words": dict(words.most_common())})
    return rows


def _row(outcome: battery.Outcome) -> Row:
    mutant = outcome.mutant
    return {
        "kind": mutant.kind, "name": mutant.name, "claim": mutant.claim, "lie": mutant.lie, "status": outcome.status,
        "equivalent": mutant.equivalent, "expected": list(mutant.caught_by), "caught": dict(outcome.caught),
        "control": dict(outcome.control),
    }  # fmt: skip


def totals(outcomes: Sequence[battery.Outcome]) -> Row:
    """Return how many lies there are, how many each layer saw, how many it alone saw, and the equivalents found."""
    lies = [o for o in outcomes if not o.mutant.equivalent]
    return {
        "lies": len(lies), "caught": sum(o.status == battery.CAUGHT for o in lies),
        "equivalent": sum(o.status == battery.EQUIVALENT for o in outcomes),
        "by_layer": {layer: sum(layer in o.caught for o in lies) for layer in battery.LAYERS},
        "alone": {layer: sum(list(o.caught) == [layer] for o in lies) for layer in battery.LAYERS},
    }  # fmt: skip


def _faults(found: Row) -> Iterator[str]:
    """Yield a sentence for every promise about our verdicts that these tables break."""
    for key, word in (("alarms", "REFUTED"), ("holds", "HOLDS HERE")):
        for row in found[key]:
            if row["alarms"] > row["limit"]:
                yield (
                    f"{word} is said falsely in {row['alarms']} of {row['repetitions']} sequences of law "
                    f"{row['law']!r}, and alpha = {row['alpha']:g} explains {row['limit']}."
                )
    for key, word in (("power", "REFUTED"), ("hold_power", "HOLDS HERE")):
        for row in found[key]:
            if row["mean"] != NEAR and row["missed"] > limit(row["repetitions"], MISSED):
                yield (
                    f"{word} is missed in {row['missed']} of {row['repetitions']} sequences of law {row['law']!r} "
                    f"whose mean is {row['mean']:g} of the bound, within {row['most']} runs."
                )
    for row in found["rates"]:
        matches = row["words"].get("MATCHES", 0)
        if row["true"] and row["cases"] - matches > limit(row["cases"], MISSED):
            yield f"the true rate is said to match in {matches} of {row['cases']} experiments only."
        if not row["true"] and matches > limit(row["cases"], WRONG_MATCHES):
            yield f"the wrong rate {row['law']!r} is said to match in {matches} of {row['cases']} experiments."
