"""The pytest plugin: options, the marker ``theorem``, the fixtures ``claim`` and ``rc_seed``, and a summary.

It is loaded with every pytest run of an environment that has ratecheck, so it imports next to nothing; what does the
work is imported when a test calls ``claim.check``. Every xdist worker collects the same tests and so finds the same
share of alpha; a fresh seed is drawn by the controller and handed to the workers.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ratecheck.testing import EVIDENCE_AT_RANDOM, PROPERTY, ClaimUnderTest, Options

#: false-alarm probability of a whole test run
ALPHA = 1e-3

OPTIONS = {
    "profile": ("NAME|FILE.toml", "scenario of tests that name none: quick (the default), standard, ..., or a file"),
    "seed": ("N|fresh", "seed of all claims (default: the scenario's), or a fresh one, which the header prints"),
    "alpha": ("A", f"false-alarm probability of the whole test run, shared by its theorem tests (default {ALPHA:g})"),
    "out": ("DIR", "folder in which runs of failing tests are kept, under .ratecheck/runs (default: rootdir)"),
}

MARKER = (
    "theorem(id, *, scenario, method, stepsize, evidence, replicates, require): the test is a statistical test of "
    "this claim, a name or FILE.py, which its fixture 'claim' checks"
)


@dataclass(frozen=True)
class Settings:
    """What the options say of the whole test run; ``seed`` None: that of each scenario."""

    profile: str
    seed: int | None
    alpha: float
    out: Path


SETTINGS = pytest.StashKey[Settings]()
#: how many collected tests share alpha
TESTS = pytest.StashKey[int]()
UNDER_TEST = pytest.StashKey[ClaimUnderTest]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare each option, and an ini value ``ratecheck_...`` for it."""
    group = parser.getgroup("ratecheck", "convergence theorems (ratecheck)")
    for name, (metavar, text) in OPTIONS.items():
        group.addoption(f"--ratecheck-{name}", metavar=metavar, help=text)
        parser.addini(f"ratecheck_{name}", text)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options. Raises UsageError with one sentence for a bad one."""
    config.addinivalue_line("markers", MARKER)
    worker: Mapping[str, Any] | None = getattr(config, "workerinput", None)
    seed = worker["ratecheck_seed"] if worker else _seed(_given(config, "seed")[0])
    config.stash[SETTINGS] = Settings(_profile(*_given(config, "profile")), seed, _alpha(_given(config, "alpha")[0]),
                                      _out(config, *_given(config, "out")))  # fmt: skip


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the seed to an xdist worker."""
    node.workerinput["ratecheck_seed"] = node.config.stash[SETTINGS].seed


def _given(config: pytest.Config, name: str) -> tuple[str | None, Path]:
    """Return an option as text, and the folder that a path in it is relative to."""
    text = config.getoption(f"ratecheck_{name}")
    if text is not None:
        return str(text), config.invocation_params.dir
    folder = config.inipath.parent if config.inipath else config.rootpath
    return str(config.getini(f"ratecheck_{name}") or "") or None, folder


def _profile(text: str | None, folder: Path) -> str:
    if text is None:
        return "quick"
    from ratecheck.core import scenario
    from ratecheck.errors import RatecheckError

    name = str(folder / text) if text.endswith(".toml") else text
    try:
        scenario.find(name)
    except RatecheckError as fault:
        raise pytest.UsageError(f"--ratecheck-profile: {fault}") from fault
    return name


def _seed(text: str | None) -> int | None:
    if text == "fresh":
        return secrets.randbits(32)
    if text is not None and not (text.isascii() and text.isdecimal()):
        raise pytest.UsageError(f"--ratecheck-seed takes a whole number from 0 on, or fresh; not {text!r}.")
    return None if text is None else int(text)


def _alpha(text: str | None) -> float:
    try:
        found = ALPHA if text is None else float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1:
        raise pytest.UsageError(f"--ratecheck-alpha takes a probability between 0 and 1, not {text!r}.")
    return found


