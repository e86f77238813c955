"""The README and the pages of docs/ are run: a reader who types what they say gets what they show.

The blocks of a page run in its order, in one folder and one Python namespace:

- a block whose first line is ``# file: NAME`` is written to that file, and a .toml is read as a scenario;
- a ``python`` block is executed, and a ``text`` block right after it is what it prints;
- in a ``console`` block every line ``$ ratecheck ...`` goes through the command line, stars standing for files. The
  exit code is 0, or the one named by a comment ``# exit N``; the lines below it are what it prints (its error
  for exit code 2), cut at ``...``.

Numbers, names of runs and the breaking of lines are not compared: the last digits may depend on the processor.
``python -m tests.repo.test_docs`` writes the present outputs into the pages (not the README's, of the quick profile).
"""

import contextlib
import io
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import ratecheck
from ratecheck.checks import job
from ratecheck.core import scenario, symbols
from ratecheck.core.method import Arrival, Server
from ratecheck.core.verdict import Rate, Verdict
from ratecheck.engine.build import DERIVED
from ratecheck.engine.schedule import RULES
from tests.command import ROOT, here

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
#: pages of results, which take their time; the others say how something is done
RESULTS = {
    "attack.md", "digits.md", "findings.md", "levy2026.md", "mishchenko2022.md", "ormo.md", "selection.md",
    "stability.md",
}  # fmt: skip
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# file: (\S+)\n")
EXIT = re.compile(r"# exit (\d)")
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?")

#: the tables of a scenario file
MODELS = (scenario.Scenario, scenario.Exact, scenario.MonteCarlo, scenario.Simulation, scenario.Grid)

#: a few cells like those of the quick profile, which takes longer, with the same verdicts
SMALL = """
title = "Small"
exact = { cases = [[2, 5], [3, 5]], bounds = [[2, 3], [3, 3]] }
monte_carlo = { replicates = 256 }
[[grid]]
problem = [{ name = "quadratic", condition = 1e4 }, "asymmetric_abs"]
delays = { name = "exponential", spread = 8 }
M = [4, 8, 16]
K = [1024, 2048, 4096, 8192]
sigma = 0
[[grid]]
problem = { name = "quadratic", condition = 1e4 }
delays = { name = "exponential", spread = 8 }
M = [4, 8, 16]
K = [2048, 4096, 8192, 16384]
sigma = 10
"""


@dataclass
class Page:
    """A page being run: its folder, and the names its Python blocks have defined."""

    path: Path
    folder: Path
    names: dict[str, Any] = field(default_factory=dict)
    printed: str = ""

    def run(self) -> list[tuple[slice, str, str]]:
        """Run every block; return (place in the page, shown, printed) for each output that the page shows."""
        found = []
        for block in BLOCK.finditer(self.path.read_text()):
            kind, text = block.groups()
            for start, shown, printed in self.block(kind, text):
                begin = block.start(2) + start
                found.append((slice(begin, begin + len(shown)), shown, printed))
        return found

    def block(self, kind: str, text: str) -> Iterator[tuple[int, str, str]]:
        file = FILE.match(text)
        if file is not None:
            (self.folder / file[1]).write_text(text)
            if file[1].endswith(".toml"):
                scenario.load(self.folder / file[1])
        elif kind == "text" and self.printed:
            yield 0, text, self.printed
        elif kind == "console":
            for start, command, shown in commands(text):
                if command.startswith("ratecheck "):
                    yield start, shown, self.command(command)
        self.printed = self.python(text) if kind == "python" and file is None else ""

    def python(self, text: str) -> str:
        line = self.path.read_text().split(text)[0].count("\n")
        code = compile("\n" * line + text, str(self.path), "exec")  # a failure names the line of the page
        out = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out):
            exec(code, self.names)
        return out.getvalue()

    def command(self, line: str) -> str:
        given = [g for w in shlex.split(line, comments=True)[1:] for g in self.globbed(w)]
        ran = here(*given, folder=self.folder)
        told = EXIT.search(line)
        expected = int(told[1]) if told else 0
        assert ran.code == expected, f"{self.path.name}: {line}\n{ran.out}{ran.err}"
        printed = ran.err[ran.err.rfind("error: ") :] if ran.code == 2 else ran.out
        return printed.replace(f"{self.folder}/", "")

    def globbed(self, word: str) -> list[str]:
        """Return the files that a word with a star stands for, as a shell does."""
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.glob(word)) if "*" in word else [word]


def commands(text: str) -> list[tuple[int, str, str]]:
    """Return the commands of a console block, each with what is shown below it and where that begins."""
    assert text.startswith("$ "), f"a console block begins with a command: {text}"
    return [(m.start(2), m[1], m[2]) for m in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)]


def words(text: str) -> str:
    """Return the text with numbers, names of runs and line breaks made alike."""
    return " ".join(NUMBER.sub("#", RUN.sub("RUN", text)).split())


