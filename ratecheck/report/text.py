"""Verdicts for the terminal: a table of all results, and what each measurement found, in lines that fit the screen.

Plain text says everything; ``paint`` adds colour to it on a terminal and changes no letter.
"""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ratecheck.core.verdict import Rate, Verdict
from ratecheck.report import tables
from ratecheck.report.attack import searched
from ratecheck.report.captions import slope_words
from ratecheck.report.orders import bound_words, case_words
from ratecheck.report.tables import Result, digits, number

if TYPE_CHECKING:
    from rich.text import Text

NAME = 9  #: columns for the name of a fact
NARROW = 36  #: a summary narrower than this goes on lines of its own
MANY = 4  #: kinds of reasons told one by one
#: what a reader of the table must know who finds REFUTED in it
AS_DECLARED = "(as declared): the claim's own file says that it is false, so a refutation is no surprise"


class Fact(NamedTuple):
    """One finding: its name, the verdict on it ('' when it is none), and a sentence."""

    name: str
    verdict: str
    text: str


def verdicts(results: Sequence[Result], width: int | None = None) -> str:
    """Return the table of all results and below it the details of the measured and the broken ones."""
    width = width or columns()
    blocks = [table(results, width)]
    if any(_as_declared(r) for r in results):
        blocks += ["\n".join(textwrap.wrap(AS_DECLARED, width))]
    blocks += [detail(r, width) for r in results if tables.cells(r) or r.get("witness")]
    return "\n\n".join(blocks)


def columns() -> int:
    """Return the columns of the terminal, between 60 and 120; 100 where stdout is none."""
    return min(120, max(60, shutil.get_terminal_size((100, 24)).columns)) if sys.stdout.isatty() else 100


def table(results: Sequence[Result], width: int | None = None) -> str:
    """Return one entry a result: claim (said once), evidence, verdict, the first clause of the summary."""
    width = width or columns()
    if not results:
        return "no results yet"
    order = list(dict.fromkeys(r["claim"] for r in results))
    rows = [("claim", "evidence", "verdict", "")]
    for claim in order:
        for i, r in enumerate(r for r in results if r["claim"] == claim):
            rows.append((claim if i == 0 else "", r["evidence"], r["verdict"], _short(r)))
    sizes = [max(len(row[i]) for row in rows) for i in range(3)]
    indent = sum(sizes) + 6
    lines = []
    for row in rows:
        head = "  ".join(f"{cell:<{size}}" for cell, size in zip(row, sizes, strict=False))
        if width - indent >= NARROW:
            body = textwrap.wrap(row[3], width - indent) or [""]
            lines += [f"{head}  {body[0]}", *(" " * indent + line for line in body[1:])]
        else:
            lines += [head, *textwrap.wrap(row[3], width, initial_indent="    ", subsequent_indent="    ")]
    return "\n".join(line.rstrip() for line in lines)


def detail(result: Result, width: int | None = None, replay: str | None = None) -> str:
    """Return what one result found, line by line; ``replay`` is the command that reproduces its witness."""
    width = width or columns()
    details = result.get("details", {})
    terms = [f"alpha {details['alpha']:g}"] if "alpha" in details else []
    terms += [f"kappa {digits(value)} {source}" for source, value in sorted(details.get("kappa", {}).items())]
    terms += [f"seed {details['seed']}"] if "seed" in details else []
    where = f"{result['evidence']} on {result['scenario']}" + (f" ({', '.join(terms)})" if terms else "")
    lines = textwrap.wrap(f"{result['claim']}: {where}", width)
    found = [*facts(result), *([Fact("replay", "", replay)] if replay else [])]
    mark = max((len(f.verdict) for f in found if len(f.text) > 0), default=0)
    for name, verdict, text in found:
        head = f"  {name:<{NAME}}{verdict:<{mark}}  " if verdict else f"  {name:<{NAME}}"
        body = textwrap.wrap(text, width - len(head), break_long_words=False, break_on_hyphens=False) or [""]
        lines += [head + body[0], *(" " * len(head) + line for line in body[1:])]
    return "\n".join(line.rstrip() for line in lines)


def facts(result: Result, most: int = MANY) -> list[Fact]:
    """Return the findings of one result, in the order of their weight; those that it has not are left out.

    At most ``most`` reasons why cells are NOT APPLICABLE are told one by one.
    """
    kinds: dict[str, Callable[[], Iterable[Fact]]] = {
        "monte-carlo": lambda: _measured(result, most), "symbolic": lambda: _derived(result),
        "attack": lambda: (Fact(n, "", t) for n, t in searched(result.get("details", {}))),
    }  # fmt: skip
    return [*_broken(result), *kinds.get(result["evidence"], lambda: _exact(result))()]


