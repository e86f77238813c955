"""Progress on stderr: one moving line on a terminal, a line now and then in a log."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from ratecheck.core.verdict import Result


class Progress:
    """One moving line on a terminal, one line every ten seconds in a log; always on stderr."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty() and "TERM" in os.environ and os.environ["TERM"] != "dumb"
        self._last = time.monotonic()

    def update(self, claim: str, text: str, done: int, total: int) -> None:
        """Say where the work is."""
        if self._quiet:
            return
        now = time.monotonic()
        count = f" {done}/{total}" if total else ""
        if self._live and now - self._last > 0.1:
            print(f"\r\x1b[2K {Path(claim).name}: {text}{count}", end="", file=sys.stderr, flush=True)  # noqa: T201
            self._last = now
        elif not self._live and now - self._last > 10:
            print(f"{claim}: {text}{count}", file=sys.stderr, flush=True)  # noqa: T201
            self._last = now

    def result(self, result: Result) -> None:
        """Say a verdict as soon as it is known."""
        if not self._quiet:
            self.close()
            print(f"{result.claim}  {result.evidence}  {result.verdict}", file=sys.stderr, flush=True)  # noqa: T201

    def close(self) -> None:
        """Leave a clean line."""
        if self._live and not self._quiet:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)  # noqa: T201