def said(shown: str, printed: str) -> bool:
    """Return whether a page shows what is printed, as far as it shows it."""
    whole, cut, _ = shown.partition("...\n")
    return words(printed).startswith(words(whole)) if cut else not whole.strip() or words(printed) == words(whole)


def skeleton(text: str) -> list[str]:
    """Return the kinds of evidence with their verdicts and the named findings, in the order printed."""
    verdicts = "|".join(sorted([v.word for v in Verdict] + [r.value for r in Rate], key=len, reverse=True))
    head = rf"^(?:.*  (?=exact|monte)|  (?=\w))(exact|monte-carlo|\w+(?: \w+)?)  *({verdicts})?(?!\S)"
    return [" ".join(filter(None, m.groups())) for m in re.finditer(head, text, re.MULTILINE)]


@pytest.fixture
def fewer_orders(monkeypatch):
    """Take the bounds of a claim over the orders of two steps fewer: a page's numbers are not compared."""
    check = job.every_order.check

    def shorter(name, claim, cases, *args, **more):
        return check(name, claim, [(workers, steps - 2) for workers, steps in cases], *args, **more)

    monkeypatch.setattr(job.every_order, "check", shorter)


@pytest.mark.usefixtures("fewer_orders")
@pytest.mark.parametrize(
    "path", [pytest.param(p, marks=[pytest.mark.slow] * (p.name in RESULTS)) for p in PAGES[1:]], ids=lambda p: p.name
)
def test_a_page_does_what_it_says(path, tmp_path):
    for _, shown, printed in Page(path, tmp_path).run():
        assert said(shown, printed), f"{path.name} shows\n{shown}\nand what is printed is\n{printed}"


def test_readme_shows_what_a_check_prints(tmp_path):
    (tmp_path / "small.toml").write_text(SMALL)
    (block,) = (text for kind, text in BLOCK.findall(README.read_text()) if kind == "console" and "ratecheck" in text)
    ((_, line, shown),) = commands(block)
    ran = here(*shlex.split(line)[1:], "--profile", "small.toml", folder=tmp_path)
    assert ran.code == 0
    assert skeleton(shown) == skeleton(ran.out)
    assert {"exact EXACT", "monte-carlo HOLDS HERE", "rate MATCHES", "floats"} <= set(skeleton(shown))


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(path):
    targets = [t.partition("#")[0] for _, t in LINK.findall(path.read_text()) if not t.startswith(("http", "#"))]
    assert [t for t in targets if not (path.parent / t).exists()] == []


def test_every_page_is_reached_from_the_readme():
    linked = {target for _, target in LINK.findall(README.read_text())}
    assert {f"docs/{p.name}" for p in PAGES[1:]} <= linked


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("verdicts.md", [v.word for v in Verdict] + [r.value for r in Rate]),
        ("scenarios.md", [f for model in MODELS for f in model.model_fields]),
        ("scenarios.md", [*DERIVED, *scenario.names(), *RULES]),
        ("own-theorem.md", [*symbols.MEASURED, *symbols.OF_SCHEDULE]),
        ("own-method.md", [*Server._fields, *Arrival._fields]),
        ("python.md", ratecheck.__all__),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_a_page_names_everything(page, names):
    text = (ROOT / "docs" / page).read_text()
    assert [n for n in names if not re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", text)] == []


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("EXACT 3 cells\n", "EXACT  12\ncells\n", True),
        ("EXACT 3 cells\n...\n", "EXACT 4 cells and more\n", True),
        ("EXACT 3 cells\n", "EXACT 3 cells and more\n", False),
        ("HOLDS HERE 3\n", "NOT REFUTED 3\n", False),
        ("REFUTED\n...\n", "NOT REFUTED\n", False),
        ("", "anything\n", True),
    ],
)
def test_a_wrong_output_is_noticed(shown, printed, same):
    assert said(shown, printed) is same


def test_a_failing_block_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    for text in ("```python\nassert False\n```\n", "```console\n$ ratecheck show nothing\n```\n"):
        page.write_text(text)
        with pytest.raises(AssertionError):
            Page(page, tmp_path).run()


def rewrite(paths: Sequence[Path]) -> None:
    """Write what the commands and the Python blocks print now into the pages."""
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            found = Page(path, Path(folder)).run()
        text = path.read_text()
        for place, shown, printed in reversed(found):
            if shown.strip():
                lines = RUN.sub("20261121-120000-1a2b", printed).rstrip("\n").split("\n")
                if "...\n" in shown:
                    lines = [*lines[: shown.partition("...\n")[0].count("\n")], "..."]
                now = "\n".join(line.rstrip() for line in lines) + "\n"
                text = text[: place.start] + now + text[place.stop :]
        path.write_text(text)


if __name__ == "__main__":
    rewrite([Path(p).resolve() for p in sys.argv[1:]] or PAGES[1:])
