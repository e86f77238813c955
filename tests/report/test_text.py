"""Text for the terminal: everything is said, fits the width, and colour changes no letter."""

from collections import Counter

import pytest

from ratecheck.report import text
from tests.report import made

RESULTS = made.document()["results"]


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_lines_fit_the_width_and_say_every_verdict(width):
    said = text.verdicts(RESULTS, width)
    assert max(map(len, said.splitlines())) <= width
    assert not any(line != line.rstrip() for line in said.splitlines())
    words = " ".join(said.split())
    for result in RESULTS:
        assert result["claim"] in words
        assert result["verdict"] in words
    assert "bound broken in 2 cells; the smallest M=4 K=1024: 0.0321 > 0.0148" in words


def test_a_claim_is_named_once_and_bad_news_is_told_in_full():
    lines = text.table(RESULTS, 120).splitlines()
    assert sum(made.CLAIM in line for line in lines) == 1
    body = " ".join(" ".join(lines).split())
    assert "nothing else" not in body  # what comes after the first semicolon of good news
    assert "0.0321 > 0.0148" in body


def test_details_count_what_is_there():
    facts = {f.name: f for f in text.facts(made.measured())}
    counts = Counter(c["verdict"] for c in made.measured()["details"]["cells"])
    assert all(f"{n} {verdict}" in facts["bound"].text for verdict, n in counts.items())
    assert facts["bound"].verdict == "HOLDS HERE"
    assert facts["rate"].verdict == "MATCHES"
    assert facts["tight"].text.startswith("4x loose at the tightest cell (M=4 K=256): this check would miss a bug that")
    assert "less than 1.05x" in facts["tight"].text
    assert "lemma1 along every run of 90 cells: residual at most 0.13" in facts["floats"].text


def test_why_a_cell_has_no_verdict_is_said():
    """A NOT REFUTED or INCONCLUSIVE cell is told with its reason, on the screen and not in the document alone."""
    result = made.measured()
    cells = result["details"]["cells"]
    cells[0] |= {"verdict": "NOT REFUTED", "reason": "HOLDS HERE is refused: no second moment"}
    cells[1] |= {"verdict": "INCONCLUSIVE", "reason": "one run in a cell: no variance estimate"}
    said = text.detail(result, 120)
    assert "open     1 cell: HOLDS HERE is refused: no second moment" in said
    assert "1 cell: one run in a cell: no variance estimate" in said


def test_the_witness_comes_first_with_its_numbers_and_replay():
    lines = text.detail(made.refuted(), 120, "ratecheck replay w.json").splitlines()
    assert lines[1].split()[:2] == ["broken", "REFUTED"]
    assert "check 'bound' on M 4, K 1024, sigma 0.0, output R1: lhs 0.0321, rhs 0.0148, ratio 2.17" in lines[2]
    assert lines[-1].split(maxsplit=1) == ["replay", "ratecheck replay w.json"]
    assert any("lemma1: residual 7e+09 times what rounding allows" in line for line in lines)


def test_reasons_are_grouped_up_to_numbers_and_lose_no_cell():
    cells = [{"verdict": "NOT APPLICABLE", "reason": f"K = {k} < M = 16"} for k in range(7)]
    cells += [{"verdict": "NOT APPLICABLE", "reason": f"reason {word}"} for word in "abcde"]
    cells += [{"verdict": "NOT APPLICABLE"}, {"verdict": "EXACT", "reason": "no"}]
    lines = text.reasons(cells)
    assert lines[0] == "7 cells, such as: K = 0 < M = 16"
    assert sum(int(line.split()[0]) for line in lines) == 13
    assert lines[-1] == "3 cells for 3 other reasons (see the page or --json)"
    assert len(text.reasons(cells, most=100)) == 7


