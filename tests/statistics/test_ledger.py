"""The evidence ledger: its arithmetic against the definition, what it finds over nights, and files that are damaged."""

from __future__ import annotations

import itertools
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratecheck.api import check
from ratecheck.checks.statistics.betting import against_at_most_one, gains_against_at_most_one
from ratecheck.core.ledger import Ledger, evidence, start
from ratecheck.core.scenario import Scenario
from ratecheck.core.verdict import Result, Verdict
from ratecheck.errors import RunError

ALPHA = 1e-3
#: sums of at most 1000 logarithms, relatively
ROUNDING = 1e-11

Bets = Mapping[str, Mapping[str, Sequence[float]]]


def result(bets: Bets, claim: str = "p.claim", alpha: float = ALPHA, verdict: Verdict = Verdict.NOT_REFUTED) -> Result:
    """Return a result with these log10 of each bet by cell and inequality; a cell without any had no look."""
    cells = []
    for digest, found in bets.items():
        cell: dict[str, Any] = {"digest": digest, "label": f"cell {digest}", "verdict": str(verdict)}
        if found:
            cell["inequalities"] = {n: {"log10_bets": list(b), "lhs": 1.0} for n, b in found.items()}
            cell["inequalities"]["exact"] = {"lhs": 0.5, "by": "moments"}  # an inequality without e-value
        cells.append(cell)
    details = {"alpha": alpha, "cells": cells}
    return Result(claim, "quick", "monte-carlo", verdict, "made up", details=details)


def one(*logs: float) -> Result:
    """Return a result with one test, one bet a number."""
    return result({"a": {"bound": logs}})


def night(ratios: np.ndarray) -> Result:
    """Return the result of one night from ratios (cells, runs)."""
    bets = gains_against_at_most_one(ratios).sum(axis=-1).T / math.log(10)
    return result({f"c{i}": {"bound": b.tolist()} for i, b in enumerate(bets)})


# arithmetic


def by_definition(nights: Sequence[Sequence[float]]) -> float:
    """Return E_t of one test from e-values (nights, bets), as the docstring of the module writes it."""
    t, bets = len(nights), len(nights[0])
    weight = [1 / (s * (s + 1)) for s in range(1, t + 1)]
    mixed = sum(
        sum(weight[s] * math.prod(night[b] for night in nights[s:]) for s in range(t)) / bets for b in range(bets)
    )
    return mixed + 1 - sum(weight)


def test_the_evidence_is_what_the_proof_says():
    rng = np.random.default_rng(0)
    values = rng.lognormal(size=(7, 3, 4))
    found = evidence(np.log10(values))
    for t, test in itertools.product(range(7), range(3)):
        assert 10 ** found[t, test] == pytest.approx(by_definition(values[: t + 1, test].tolist()), rel=ROUNDING)


@pytest.mark.parametrize("law", [[(0.0, 0.5), (2.0, 0.5)], [(0.2, 0.9), (8.2, 0.1)]])
def test_the_evidence_has_expectation_one(law):
    """Exact: all sequences of four nights of fair bets. A bet that was lost altogether stays lost."""
    total = np.zeros(4)
    for nights in itertools.product(law, repeat=4):
        values = np.array([[[v, 1 + (v - 1) / 2]] for v, _ in nights])
        with np.errstate(divide="ignore"):
            total += math.prod(p for _, p in nights) * 10.0 ** evidence(np.log10(values))[:, 0]
    assert total == pytest.approx(np.ones(4), rel=ROUNDING)


def test_nights_that_were_clean_do_not_hide_a_fault():
    """After 50 nights at 10^-9 the plain product is at 10^-450; the ledger needs the fault's 10^6 and its share."""
    logs = np.array([[[-9.0]]] * 50 + [[[1.0]]] * 10)
    found = evidence(logs)[:, 0]
    assert logs.sum() < -400
    assert 10 - math.log10(51 * 52) < found[-1] < 10 - math.log10(51 * 52) + 0.1
    assert start(logs[:, 0]) == 50
    assert found[:50].max() < 0
    assert start(np.array([[-0.1], [1.0], [1.0]])) == 0  # the second night has a third of the first one's capital


def test_huge_and_tiny_evidence_stays_finite():
    logs = np.array([[[1e5, -1e5], [-1e5, -1e5]]] * 30)
    found = evidence(logs)
    assert np.isfinite(found).all()
    assert found[-1] == pytest.approx([3e6, -math.log10(31)], rel=1e-6)


# verdicts


