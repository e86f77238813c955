"""Cell: one row of a grid, as data: which parts, how many workers and steps, how much noise."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ratecheck.core.part import Part


@dataclass(frozen=True)
class Cell:
    """One setting of an experiment; plain data, so that it can be stored, compared and replayed.

    ``M`` workers, ``K`` counted steps, ``sigma`` the noise level (None: the one the problem declares for row
    sampling). ``constants`` are declared by hand and win over what the parts declare. ``method``, ``scheduler``,
    ``stepsize`` None: those of the claim.
    """

    problem: Part
    noise: Part
    delays: Part
    M: int
    K: int
    sigma: float | None = 0.0
    output: str = "R1"
    method: str | None = None
    scheduler: str | None = None
    stepsize: str | None = None
    constants: dict[str, float] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """One line for tables and messages."""
        sigma = "" if self.sigma is None else f" sigma={self.sigma:.4g}"
        parts = f"{self.problem.label} {self.noise.label} {self.delays.label}"
        return f"M={self.M} K={self.K}{sigma} {parts} {self.output}".rstrip()

    def as_json(self) -> dict[str, Any]:
        """Return the cell as plain data."""
        return {k: v for k, v in asdict(self).items() if v is not None or k == "sigma"}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Cell:
        """Read what ``as_json`` wrote."""
        parts = {n: Part(data[n]["name"], data[n]["par"]) for n in ("problem", "noise", "delays")}
        return cls(**{**data, **parts})

    @cached_property
    def digest(self) -> str:
        """A short name of the cell: equal cells have equal digests, in any process."""
        text = json.dumps(_portable(self.as_json()), sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _portable(data: Any) -> Any:
    """Replace paths of files by their content, so that a digest does not depend on where files lie."""
    if isinstance(data, dict):
        return {k: _portable(v) for k, v in data.items()}
    if isinstance(data, str) and data.endswith((".py", ".csv")) and Path(data).is_file():
        return hashlib.blake2b(Path(data).read_bytes(), digest_size=8).hexdigest()
    return data