def test_reasons_about_the_method_come_first_however_few_the_cells():
    cells = [{"verdict": "NOT APPLICABLE", "reason": f"reason {word}"} for word in "aaaabbbccd"]
    assert text.reasons(cells)[0] == "4 cells: reason a"
    cells.append({"verdict": "NOT APPLICABLE", "reason": "method 'cheat' knows", "about": "method"})
    assert text.reasons(cells)[:2] == ["1 cell: method 'cheat' knows", "4 cells: reason a"]


@pytest.mark.parametrize(
    ("tight", "said"),
    [
        ({"cell": "c", "factor": 2.0, "detectable": 1.0}, "attained, and any factor above 1 shows"),
        ({"cell": "c", "factor": 2.0, "master_factor": 1.3}, "less than 1.3x"),
        ({"cell": "c", "factor": 1234.5}, "1,230x loose"),
        ({"cell": "c", "factor": "inf"}, "no factor would have been seen"),
    ],
)
def test_the_honest_sentence(tight, said):
    assert said in text.tight_words(tight)


def test_a_broken_identity_is_not_called_zero():
    cases = [{"M": 2, "K": 3, "orders": 4, "residual": "1/2"}]
    assert text.case_words(cases).startswith("a residual is not 0 in all 4 arrival orders")


def test_colour_changes_no_letter_and_not_refuted_is_not_red():
    said = text.verdicts(RESULTS, 100) + "\nNOT REFUTED  NOT SLOWER"
    painted = text.paint(said)
    assert painted.plain == said

    def style_at(word):
        start = said.rindex(word)
        spans = [s for s in painted.spans if s.start <= start < s.end]
        return spans[-1].style

    assert style_at("NOT REFUTED") == style_at("NOT SLOWER") == "yellow"
    assert style_at("HOLDS HERE") == "green"
    assert painted.spans[0].start >= 0
    assert "bold red" in {s.style for s in painted.spans}


def test_nothing_yet_is_said_in_words():
    assert text.verdicts([]) == "no results yet"
    bare = {"claim": "c", "scenario": "s", "evidence": "monte-carlo", "verdict": "INCONCLUSIVE", "summary": "x"}
    assert text.detail(bare, 80) == "c: monte-carlo on s"


def test_a_plot_is_labelled_with_what_the_claim_bounds():
    """A theorem on gradient norms is not drawn as one on F(output) - F*."""
    from ratecheck.checks.summary import _quantity
    from ratecheck.core import shelf
    from ratecheck.report.captions import quantity

    found = {}
    for name in ("theorem3_convex", "theorem3_nonconvex"):
        told = _quantity(shelf.claim(f"mishchenko2022.{name}"))
        found[name] = quantity({**made.measured(), "details": {"quantity": told}})
    assert found["theorem3_convex"] == quantity(made.measured())
    assert found["theorem3_nonconvex"].words == "weighted mean of the squared gradient norm"
    assert r"\nabla" in found["theorem3_nonconvex"].symbol


def test_the_bound_has_its_own_verdict_where_an_identity_fails():
    result = made.measured()
    result["details"]["cells"][0] |= {"verdict": "REFUTED", "float_identities": {"lemma1": {"ratio": 7e9}}}
    result["verdict"] = "REFUTED"
    told = {(f.name, f.verdict): f.text for f in text.facts(result)}
    assert "REFUTED" not in told["bound", "HOLDS HERE"]
    assert told["floats", "REFUTED"].startswith("lemma1: residual 7e+09 times what rounding allows")
    result["details"]["cells"][0]["inequalities"]["conditional"]["verdict"] = "REFUTED"
    told = {(f.name, f.verdict): f.text for f in text.facts(result)}
    assert "1 REFUTED" in told["bound", "REFUTED"]


def test_identities_that_were_left_out_are_told():
    result = made.measured()
    result["details"]["lacking"] = {"method 'mine' has no 'u', which lemma1 speaks of": 3}
    assert "method 'mine' has no 'u', which lemma1 speaks of: not looked at in 3 cells" in text.detail(result, 120)
