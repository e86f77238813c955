"""A package of a third party tests its own optimiser with what the wheel installs, and sees a planted bug."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from tests.command import ROOT
from tests.repo.test_docs import BLOCK, commands, words
from tests.repo.test_packaging import run

pytestmark = pytest.mark.slow
TINY = Path(__file__).with_name("tiny")
PAGE = (ROOT / "docs" / "pytest.md").read_text()
GOOD = "return x - gamma * gradient"
BUG = "return 0.999 * x - gamma * gradient"


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder that both wheels are installed into, ours and the third party's."""
    folder = tmp_path_factory.mktemp("site")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "wheels"))
    sources = shutil.copytree(TINY, tmp_path_factory.mktemp("sources") / "tiny")
    assert run(*build, cwd=sources).returncode == 0
    (theirs,) = (folder / "wheels").glob("*.whl")
    pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(folder))
    done = run(*pip, str(wheel), str(theirs), cwd=folder)
    if done.returncode != 0 and "No module named pip" in done.stderr:
        pytest.skip("pip is not installed: the wheels cannot be installed")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def theirs(installed, tmp_path, wheel_cache):
    """Run a command as the third party does, in a folder that holds their tests and what they have not installed."""
    for name in ("test_tiny_sgd.py", "small.toml", "pyproject.toml"):
        shutil.copy(TINY / name, tmp_path)
    environment = {
        "PYTHONPATH": str(installed),
        "RATECHECK_CACHE": str(wheel_cache),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "",
    }
    return lambda *args, cwd=tmp_path: run(*args, cwd=cwd, **environment)


def test_a_good_optimiser_passes(theirs, installed, tmp_path):
    done = theirs(sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    (summary,) = re.findall(r"^tests of claims: .*", done.stdout, re.MULTILINE)
    assert f"\n{summary}\n" in PAGE
    assert not (tmp_path / ".ratecheck").exists(), "only runs of failing tests are kept"
    where = theirs(sys.executable, "-c", "import ratecheck, tiny_sgd; print(ratecheck.__file__, tiny_sgd.__file__)")
    assert all(path.startswith(str(installed)) for path in where.stdout.split()), "the wheels, and no checkout"


def test_a_planted_bug_is_reported_and_its_replay_reproduces_it(theirs, installed, tmp_path):
    text = (TINY / "tiny_sgd.py").read_text()
    assert GOOD in text
    (tmp_path / "tiny_sgd.py").write_text(text.replace(GOOD, BUG))  # before the installed one on the path
    done = theirs(sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    failure = re.search(r"^E .*(?:\nE .*)*", done.stdout, re.MULTILINE)[0]
    assert "ClaimViolated" in failure
    (residual,) = re.findall(r"lemma1 fails at step \d+ in .* residual (\S+),", failure)
    (replay,) = re.findall(r"replay: (ratecheck replay .*)", failure)
    (tmp_path / "elsewhere").mkdir()
    command = (str(installed / "bin" / "ratecheck"), *shlex.split(replay)[1:])
    again = theirs(sys.executable, *command, cwd=tmp_path / "elsewhere")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "reproduced to the last bit" in again.stdout
    (number,) = re.findall(r"residual = (\S+),", again.stdout)
    assert f"{float(number):.3g}" == residual
    assert words(shown("python -m pytest")) == words(anonymous(failure, tmp_path)), "docs/pytest.md shows the message"


def shown(command):
    """What the page shows below a command."""
    blocks = [text for kind, text in BLOCK.findall(PAGE) if kind == "console"]
    return next(below for text in blocks for _, line, below in commands(text) if line == command)


def anonymous(failure, folder):
    return failure.replace(f"{folder}/", "").replace(f"{folder}", "")


@pytest.mark.parametrize("name", sorted(p.name for p in TINY.glob("*.*")))
def test_the_page_shows_the_files_of_the_package(name):
    text = (TINY / name).read_text()
    blocks = [block for _, block in BLOCK.findall(PAGE)]
    assert text in blocks or f"# file: {name}\n{text}" in blocks
    assert not name.startswith("test_") or text.count("\n") < 20
    assert (GOOD in text) == (name == "tiny_sgd.py")


def test_the_page_says_what_the_planted_bug_is():
    assert BUG in PAGE
