"""Compilation: one sealed loop for all parts, found again by the next process, made anew after an edit."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratecheck.core.method import Method
from ratecheck.core.part import Part
from ratecheck.core.shelf import METHODS
from ratecheck.engine.compile import run_kernel
from ratecheck.engine.sweep import simulate
from ratecheck.errors import PartError
from tests.makers import built_of


def test_one_loop_is_compiled_for_all_parts():
    """Sealed: methods, problems and noises pass as first-class functions of one signature, never a new loop."""
    for method, problem, noise in itertools.product(
        METHODS.names(), ("quadratic", "huber"), ("gaussian", "two_point", "none")
    ):
        scheduler = next(iter(METHODS.get(method).schedulers), "async")
        built = built_of(
            method=method, scheduler=scheduler, problem=Part(problem, {"dimension": 2}), noise=noise, steps=8
        )
        simulate(built, 0, 8)
    assert len(run_kernel().signatures) == 1
    assert len(run_kernel(True).signatures) == 1


USER_METHOD = """
from ratecheck import Method
from local_helper import part

def receive(server, a):
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= part(a.gamma) * g[i]

METHOD = Method("mine", receive)
"""

PROGRAM = """
import sys
from pathlib import Path
from ratecheck.api import simulate
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part

cell = Cell(Part("quadratic", {"dimension": 2}), Part("gaussian"), Part("exponential"), 2, 16, 0.1,
            constants={"stepsize": 0.2})
print(simulate(cell, method=sys.argv[1], replicates=8).last.tolist())
"""


def in_a_new_process(method: Path, cache: Path, package: Path) -> tuple[str, set[tuple[str, int]]]:
    """Simulate in a new process; return what it prints and the compiled files with their times of writing."""
    environment = {"RATECHECK_CACHE": str(cache), "PYTHONPATH": str(package), "PATH": "", "HOME": str(cache)}
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(method)], env=environment, cwd=method.parent,
                          capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout, {(str(p), p.stat().st_mtime_ns) for p in cache.rglob("*.nbc")}


@pytest.mark.slow
def test_the_compile_cache_is_hit_by_the_next_process_and_missed_after_an_edit(tmp_path):
    """An edit of a file that the method's file imports is seen as well: Numba itself would not see it."""
    method, helper, cache = tmp_path / "mine.py", tmp_path / "local_helper.py", tmp_path / "cache"
    shutil.copytree(Path(__file__).parents[2] / "ratecheck", tmp_path / "ratecheck")  # nobody edits the copy
    method.write_text(USER_METHOD)
    helper.write_text("def part(gamma):\n    return gamma\n")
    first, compiled = in_a_new_process(method, cache, tmp_path)
    assert len(compiled) >= 8
    again, unchanged = in_a_new_process(method, cache, tmp_path)
    assert again == first
    assert unchanged == compiled
    helper.write_text("def part(gamma):\n    return gamma / 2\n")
    edited, more = in_a_new_process(method, cache, tmp_path)
    assert edited != first
    assert compiled < more
    assert len(more) == len(compiled) + 1  # the method's kernel alone


def test_a_file_edited_within_a_process_is_read_again(tmp_path):
    path = tmp_path / "mine.py"
    lasts = []
    for factor in ("1", "2", "1"):
        path.write_text(
            USER_METHOD.replace("from local_helper import part\n", f"def part(g):\n    return g * {factor}\n")
        )
        lasts.append(simulate(built_of(method=str(path)), 0, 8).last)
    assert np.array_equal(lasts[0], lasts[2])
    assert not np.array_equal(lasts[0], lasts[1])


def test_a_kernel_that_does_not_compile_is_one_sentence():
    def receive(server: Any, a: Any) -> None:
        server.x[0][0] = a.grad[0].tolist()[0]

    with pytest.raises(PartError, match=r"kernel 'receive' \(test_compile.py, line \d+\) does not compile"):
        simulate(dataclasses.replace(built_of(), method=Method("broken", receive)), 0, 8)
