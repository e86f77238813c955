"""Runs the command line for tests: in this process, which is quick, or in one of its own, as a user does."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-c", "from ratecheck.cli import main; main()")


@dataclass(frozen=True)
class Ran:
    """Exit code, stdout and stderr of one command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """stdout as JSON; fails on anything else in it, NaN and Infinity included."""
        return json.loads(self.out, parse_constant=_no_json)

    @property
    def complaint(self) -> str:
        """The one sentence on stderr; fails when there are more or less lines, or a traceback."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: "), self.err
        return lines[0].removeprefix("error: ")


def _no_json(word: str) -> Any:
    raise AssertionError(f"{word} is not JSON")


def here(*args: object, folder: Path) -> Ran:
    """Run a command in this process, in ``folder``."""
    from ratecheck.cli import main

    out, err = io.StringIO(), io.StringIO()
    streams = (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err))
    code = 0
    with (
        contextlib.chdir(folder),
        mock.patch.object(sys, "argv", ["ratecheck", *map(str, args)]),
        streams[0],
        streams[1],
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


def environment(cache: Path) -> dict[str, str]:
    """Return the environment of a process of its own: the repository's sources, and this compile cache."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "RATECHECK_CACHE": str(cache), "PYTHONWARNINGS": "error"}


def alone(*args: object, folder: Path, cache: Path) -> Ran:
    """Run a command in a process of its own, in ``folder``."""
    done = subprocess.run(
        [*PROGRAM, *map(str, args)], cwd=folder, env=environment(cache), capture_output=True, text=True, timeout=300
    )
    return Ran(done.returncode, done.stdout, done.stderr)
