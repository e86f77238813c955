"""The page on derivations names every kind of step and every file of settings that there is."""

from pathlib import Path

import ratecheck.core.proof  # all kinds are loaded
from ratecheck.core import step
from tests.command import ROOT

PAGE = (ROOT / "docs" / "proofs.md").read_text()


def kinds(of):
    """Return the names of all classes of steps."""
    return {name for one in of.__subclasses__() for name in (one.__name__, *kinds(one))}


def test_every_kind_of_step_has_a_row():
    shelf = {name for name in kinds(step.Step) if hasattr(ratecheck.core.proof, name)}
    assert len(shelf) > 15
    assert {name for name in shelf if f"\n| `{name}` |" not in PAGE} == set()


def test_every_setting_is_named():
    files = {path.name for path in (Path(step.__file__).parent).glob("setting*.py")}
    assert {name for name in files if name not in PAGE} == set()