@pytest.mark.parametrize(("e", "verdict"), [(2000.0, Verdict.REFUTED), (1998.0, Verdict.NOT_REFUTED)])
def test_refuted_at_one_over_alpha(tmp_path, e, verdict):
    """After one night the evidence is e/2 + 1/2: 1/alpha = 1000 is passed at e = 1999."""
    ledger = Ledger.open(tmp_path / "l.jsonl")
    ledger.add([one(math.log10(e))], seed=1)
    (found,) = ledger.standings()
    assert (found.verdict, found.runs, found.tests) == (verdict, 1, 1)
    assert 10**found.mean == pytest.approx(e / 2 + 1 / 2)


def test_tests_and_claims_share_alpha(tmp_path):
    """Four tests, two claims: the mean over the four must reach 2/alpha, and one that reaches 8/alpha is named."""
    for e, verdict in ((16_100.0, Verdict.REFUTED), (15_900.0, Verdict.NOT_REFUTED)):
        ledger = Ledger.open(tmp_path / f"{e}.jsonl")
        flat = [math.log10(1e-9)]
        bets = {"a": {"bound": flat, "master": flat}, "b": {"bound": flat, "master": [math.log10(e)]}}
        ledger.add([result(bets), result({"a": {"bound": [0.0]}}, claim="p.other")], seed=1)
        found, other = ledger.standings()
        assert found.verdict is verdict
        assert other.verdict is Verdict.NOT_REFUTED
        assert found.needed_there == pytest.approx(math.log10(8000))
        assert (found.label, found.inequality) == ("cell b", "master")
        assert (found.largest >= found.needed_there) == (verdict is Verdict.REFUTED)


def test_a_verdict_stays(tmp_path):
    """Ville's bound is about ever reaching 1/alpha; clean nights later take nothing back."""
    ledger = Ledger.open(tmp_path / "l.jsonl")
    ledger.add([one(5.0)], seed=1)
    for seed in range(2, 9):
        ledger.add([one(-3.0)], seed)
    (found,) = ledger.standings()
    assert found.verdict is Verdict.REFUTED
    assert (found.runs, found.since) == (8, 1)


def test_a_seed_counts_once(tmp_path):
    """Ten copies of one night are one night, through add, and through a file to which somebody copied lines."""
    path = tmp_path / "l.jsonl"
    ledger = Ledger.open(path)
    for _ in range(10):
        ledger.add([one(0.6)], seed=7)
    path.write_bytes(path.read_bytes() * 10)
    (copied,) = Ledger.open(path).standings()
    assert copied == ledger.standings()[0]
    assert (copied.runs, copied.verdict) == (1, Verdict.NOT_REFUTED)
    for seed in range(100, 109):  # the control: with seeds of their own they are ten nights
        ledger.add([one(0.6)], seed)
    (fresh,) = ledger.standings()
    assert (fresh.runs, fresh.verdict) == (10, Verdict.REFUTED)


def test_the_first_result_of_a_seed_stays(tmp_path):
    """Else one could repeat a night until it looks as it should."""
    ledger = Ledger.open(tmp_path / "l.jsonl")
    assert ledger.add([one(0.5)], seed=7) == ["p.claim"]
    assert ledger.add([one(9.0)], seed=7) == []
    assert Ledger.open(tmp_path / "l.jsonl").standings()[0].largest == pytest.approx(math.log10(10**0.5 / 2 + 1 / 2))


@pytest.mark.statistical
@pytest.mark.parametrize("factor", [1.0, 1.5, 3.0])
def test_a_planted_cell_is_found_over_nights(tmp_path, factor):
    """36 exponential cells, 8 runs a night, through files; the control is false with probability ALPHA at most.

    Three times the bound comes after 20 nights far below it, and is found too.
    """
    rng, path = np.random.default_rng(11), tmp_path / "l.jsonl"
    seeds = rng.permutation(10_000)[:40].tolist()
    alone = 0
    for i, seed in enumerate(seeds):
        ratios = rng.exponential(size=(36, 8))
        ratios[17] *= 0.02 if factor == 3 and i < 20 else factor
        alone += against_at_most_one(ratios[17]) >= math.log(36 / ALPHA)
        Ledger.open(path).add([night(ratios)], seed)
    (found,) = Ledger.open(path).standings()
    assert found.runs == 40
    if factor == 1:
        assert found.verdict is Verdict.NOT_REFUTED
        return
    assert found.verdict is Verdict.REFUTED
    assert found.largest >= found.needed_there
    assert found.label == "cell c17"
    assert alone <= 2  # hardly a night shows it by itself
    if factor == 3:
        assert seeds.index(found.since) in range(18, 23)