def _out(config: pytest.Config, text: str | None, folder: Path) -> Path:
    found = config.rootpath if text is None else folder / text
    if found.exists() and not found.is_dir():
        raise pytest.UsageError(f"--ratecheck-out takes a folder, and {found} is none.")
    return found


def pytest_report_header(config: pytest.Config) -> str | None:
    """Print the seed when one is given or drawn: with it the same runs are made again."""
    seed = config.stash[SETTINGS].seed
    return None if seed is None else f"ratecheck: --ratecheck-seed {seed}"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Count the tests that share alpha: those left after any selection.

    Raises UsageError for a marked test that does not take the fixture: it would pass without having checked anything.
    """
    for item in session.items:
        if item.get_closest_marker("theorem") and "claim" not in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(f"{item.nodeid} is marked theorem and does not take the fixture 'claim'.")
    marks = [item.get_closest_marker("theorem") for item in session.items]
    kinds = [str(mark.kwargs.get("evidence") or EVIDENCE_AT_RANDOM) for mark in marks if mark]
    session.config.stash[TESTS] = sum(EVIDENCE_AT_RANDOM in kind for kind in kinds)


@pytest.fixture
def claim(request: pytest.FixtureRequest) -> ClaimUnderTest:
    """Return the claim of the test's ``theorem`` marker; its ``check`` runs it and raises ClaimViolated."""
    mark = request.node.get_closest_marker("theorem")
    if mark is None or len(mark.args) != 1:
        wanted = '@pytest.mark.theorem("mishchenko2022.lemma1")'
        pytest.fail(f"the fixture claim needs a marker such as {wanted}.", pytrace=False)
    try:
        options = Options.of(mark.kwargs)
    except ValueError as fault:
        pytest.fail(str(fault), pytrace=False)
    config: pytest.Config = request.config
    given, tests = config.stash[SETTINGS], max(1, config.stash[TESTS])
    found = ClaimUnderTest(
        str(mark.args[0]), options, request.path, given.profile, given.seed, given.alpha / tests, given.out
    )
    request.node.stash[UNDER_TEST] = found
    return found


@pytest.fixture
def rc_seed(request: pytest.FixtureRequest) -> int:
    """Return a seed (32 bits) of the test's own, from ``--ratecheck-seed`` and the test's name."""
    text = f"{request.config.stash[SETTINGS].seed}|{request.node.nodeid}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Keep what was found with the test's report; a test that ends well and has checked nothing fails."""
    under_test = item.stash.get(UNDER_TEST, None)
    try:
        yield
    finally:
        if under_test and under_test.found:
            item.user_properties.append((PROPERTY, json.dumps(under_test.found)))
    if under_test and not under_test.called:
        pytest.fail("nothing was tested: the test has not called claim.check().", pytrace=False)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print counts of verdicts, alpha a test, and what passed without a decision."""
    reports = [r for listed in terminalreporter.stats.values() for r in listed if getattr(r, "when", "") == "call"]
    found = {r.nodeid: json.loads(p[PROPERTY]) for r in reports if PROPERTY in (p := dict(r.user_properties))}
    if not found:
        return
    terminalreporter.section("ratecheck")
    counts = Counter(one["verdict"] for test in found.values() for one in test["results"])
    verdicts = ", ".join(f"{verdict} {n}" for verdict, n in sorted(counts.items()))
    alpha = min(test["alpha"] for test in found.values())
    terminalreporter.line(f"tests of claims: {len(found)}, alpha {alpha:.3g} each; verdicts: {verdicts}")
    seed = terminalreporter.config.stash[SETTINGS].seed
    if seed is not None:
        terminalreporter.line(f"seed {seed} (--ratecheck-seed {seed})")
    for nodeid, test in sorted(found.items()):
        for one in test["results"]:
            if one["verdict"] in ("NOT REFUTED", "INCONCLUSIVE"):
                terminalreporter.line(f"{nodeid}: {one['evidence']} {one['verdict']}: {one['summary']}")
