"""The wheel carries the package, the theorems and the scenarios, and works from any folder without a checkout."""

import importlib.util
import os
import subprocess
import sys
import zipfile

import pytest

from tests.command import ROOT

pytestmark = pytest.mark.slow
THEOREMS = {p.relative_to(ROOT / "proofs").as_posix() for p in (ROOT / "proofs").rglob("*.py")}
SCENARIOS = {p.relative_to(ROOT / "scenarios").as_posix() for p in (ROOT / "scenarios").rglob("*.*")}


def run(*args, cwd, **env):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(args, cwd=cwd, env={**kept, **env}, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the sources without the network."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed (it is in the extra 'dev'): no wheel can be built")
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel):
    names = {n for n in zipfile.ZipFile(wheel).namelist() if not n.endswith("/")}
    assert {n.split("/")[0].split("-")[0] for n in names} == {"ratecheck"}, "one package and its dist-info"
    assert THEOREMS
    assert {"quick.toml"} < SCENARIOS
    assert any(s.startswith("traces/") for s in SCENARIOS)
    assert {f"ratecheck/proofs/{t}" for t in THEOREMS} <= names
    assert {f"ratecheck/scenarios/{s}" for s in SCENARIOS} <= names
    sources = {p.relative_to(ROOT).as_posix() for p in (ROOT / "ratecheck").rglob("*") if p.is_file()}
    assert {s for s in sources if "__pycache__" not in s} <= names, "modules, the page's template, py.typed"
    assert "ratecheck/py.typed" in names
    assert any(n.endswith(".j2") for n in names)
    assert not any("tests" in n.split("/")[:-1] or n.split("/")[-1].startswith("test_") for n in names)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder the wheel is installed into; the packages it depends on are those of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(folder))
    done = run(*pip, str(wheel), cwd=folder)
    if done.returncode != 0 and "No module named pip" in done.stderr:
        pytest.skip("pip is not installed: the wheel cannot be installed")
    assert done.returncode == 0, done.stderr
    return folder


SCRIPT = "import sys; sys.argv[0] = 'ratecheck'; from ratecheck.cli import main; main()"


def test_an_installed_wheel_lists_and_checks_the_same_claims_from_a_foreign_folder(installed, tmp_path, wheel_cache):
    environment = {"PYTHONPATH": str(installed), "RATECHECK_CACHE": str(wheel_cache)}
    here = run(sys.executable, "-c", SCRIPT, "list", "--json", cwd=ROOT, PYTHONPATH=str(ROOT))
    there = run(sys.executable, "-c", SCRIPT, "list", "--json", cwd=tmp_path, **environment)
    assert there.returncode == 0, there.stderr
    assert there.stdout == here.stdout
    where = run(sys.executable, "-c", "import ratecheck; print(ratecheck.__file__)", cwd=tmp_path, **environment)
    assert where.stdout.startswith(str(installed)), "the wheel is looked at, and not a checkout"
    args = ("check", "mishchenko2022.lemma1", "mishchenko2022.counting", "--evidence", "exact", "--json")
    checked = run(sys.executable, "-c", SCRIPT, *args, cwd=tmp_path, **environment)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count('"verdict": "EXACT"') >= 2
    version = run(sys.executable, "-c", SCRIPT, "--version", cwd=tmp_path, **environment)
    assert version.stdout.strip() == "ratecheck 0.1.0"


def test_the_installed_package_has_the_command(installed):
    script = installed / "bin" / "ratecheck"
    assert "from ratecheck.cli import main" in script.read_text()
