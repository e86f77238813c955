"""Runs on disk: append-only records, one file a writer, flushed each; a manifest; the final results."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO

from ratecheck.errors import RunError

VERSION = 1


def version() -> str:
    """Return the version of ratecheck."""
    try:
        return metadata.version("ratecheck")
    except metadata.PackageNotFoundError:
        return "0 (not installed)"


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Return a digest of everything that decides a number: the package's sources and the theorems."""
    from ratecheck import proofs

    package = Path(__file__).parents[1]
    files = {*package.rglob("*.py"), *(p for root in proofs.__path__ for p in Path(root).rglob("*.py"))}
    digest = hashlib.sha256()
    for path in sorted(p for p in files if package / "report" not in p.parents):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def record_key(claim: str, cell: str, block: int) -> str:
    """Return the name under which the record of one block is found again."""
    return f"{claim}|{cell}|{block}"


@dataclass(frozen=True)
class Run:
    """A folder with ``manifest.json``, ``records-*.jsonl``, and at the end ``results.json`` and ``witnesses/``."""

    folder: Path

    @classmethod
    def create(cls, root: Path, manifest: Mapping[str, Any]) -> Run:
        """Make a new run under ``root``/.ratecheck/runs; its name is the time and a short digest."""
        stamp = time.strftime("%Y%m%d-%H%M%S")
        text = json.dumps([dict(manifest), time.time_ns(), os.getpid()], default=str)
        name = f"{stamp}-{hashlib.blake2b(text.encode(), digest_size=2).hexdigest()}"
        folder = root / ".ratecheck" / "runs" / name
        try:
            folder.mkdir(parents=True)
        except OSError as fault:
            raise RunError(f"{folder} cannot be made: {fault.strerror}; choose another folder with --out.") from fault
        run = cls(folder)
        run.write("manifest.json", {**environment(), **manifest})
        return run

    @classmethod
    def find(cls, name: str, root: Path) -> Run:
        """Return a run by path, by name or its end, or the "latest". Raises RunError when there is none."""
        if (Path(name) / "manifest.json").is_file():
            return cls(Path(name))
        runs = sorted((root / ".ratecheck" / "runs").glob("*/manifest.json"))
        if name == "latest" and runs:
            return cls(max(runs, key=lambda p: p.stat().st_mtime).parent)
        near = [p.parent for p in runs if p.parent.name == name or p.parent.name.endswith(name)]
        if len(near) != 1:
            known = ", ".join(p.parent.name for p in runs[-3:]) or "none"
            problem = "names more than one run" if near else "is not a run"
            raise RunError(f"{name!r} {problem}; the newest here are: {known}.")
        return cls(near[0])

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def argument(self) -> str:
        """What a command is given to find the run from here: its name, or its folder where it is elsewhere."""
        return self.name if self.folder.parts[0] == ".ratecheck" else shlex.quote(str(self.folder))

    def manifest(self) -> dict[str, Any]:
        """Return what was asked and on what it ran."""
        return self.read("manifest.json")

    def read(self, name: str) -> dict[str, Any]:
        """Read one JSON file of the run. Raises RunError when it is missing or damaged."""
        try:
            found = json.loads((self.folder / name).read_text())
        except (OSError, ValueError) as fault:
            raise RunError(f"{self.folder / name} cannot be read: {fault}.") from fault
        if not isinstance(found, dict):
            raise RunError(f"{self.folder / name} is not a JSON object.")
        return found

    def write(self, name: str, data: Mapping[str, Any]) -> Path:
        """Write one JSON file of the run, whole or not at all."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".tmp")
        scratch.write_text(dumps(data))
        scratch.replace(path)
        return path

    def records(self) -> dict[str, dict[str, Any]]:
        """Return all records by key; a torn line (a writer was killed) is left out."""
        return {r["key"]: r for path in sorted(self.folder.glob("records-*.jsonl")) for r in _lines(path)}

    def writer(self) -> Writer:
        """Return a writer of records with a file of its own."""
        return Writer(self.folder / f"records-{os.getpid()}-{time.time_ns()}.jsonl")


class Writer:
    """Appends records to one file, flushed after each, so that a killed run loses at most the last line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one record with its checksum. Raises RunError when the disk is full or gone."""
        text = json.dumps(record, allow_nan=False, separators=(",", ":"))
        try:
            if self._file is None:
                self._file = self._path.open("a")
            self._file.write(f"{zlib.crc32(text.encode()):08x} {text}\n")
            self._file.flush()
        except OSError as fault:
            with suppress(OSError):  # a second try to write what is left fails too
                self.close()
            raise RunError(f"{self._path} cannot be written: {fault.strerror}.") from fault

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def dumps(data: Mapping[str, Any]) -> str:
    """Return JSON text without NaN or Infinity, the same bytes for the same data."""
    return json.dumps(finite(data), indent=1, allow_nan=False) + "\n"


def finite(data: Any) -> Any:
    """Replace numbers that JSON does not have (inf, nan) by texts, and numpy numbers by Python's."""
    if isinstance(data, Mapping):
        return {str(k): finite(v) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [finite(v) for v in data]
    if hasattr(data, "item"):
        data = data.item()
    if isinstance(data, float) and not abs(data) < float("inf"):
        return "nan" if data != data else ("inf" if data > 0 else "-inf")
    return data


def environment() -> dict[str, Any]:
    """Return what a number may depend on besides the seed: versions, machine, time."""
    packages = {}
    for name in ("numpy", "scipy", "sympy", "numba", "llvmlite"):
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            packages[name] = "missing"
    return {
        "format": VERSION, "ratecheck": version(), "source": source_digest(), "python": sys.version.split()[0],
        "packages": packages, "machine": platform.machine(), "system": platform.system(), "host": platform.node(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }  # fmt: skip


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(errors="replace").splitlines():
        checksum, _, text = line.partition(" ")
        if checksum == f"{zlib.crc32(text.encode()):08x}":
            yield json.loads(text)
