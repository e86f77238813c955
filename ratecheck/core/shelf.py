"""Shelf: a folder of one-file parts, found by being there; a path to a user's file works wherever a name does."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ratecheck.errors import PartError, RatecheckError, UnknownName


@dataclass(frozen=True)
class Shelf:
    """The parts of one kind: ``attribute`` is the name each file exports, ``kind`` the word for messages.

    A name is the file's stem, or ``folder.stem`` where the shelf has folders (claims), or the part's own ``name``.
    """

    package: str
    attribute: str
    kind: str

    @cached_property
    def _files(self) -> dict[str, str]:
        """Names to module names."""
        package = importlib.import_module(self.package)
        found = {}
        for root in map(Path, package.__path__):
            for path in sorted([*root.glob("*.py"), *root.glob("*/*.py")]):
                if not path.name.startswith("_"):
                    dotted = ".".join(path.relative_to(root).with_suffix("").parts)
                    found[dotted] = f"{self.package}.{dotted}"
        return found

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """The files are read once: a part that is asked for by its own name is looked up in every exact small case."""
        return tuple(sorted(name for name in self._files if self._exports(name)))

    def names(self) -> list[str]:
        """Return the names of all parts, sorted (those whose file exports the shelf's attribute)."""
        return list(self._names)

    def _exports(self, name: str) -> bool:
        source = Path(importlib.util.find_spec(self._files[name]).origin or "")  # type: ignore[union-attr]
        return any(line.startswith(f"{self.attribute} ") for line in source.read_text().splitlines())

    def get(self, name: str, folder: Path | None = None) -> Any:
        """Return the part called ``name``, or the one in the .py file of that path (relative to ``folder``).

        Raises UnknownName with near names, PartError when a file has no part of this kind or cannot be imported.
        """
        if name.endswith(".py"):
            path = Path(name) if folder is None or Path(name).is_absolute() else folder / name
            return self._export(load_file(path), str(path))
        if name in self._files:
            return self._export(importlib.import_module(self._files[name]), name)
        for stem in self.names():
            part = self.get(stem)
            if getattr(part, "name", None) == name:
                return part
        raise UnknownName(f"unknown {self.kind} {name!r}{did_you_mean(name, self.names())}")

    def module(self, name: str) -> ModuleType:
        """Return the module of a part, for its docstring and further exports."""
        return load_file(Path(name)) if name.endswith(".py") else importlib.import_module(self._files[name])

    def _export(self, module: ModuleType, where: str) -> Any:
        part = getattr(module, self.attribute, None)
        if part is None:
            raise PartError(f"{where} has no {self.attribute}; a {self.kind} file exports one (see the docs).")
        record = getattr(importlib.import_module(f"ratecheck.core.{self.kind}"), self.kind.capitalize())
        if not isinstance(part, record):
            raise PartError(f"{where}: {self.attribute} must be a {record.__name__}, not a {type(part).__name__}.")
        return part


def did_you_mean(name: str, names: list[str]) -> str:
    """Return '; did you mean x?' or a list of what there is."""
    last = {n: n.rsplit(".", 1)[-1] for n in names}  # two papers may have a theorem of the same name
    near = [n for n in names if last[n] == name] or difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if not near:
        close = difflib.get_close_matches(name.rsplit(".", 1)[-1], sorted({*last.values()}), n=3)
        near = [n for tail in close for n in names if last[n] == tail][:3]
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; there are: {', '.join(names) or 'none'}."


#: how the modules of users' files are called
USER = "ratecheck_user_"


@lru_cache(maxsize=256)
def _load(path: Path, digest: str) -> ModuleType:
    name = f"{USER}{path.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PartError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout is for results
            spec.loader.exec_module(module)
    except RatecheckError:
        raise
    except SystemExit as fault:
        raise PartError(f"{path} leaves Python while it is imported; a part's file only defines things.") from fault
    except SyntaxError as fault:
        raise PartError(f"{path}, line {fault.lineno}: syntax error: {fault.msg}.") from fault
    except Exception as fault:
        frames = [f for f in traceback.extract_tb(fault.__traceback__) if Path(f.filename) == path]
        line = f", line {frames[-1].lineno}" if frames else ""
        raise PartError(f"{path}{line}: {type(fault).__name__}: {fault}.") from fault
    finally:
        sys.path.remove(str(path.parent))
    return module


def blame(fault: BaseException) -> PartError | None:
    """Return a sentence with file and line for an exception that a user's file raised, None when none of them did."""
    homes = {Path(str(m.__file__)).parent for n, m in list(sys.modules.items()) if n.startswith(USER)}
    frames = [f for f in traceback.extract_tb(fault.__traceback__) if Path(f.filename).parent in homes]
    if not frames:
        return None
    last = frames[-1]
    return PartError(f"{last.filename}, line {last.lineno}: {type(fault).__name__}: {fault}.")


def load_file(path: Path) -> ModuleType:
    """Import a user's file. Raises PartError naming file and line when it cannot be imported."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError as fault:
        raise PartError(f"{path} cannot be read: {fault.strerror}.") from fault
    return _load(path.resolve(), digest)


def claim(name: str) -> Any:
    """Return a claim by name or from a .py file; the parts a file names are looked for beside it."""
    found = CLAIMS.get(name)
    if not name.endswith(".py"):
        return found
    folder = Path(name).resolve().parent
    beside = {n: getattr(found, n) for n in ("method", "scheduler", "stepsize")}
    return replace(found, **{n: str(folder / v) for n, v in beside.items() if isinstance(v, str) and v.endswith(".py")})


CLAIMS = Shelf("ratecheck.proofs", "CLAIM", "claim")
METHODS = Shelf("ratecheck.methods", "METHOD", "method")
SCHEDULERS = Shelf("ratecheck.schedulers", "SCHEDULER", "scheduler")
STEPSIZES = Shelf("ratecheck.stepsizes", "STEPSIZE", "stepsize")
PROBLEMS = Shelf("ratecheck.problems", "PROBLEM", "problem")
NOISES = Shelf("ratecheck.noises", "NOISE", "noise")
DELAYS = Shelf("ratecheck.delays", "DELAYS", "delays")

SHELVES = {
    "claims": CLAIMS, "methods": METHODS, "schedulers": SCHEDULERS, "stepsizes": STEPSIZES,
    "problems": PROBLEMS, "noises": NOISES, "delays": DELAYS,
}  # fmt: skip
