"""The notebooks are run by nbmake, in a kernel of their own, and show what they compute."""

import json
import os
import subprocess
import sys

import pytest

from tests.command import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def shown(path):
    """Return what each code cell of a notebook shows: what it prints, as one text, and what it displays."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [list(filter(None, texts(cell["outputs"]))) for cell in cells if cell["cell_type"] == "code"]


def texts(outputs):
    """Return printed text joined, for it may come in any number of pieces, then displayed texts."""
    printed = "".join("".join(out.get("text", "")) for out in outputs)
    return [printed, *("".join(text) for out in outputs for text in out.get("data", {}).values())]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_and_shows_what_it_computes(path, tmp_path):
    """A copy with one wrong cell must fail in the same run."""
    (tmp_path / "good.ipynb").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    broken = json.loads(path.read_text(encoding="utf-8"))
    last = [c for c in broken["cells"] if c["cell_type"] == "code"][-1]
    broken["cells"] = [{**last, "source": ["assert 1 == 2"], "outputs": []}]
    (tmp_path / "wrong.ipynb").write_text(json.dumps(broken), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nbmake", "--overwrite", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run([*command, "-rA", "--rootdir", ".", "good.ipynb", "wrong.ipynb"], cwd=tmp_path, text=True,
                          capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)  # fmt: skip
    assert "PASSED good.ipynb" in done.stdout, done.stdout
    assert "FAILED wrong.ipynb" in done.stdout, done.stdout
    assert shown(tmp_path / "good.ipynb") == shown(path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_stored_with_its_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    counts = [c["execution_count"] for c in notebook["cells"] if c["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert sum(bool(texts) for texts in shown(path)) > len(counts) // 2


def test_there_are_notebooks_and_the_readme_leads_to_them():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert NOTEBOOKS
    assert [p.name for p in NOTEBOOKS if f"(docs/notebooks/{p.name})" not in readme] == []
