"""A designed grid as a scenario file: TOML that ``check`` reads, with paths relative to where it lies."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratecheck.checks.design import Block, Design
from ratecheck.checks.plan import Question
from ratecheck.core import scenario as scenarios
from ratecheck.core.part import Part
from ratecheck.errors import ScenarioError


def toml(question: Question, name: str, made: Design, folder: Path) -> str:
    """Return the designed scenario as TOML; paths in it are relative to ``folder``, in which it is to lie."""
    settings = question.scenario.monte_carlo.model_dump(exclude_none=True, exclude={"work"})
    settings["replicates"] = made.replicates
    title = f"Planned for {name}"
    head = {
        "title": title, "claims": [_near(question.name, folder)], "seed": question.seed, "monte_carlo": settings,
    }  # fmt: skip
    lines = [f"{key} = {_value(value)}" for key, value in head.items()]
    for block in made.blocks:
        lines += ["", f"# branch {block.branch} of the stepsize", "[[grid]]"]
        lines += [f"{key} = {_value(value)}" for key, value in _grid(question, made, block, folder).items()]
    return "\n".join(lines) + "\n"


def _grid(question: Question, made: Design, block: Block, folder: Path) -> dict[str, Any]:
    base = made.base
    output = None if base.output == question.claim.output else base.output
    found = {
        **{n: _part(getattr(base, n), folder) for n in ("problem", "noise", "delays")},
        "M": list(block.M), "K": list(block.K), "sigma": block.sigma, "output": output,
        "method": base.method, "scheduler": base.scheduler, "stepsize": base.stepsize,
        "constants": base.constants or None,
    }  # fmt: skip
    return {n: _near(v, folder) for n, v in found.items() if v is not None}


def _part(part: Part, folder: Path) -> Any:
    par = {n: _near(v, folder) for n, v in part.par.items()}
    name = _near(part.name, folder)
    return {"name": name, **par} if par else name


def _near(value: Any, folder: Path) -> Any:
    """Return a path of a file relative to the folder; anything else as it is."""
    if isinstance(value, str) and value.endswith((".py", ".csv")) and Path(value).is_file():
        return os.path.relpath(Path(value).resolve(), folder.resolve())
    return value


def _value(value: Any) -> str:
    """Return a value in TOML, on one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(n)} = {_value(v)}" for n, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name)


def writable(path: Path) -> None:
    """Raise ScenarioError, before any work, for a file that a scenario cannot be written to."""
    if path.suffix != ".toml":
        raise ScenarioError(f"--write takes the name of a .toml file, not {path}.")
    if path.exists():
        raise ScenarioError(f"{path} exists already and is not written over; choose another name for --write.")
    if not path.parent.is_dir():
        raise ScenarioError(f"{path} cannot be written: there is no folder {path.parent}.")


def save(text: str, path: Path) -> None:
    """Write a scenario, whole or not at all, after reading it as ``check`` will."""
    handle, scratch = tempfile.mkstemp(suffix=".toml", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        scenarios.load(Path(scratch)).cells(path.parent.resolve())
        Path(scratch).replace(path)
    finally:
        Path(scratch).unlink(missing_ok=True)