def test_words(tmp_path):
    ledger = Ledger.open(tmp_path / "l.jsonl")
    ledger.add([one(1.0)], seed=5, files={"mine.py": "00aa"})
    assert str(ledger.standings()[0]) == (
        "NOT REFUTED after 1 run: mean evidence 10^0.7 of 10^3.0 needed over 1 tests; "
        "largest 10^0.7 of 10^3.0, bound in cell a, since seed 5"
    )
    ledger.add([one(9.0)], seed=6, files={"mine.py": "11bb"})
    assert str(ledger.standings()[0]).startswith("REFUTED after 2 runs: ")
    assert str(ledger.standings()[0]).endswith("; 2 versions of the code")


SMALL = {
    "title": "small", "monte_carlo": {"replicates": 8},
    "grid": [{"problem": [{"name": "quadratic", "dimension": 2}, "huber"], "delays": "exponential", "M": 2,
              "K": [64, 128], "sigma": [0, 1.0]}],
}  # fmt: skip


def test_checks_fill_a_ledger(tmp_path):
    """Sampled cells are its tests: not those without noise, nor those of exact moments. A seed again adds nothing."""
    path = tmp_path / "l.jsonl"
    scenario = Scenario.model_validate(SMALL)
    for seed in (11, 12, 11):
        (found,) = check("mishchenko2022.theorem3_convex", scenario, evidence="monte-carlo", seed=seed)
        Ledger.open(path).add([found], seed)
    (standing,) = Ledger.open(path).standings()
    sampled = [i for c in found.details["cells"] for i in c["inequalities"].values() if "log10_e" in i]
    assert (standing.runs, standing.tests, standing.verdict) == (2, len(sampled), Verdict.NOT_REFUTED)
    for i in sampled:  # the e-value of the check is the mean of its bets
        assert 10 ** i["log10_e"] == pytest.approx(np.mean(10.0 ** np.array(i["log10_bets"])), rel=ROUNDING)
    assert len(sampled) == 6
    assert standing.label.startswith("M=2 K=")


# runs that do not belong


A_TEST = {"a": {"bound": [0.1, 0.2]}}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (result(A_TEST, alpha=0.05), "alpha is 0.05 and was 0.001 in the first run"),
        (result(A_TEST, claim="p.new"), "claim p.new was not in the first run"),
        (result({"b": {"bound": [0.1, 0.2]}}), "cell cell b: bound was not tested so in the first run"),
        (result({"a": {"master": [0.1, 0.2]}}), "cell cell a: master was not tested so in the first run"),
        (result({"a": {"bound": [0.1]}}), "cell cell a: bound was not tested so in the first run"),
    ],
)
def test_another_question_is_refused(tmp_path, other, why):
    path = tmp_path / "l.jsonl"
    Ledger.open(path).add([result(A_TEST)], seed=1)
    before = path.read_bytes()
    for seed in (1, 2):
        with pytest.raises(RunError, match=rf"^this run does not belong to the ledger .*{why}.*start a new ledger\.$"):
            Ledger.open(path).add([result(A_TEST), other] if other.claim == "p.new" else [other], seed)
    assert path.read_bytes() == before
    joined = tmp_path / "joined.jsonl"
    Ledger.open(tmp_path / "m.jsonl").add([other], seed=3)
    joined.write_bytes(before + (tmp_path / "m.jsonl").read_bytes())
    with pytest.raises(RunError, match=f"joined.jsonl, line 2: .*{why}"):
        Ledger.open(joined)


def test_ledgers_of_two_machines_may_be_joined(tmp_path):
    logs = [0.3, -0.2, 0.5, 0.4]
    for seed, log in enumerate(logs):
        Ledger.open(tmp_path / f"{seed % 2}.jsonl").add([one(log)], seed)
    joined = tmp_path / "joined.jsonl"
    joined.write_bytes((tmp_path / "0.jsonl").read_bytes() + (tmp_path / "1.jsonl").read_bytes())
    whole = Ledger.open(tmp_path / "whole.jsonl")
    for seed in (0, 2, 1, 3):
        whole.add([one(logs[seed])], seed)
    assert Ledger.open(joined).standings() == whole.standings()


def test_a_night_that_was_stopped_keeps_what_there_was(tmp_path):
    ledger = Ledger.open(tmp_path / "l.jsonl")
    ledger.add([result({"a": {"bound": [0.5]}, "b": {"bound": [0.1]}})], seed=1)
    ledger.add([result({"a": {"bound": [0.5]}, "b": {}}, verdict=Verdict.INCONCLUSIVE)], seed=2)
    (found,) = ledger.standings()
    assert found.runs == 2
    there, kept = 10 / 2 + 10**0.5 / 6 + 1 / 3, 10**0.1 / 2 + 1 / 6 + 1 / 3
    assert (10**found.largest, 10**found.mean) == pytest.approx((there, (there + kept) / 2))


