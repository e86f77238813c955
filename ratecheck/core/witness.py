"""Witness: the smallest set of facts from which anyone reproduces one refutation, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ratecheck.errors import RunError

FORMAT = 1


@dataclass(frozen=True)
class Witness:
    """One refutation: what to run (``cell``), which check (``check``), and the numbers that came out (``found``).

    ``kind`` is "identity" (an arrival order), "identity-on-floats" or "monte-carlo" (a cell and seeds), "stepsize",
    "dimensions" (nothing to run) or "stability" (enclosures of the largest stable stepsizes).
    Rationals are texts 'p/q', floats are written to the last bit.
    """

    claim: str
    kind: str
    check: str
    cell: Mapping[str, Any]
    found: Mapping[str, Any]
    seed: int = 0
    strict: bool = False  #: made by the build that equals CPython bit for bit
    files: Mapping[str, str] = field(default_factory=dict)  #: the user's files, by role, as given

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"witness": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, data: Any, where: str) -> Witness:
        """Read the JSON form. Raises RunError naming the file and the key."""
        if not isinstance(data, dict) or data.get("witness") != FORMAT:
            raise RunError(f"{where} is not a witness file (its key 'witness' must be {FORMAT}).")
        fields = {n: data[n] for n in cls.__dataclass_fields__ if n in data}
        missing = [n for n in ("claim", "kind", "check", "cell", "found") if n not in fields]
        if missing:
            raise RunError(f"{where}: key {missing[0]!r} is missing.")
        return cls(**fields)

    def save(self, path: Path) -> None:
        """Write the witness to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=1, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> Witness:
        """Read a witness file. Raises RunError when it is not readable as one."""
        try:
            data = json.loads(path.read_text())
        except (OSError, ValueError) as fault:
            raise RunError(f"{path} cannot be read as a witness: {fault}.") from fault
        return cls.from_json(data, str(path))