def paint(text: str) -> Text:
    """Return the same text with the verdicts coloured, for a rich Console."""
    from rich.text import Text

    painted = Text(text)
    words = {v.word: v for v in Verdict} | {r.value: r for r in Rate}
    for word in sorted(words, key=len):  # 'REFUTED' before 'NOT REFUTED', so that the longer one has the last say
        painted.highlight_regex(rf"(?<!\w){re.escape(word)}(?!\w)", _style(words[word]))
    return painted


def _style(verdict: Verdict | Rate) -> str:
    if isinstance(verdict, Rate):
        return {"SLOWER": "bold red", "MATCHES": "green", "FASTER": "green"}.get(verdict.value, "yellow")
    if verdict.negative:
        return "bold red"
    return "green" if verdict.strength >= Verdict.HOLDS_HERE.strength else "yellow"


def _short(result: Result) -> str:
    """Return the summary up to the first semicolon; all of it when the verdict is bad or says nothing."""
    verdict = Verdict.from_word(result["verdict"])
    whole = verdict.negative or not verdict.measured
    text = result["summary"] if whole else result["summary"].split(";")[0]
    if _as_declared(result):
        text = f"(as declared) {text}"
    elif result.get("expected") == "refuted":
        text = f"(declared false, not refuted by this) {text}"
    return str(text)


def _as_declared(result: Result) -> bool:
    return result.get("expected") == "refuted" and Verdict.from_word(result["verdict"]).negative


def _measured(result: Result, most: int) -> Iterator[Fact]:
    details, cells = result.get("details", {}), tables.cells(result)
    own = [tables.of_bound(c) for c in cells]
    counts = Counter(own)
    if cells:
        verdict = Verdict.weakest(map(Verdict.from_word, own), exact_is_neutral=True)
        said = ", ".join(f"{n} {v}" for v, n in sorted(counts.items(), key=lambda one: -one[1]))
        usable = [c for c in tables.measured(result) if tables.of_bound(c) != "VACUOUS"]
        ratios = [(1 / f, c["label"]) for c in usable if (f := tables.factor(c))]
        pick, word = (min, "smallest") if tables.from_below(result) else (max, "largest")
        worst = pick(ratios, default=None)
        yield Fact("bound", str(verdict), f"{_cells(len(cells))}: {said}"
                   + (f"; {word} measured/bound {digits(worst[0])} ({worst[1]})" if worst else ""))  # fmt: skip
    yield from _rate(details.get("rate", {}))
    yield from _coefficients(details)
    if details.get("tight") and not Verdict.from_word(result["verdict"]).negative:
        yield Fact("tight", "", tight_words(details["tight"]))
    if "warning" in details:
        found = details["warning"]
        yield Fact("warning", "", f"{found['cell']}: the mean is {digits(found['ratio'])}x its bound, p = "
                   f"{found['p']:.2g} over all cells, approximate; more runs will tell")  # fmt: skip
    yield from _floats(cells)
    lacking = details.get("lacking", {}).items()
    yield from (Fact("floats", "", f"{why}: not looked at in {_cells(n)}") for why, n in lacking)
    yield from (Fact("open", "", text) for text in reasons(cells, most, ("NOT REFUTED", "INCONCLUSIVE")))
    yield from (Fact("forced", "", f"{_cells(n)}: {why}") for why, n in details.get("forced", {}).items())
    yield from (Fact("left out", "", text) for text in reasons(cells, most))
    if "precision" in details:
        yield Fact("work", "", "{runs:,} runs, {steps:,} server steps".format(**details["precision"]))


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _rate(rate: Mapping[str, Any]) -> Iterator[Fact]:
    if "verdict" not in rate:
        return
    slopes = rate.get("slopes", ())
    if not slopes:
        why = rate.get("reason") or "no series spans enough of K or M to tell a slope"
        yield Fact("rate", rate["verdict"], why)
        return
    intro = f"slopes of measured/bound by branch of the stepsize; 0 is the theorem's, margin {rate['margin']:g}:"
    yield Fact("rate", rate["verdict"], intro)
    yield from (Fact("", "", slope_words(s)) for s in slopes)
    if rate.get("reason"):
        yield Fact("", "", rate["reason"])


def _coefficients(details: Mapping[str, Any]) -> Iterator[Fact]:
    """Say how much of each term of the bound the error carries, and whether another law describes it better."""
    fitted = [c for c in details.get("coefficients", ()) if c["terms"]]
    for i, one in enumerate(fitted):
        parts = [f"{digits(t['value'])} +- {digits(t['se'], 2)} of {n}" for n, t in one["terms"].items()]
        yield Fact("" if i else "terms", "", f"{one['problem']} {one['output']}: {', '.join(parts)}")
    by_words: dict[str, list[str]] = {}
    for one in details.get("rivals", ()):
        by_words.setdefault(one["words"], []).append(one["rival"])
    said = [f"against {', '.join(laws)}: {words}" for words, laws in by_words.items()]
    if said:
        yield Fact("rivals", "", "; ".join(said))