def test_the_first_run_must_be_whole(tmp_path):
    path = tmp_path / "l.jsonl"
    stopped = result({"a": {"bound": [0.5]}, "b": {}}, verdict=Verdict.INCONCLUSIVE)
    never = Result("p.claim", "quick", "monte-carlo", Verdict.INCONCLUSIVE, "stopped before it was done")
    for early, where in ((stopped, "cell cell b of p.claim"), (never, "p.claim")):
        with pytest.raises(RunError, match=f"it was stopped before a look at {where}"):
            Ledger.open(path).add([early], seed=1)
    left_out = result({"a": {"bound": [0.5]}, "b": {}}, verdict=Verdict.NOT_APPLICABLE)
    assert Ledger.open(path).add([left_out], seed=1) == ["p.claim"]


def test_a_run_without_e_values_has_nothing_to_say(tmp_path):
    path = tmp_path / "l.jsonl"
    exact = Result("p.claim", "quick", "exact", Verdict.EXACT, "not simulated")
    for nothing in ([], [exact], [result({"a": {}})]):
        with pytest.raises(RunError, match="nothing in this run can enter the ledger"):
            Ledger.open(path).add(nothing, seed=1)
    assert not path.exists()
    assert Ledger.open(path).standings() == []


# files that are not as they should be


def three_nights(path: Path) -> list[bytes]:
    for seed in (1, 2, 3):
        Ledger.open(path).add([one(0.1 * seed)], seed)
    return path.read_bytes().splitlines(keepends=True)


def test_a_torn_last_line_is_left_out_wherever_it_ends(tmp_path):
    """A job killed while it wrote: what is there counts, and the next run goes on behind it."""
    path = tmp_path / "l.jsonl"
    lines = three_nights(path)
    two = Ledger(path, Ledger.open(path).lines[:2]).standings()
    whole = Ledger.open(path).standings()
    for cut in range(0, len(lines[2]), 7):
        path.write_bytes(b"".join(lines[:2]) + lines[2][:cut])
        ledger = Ledger.open(path)
        assert ledger.standings() == two
        assert ledger.add([one(0.1 * 3)], seed=3) == ["p.claim"]
        assert Ledger.open(path).standings() == whole


@pytest.mark.parametrize("harm", [lambda line: line[:-9] + b"\n", lambda line: line.replace(b"0.2", b"0.9"),
                                  lambda line: b"\n", lambda line: b"\xff\xfe" + line])  # fmt: skip
def test_another_damaged_line_is_told(tmp_path, harm):
    path = tmp_path / "l.jsonl"
    lines = three_nights(path)
    assert harm(lines[1]) != lines[1]
    path.write_bytes(lines[0] + harm(lines[1]) + lines[2])
    with pytest.raises(RunError, match=r"l\.jsonl, line 2: it is damaged; restore the file, or start a new ledger\."):
        Ledger.open(path)


def test_a_later_format_is_told(tmp_path):
    path = tmp_path / "l.jsonl"
    _, _, text = three_nights(path)[0].partition(b" ")
    later = json.dumps({**json.loads(text), "format": 99}).encode()
    path.write_bytes(f"{zlib.crc32(later):08x} ".encode() + later + b"\n")
    with pytest.raises(RunError, match="line 1: it has format 99; use the version of ratecheck that wrote it"):
        Ledger.open(path)


def test_a_first_run_killed_between_two_claims_goes_on(tmp_path):
    path = tmp_path / "l.jsonl"
    both = [one(0.1), result({"x": {"bound": [0.2]}}, claim="p.other")]
    Ledger.open(path).add(both, seed=1)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert Ledger.open(path).add(both, seed=2) == ["p.claim", "p.other"]
    assert [(s.claim, s.runs) for s in Ledger.open(path).standings()] == [("p.claim", 2), ("p.other", 1)]
    assert {s.needed for s in Ledger.open(path).standings()} == {math.log10(2 / ALPHA)}


def test_a_place_that_is_no_file_is_told(tmp_path):
    with pytest.raises(RunError, match="cannot be read: Is a directory; a ledger is a file"):
        Ledger.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot be written: (Not a directory|File exists); a ledger is a file\.$"):
        Ledger(tmp_path / "file" / "l.jsonl").add([one(0.1)], seed=1)