def tight_words(tight: Mapping[str, Any]) -> str:
    """Return the honest sentence: how large an error this check would have missed, and where."""
    factor = number(tight.get("factor"))
    if factor is None:
        return "the measured error is zero: no factor would have been seen in the bound"
    missed = number(tight.get("missed"))
    seen = f"less than {digits(missed)}x" if missed is not None else "any factor below a million"
    text = (
        f"{digits(factor)}x loose at the tightest cell ({tight.get('cell', 'not named')}): this check would miss a bug "
        f"that inflates the error by {seen}"
    )
    sharper = number(tight.get("detectable", tight.get("master_factor")))
    if sharper is not None and sharper < 1.0005:
        text += "; the master inequality is attained, and any factor above 1 shows there"
    elif sharper is not None:
        text += f"; in the master inequality, one that inflates its left side by less than {digits(sharper, 4)}x"
    return text


def _floats(cells: Sequence[Mapping[str, Any]]) -> Iterator[Fact]:
    worst: dict[str, tuple[float, str, int]] = {}
    for cell in cells:
        for name, one in cell.get("float_identities", {}).items():
            ratio = number(one.get("ratio"))
            ratio = float("inf") if ratio is None else ratio
            top, label, count = worst.get(name, (-1.0, "", 0))
            worst[name] = (ratio, cell["label"], count + 1) if ratio > top else (top, label, count + 1)
    for name, (ratio, label, count) in worst.items():
        if ratio <= 1:
            text = f"{name} along every run of {count} cells: residual at most {ratio:.2g} of what rounding allows"
            yield Fact("floats", "", text)
        else:
            yield Fact("floats", "REFUTED", f"{name}: residual {ratio:.3g} times what rounding allows, in {label}")


def reasons(cells: Sequence[Mapping[str, Any]], most: int = MANY,
            verdicts: Sequence[str] = ("NOT APPLICABLE",)) -> list[str]:  # fmt: skip
    """Return why cells have one of these verdicts, one sentence a kind of reason (equal up to numbers), with counts.

    Those about the method come first, then those of most cells.
    """
    kinds: dict[tuple[bool, str], list[str]] = {}
    for cell in cells:
        if cell["verdict"] in verdicts and (cell.get("reason") or cell["verdict"] == "NOT APPLICABLE"):
            reason = str(cell.get("reason") or "no reason given")
            kind = re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "#", reason)
            kinds.setdefault((cell.get("about") != "method", kind), []).append(reason)
    ordered = [kinds[kind] for kind in sorted(kinds, key=lambda kind: (kind[0], -len(kinds[kind])))]
    lines = []
    for found in ordered[:most]:
        example = ":" if len(set(found)) == 1 else ", such as:"
        lines.append(f"{len(found)} cell{'s' if len(found) > 1 else ''}{example} {found[0].rstrip('.')}")
    if len(ordered) > most:
        rest = sum(map(len, ordered[most:]))
        others = f"{len(ordered) - most} other reason{'s' if len(ordered) > most + 1 else ''}"
        lines.append(f"{rest} cell{'s' if rest > 1 else ''} for {others} (see the page or --json)")
    return lines


def _exact(result: Result) -> Iterator[Fact]:
    details = result.get("details", {})
    for kind, word in (("identities", "identity"), ("counting", "counting")):
        for one in details.get(kind, ()):
            yield Fact(word, one.get("verdict", ""), f"{one['name']}: {case_words(one['cases'])}")
    for one in details.get("stability", ()):
        yield Fact("stable", one["verdict"], f"{one['name']}: {'; '.join(c['words'] for c in one['cases'])}")
    yield from (Fact("bounds", "", bound_words(case)) for case in details.get("bounds", ()))
    if not any(details.get(kind) for kind in ("identities", "counting", "stability")):
        yield Fact("exact", result["verdict"], result["summary"])


def _derived(result: Result) -> Iterator[Fact]:
    """Say what is derived and what is not; the steps are printed by ``ratecheck show``."""
    yield Fact("steps", result["verdict"], result["summary"])
    yield from (Fact("note", "", note) for note in result.get("details", {}).get("notes", ()))


def _broken(result: Result) -> Iterator[Fact]:
    witness = result.get("witness")
    if not witness:
        return
    if result["evidence"] in ("monte-carlo", "attack"):
        yield Fact("broken", result["verdict"], result["summary"])
    cell, found = dict(witness.get("cell", {})), dict(witness.get("found", {}))
    names = ("M", "K", "sigma", "output", "method", "stepsize", "scheduler", "order")
    text = ", ".join(f"{n} {cell[n]}" for n in names if cell.get(n) is not None)
    values = ", ".join(f"{k} {_digits(v)}" for k, v in found.items() if k != "verdict")
    yield Fact("witness", "", f"check {witness.get('check')!r} on {text}: {values}")


def _digits(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
