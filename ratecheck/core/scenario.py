"""Scenario: an experiment as data (TOML), checked on reading; expands into cells."""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ratecheck.core import shelf
from ratecheck.core.cell import Cell
from ratecheck.core.part import Part, number
from ratecheck.core.shelf import did_you_mean
from ratecheck.errors import RatecheckError, ScenarioError

T = TypeVar("T")
Value = bool | int | float | str | list[Any]
PartSpec = str | dict[str, Value]
Rule = Literal["R0", "R1", "RL", "uniform", "last"]


def _no_truth(value: Any) -> Any:
    """Return the value. Raises ValueError for true and false, which pydantic takes for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


NoTruth = BeforeValidator(_no_truth)
Positive = Annotated[int, Field(ge=1), NoTruth]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), NoTruth]
Finite = Annotated[float, Field(allow_inf_nan=False), NoTruth]
Several = Annotated[list[T], Field(min_length=1)]


class Strict(BaseModel):
    """A table in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid")


class Exact(Strict):
    """Exact evidence: all arrival orders of these (M, K)."""

    cases: list[tuple[Positive, Positive]] = Field(default=[(2, 6), (3, 6)], min_length=1, description="pairs [M, K]")
    bounds: list[tuple[Positive, Positive]] = Field(
        default=[(2, 6), (3, 5)], description="pairs [M, K] for the bounds; none: leave them to the runs"
    )


class MonteCarlo(Strict):
    """Monte Carlo evidence: how many runs at most, and the error probabilities."""

    replicates: Positive = Field(default=64, description="runs a cell at most; looks are at 8, 16, 32, ...")
    work: Positive | None = Field(default=None, description="replicates x steps x dimension, a claim at most")
    alpha: float = Field(default=1e-3, ge=1e-100, lt=1, description="false-alarm probability of the whole check")
    kappa: float | None = Field(
        default=None, gt=1, allow_inf_nan=False,
        description="declared bound on E[(error/bound)^2] for HOLDS HERE; default: a proven one, else 4",
    )  # fmt: skip
    margin: float = Field(
        default=0.1, gt=0, allow_inf_nan=False, description="slopes within this of the bound's count as equal"
    )


class Simulation(Strict):
    """What ``ratecheck run`` does: how many seeds, and how often it looks along a run."""

    seeds: Positive = Field(
        default=1, description="seeds in a row from 'seed' on, each with its own delays and samples for all methods"
    )
    points: int = Field(default=0, ge=0, description="F and the problem's scores are measured so often along each run")
    tuned: str | None = Field(
        default=None, description="constant that is tuned: the best on one half of the runs, measured on the other"
    )
    labels: dict[str, str] = Field(
        default={}, description="what plots along runs call F, a score, delays or a problem (as tables print them)"
    )


class Grid(Strict):
    """A product of settings: every key is one value or a list. A recorded trace brings its own M and K."""

    problem: PartSpec | Several[PartSpec]
    noise: PartSpec | Several[PartSpec] = "gaussian"
    delays: PartSpec | Several[PartSpec]
    M: Positive | Several[Positive] | None = None
    K: Positive | Several[Positive] | None = None
    K_over_M: Positive | Several[Positive] | None = Field(default=None, description="K as a multiple of M")
    sigma: NonNegative | Several[NonNegative] | None = None
    sigma_over_sqrt_K: NonNegative | Several[NonNegative] | None = Field(
        default=None, description="sigma = value sqrt(K)"
    )
    output: Rule | Literal["all"] | Several[Rule] | None = Field(
        default=None, description="R0, R1, RL, 'uniform', 'last' or 'all'; default: the claim's first"
    )
    method: str | Several[str] | None = None
    scheduler: str | None = None
    stepsize: str | Several[str] | None = None
    constants: dict[str, Finite | str | Several[Finite | str]] = Field(
        default={}, description="constants declared by hand, each a number or a list of them"
    )


class Scenario(Strict):
    """An experiment: which claims, which cells, how much work."""

    title: str
    description: str = ""
    claims: list[str] = Field(default=[], description="claim names or .py files; empty: every claim")
    seed: Annotated[int, NoTruth] = Field(default=1, ge=0)
    exact: Exact = Exact()
    monte_carlo: MonteCarlo = MonteCarlo()
    simulation: Simulation = Simulation()
    grid: list[Grid] = []

    def cells(self, folder: Path | None = None) -> list[Cell]:
        """Expand the grids, in order, without repeats; ``folder`` is what relative paths are relative to."""
        found: dict[str, Cell] = {}
        for i, grid in enumerate(self.grid, 1):
            try:
                for cell in _expand(grid, folder):
                    found.setdefault(cell.digest, cell)
            except RatecheckError as fault:
                raise type(fault)(f"grid {i}: {fault}") from fault
        return list(found.values())


def load(path: Path) -> Scenario:
    """Read a scenario file. Raises ScenarioError naming file, key and what to do."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ScenarioError(f"{path} cannot be read: {fault.strerror}.") from fault
    except UnicodeDecodeError as fault:
        raise ScenarioError(f"{path} is not UTF-8 text.") from fault
    except tomllib.TOMLDecodeError as fault:
        raise ScenarioError(f"{path} is not valid TOML: {fault}.") from fault
    try:
        return Scenario.model_validate(data)
    except pydantic.ValidationError as fault:
        raise ScenarioError(f"{path}: {sentence(fault)}") from fault


def names() -> list[str]:
    """Return the names of the scenarios that come with ratecheck."""
    from ratecheck import scenarios

    return sorted(p.stem for root in scenarios.__path__ for p in Path(root).glob("*.toml"))


def find(name: str) -> tuple[Scenario, Path]:
    """Return a scenario by name or path, with the folder its relative paths refer to."""
    from ratecheck import scenarios

    if name.endswith(".toml"):
        return load(Path(name)), Path(name).resolve().parent
    for root in map(Path, scenarios.__path__):
        if (root / f"{name}.toml").is_file():
            return load(root / f"{name}.toml"), root
    raise ScenarioError(f"unknown scenario {name!r}{did_you_mean(name, names())}")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of scenario files, for editors."""
    return Scenario.model_json_schema()


#: tables of a scenario file, for suggestions
TABLES: dict[str, type[BaseModel]] = {
    "exact": Exact, "monte_carlo": MonteCarlo, "simulation": Simulation, "grid": Grid,
}  # fmt: skip


def sentence(fault: pydantic.ValidationError) -> str:
    """Turn pydantic's errors into one sentence: the first unknown key, else the first wrong one, with a suggestion."""
    errors = fault.errors()
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    where = _key(first)
    if isinstance(first["input"], list):  # the entry that is wrong, not the list
        first = max((e for e in errors if _key(e)[: len(where)] == where), key=lambda e: len(e["loc"]))
        where = _key(first)
    place = f"grid {int(where[1]) + 1}: " if where[0] == "grid" and len(where) > 1 else ""
    key = ".".join(where[2:] if place else where)
    if first["type"] == "extra_forbidden":
        known = list(TABLES.get(where[0], Scenario).model_fields if len(where) > 1 else Scenario.model_fields)
        return f"{place}unknown key {key!r}{did_you_mean(where[-1], known)}"
    if first["type"] == "missing":
        return f"{place}key {key!r} is missing."
    if first["input"] == []:
        return f"{place}key {key!r} is an empty list: give it a value, or leave the key out."
    wrong = [e["msg"].removeprefix("Input ").removeprefix("Value error, ") for e in errors if _key(e) == where]
    return f"{place}key {key!r} {' or '.join(dict.fromkeys(wrong))}; got {first['input']!r}."


def _key(error: Any) -> list[str]:
    """Return where an error is, without pydantic's names of the alternatives of a type."""
    names = [str(p) for p in error["loc"]]
    return [n for n in names if not ("[" in n or n in ("str", "int", "float", "bool") or n.startswith("constrained-"))]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _expand(grid: Grid, folder: Path | None) -> Iterator[Cell]:
    if grid.K is not None and grid.K_over_M is not None:
        raise ScenarioError("give K or K_over_M, not both.")
    if grid.sigma is not None and grid.sigma_over_sqrt_K is not None:
        raise ScenarioError("give sigma or sigma_over_sqrt_K, not both.")
    outputs = ["R1", "R0", "RL"] if grid.output == "all" else _listed(grid.output or "")
    for problem, noise, given in itertools.product(_listed(grid.problem), _listed(grid.noise), _listed(grid.delays)):
        delays = _absolute(Part.of(given), folder)
        for workers, steps in _sizes(grid, delays, folder):
            for level, output, method, stepsize, constants in itertools.product(
                _listed(grid.sigma if grid.sigma_over_sqrt_K is None else grid.sigma_over_sqrt_K),
                outputs, _listed(grid.method), _listed(grid.stepsize), _numbers(grid.constants),
            ):  # fmt: skip
                sigma = level if level is None or grid.sigma_over_sqrt_K is None else level * math.sqrt(steps)
                yield Cell(
                    _absolute(Part.of(problem), folder),
                    _absolute(Part.of(noise), folder),
                    delays,
                    workers,
                    steps,
                    None if sigma is None else float(sigma),
                    output,
                    _path(method, folder),
                    _path(grid.scheduler, folder),
                    _path(stepsize, folder),
                    constants,
                )


def _numbers(constants: Mapping[str, Any]) -> list[dict[str, float]]:
    """Return every combination of the constants declared by hand, as numbers."""
    listed = [[(n, number(one, f"constant {n}")) for one in _listed(v)] for n, v in constants.items()]
    return [dict(chosen) for chosen in itertools.product(*listed)]


def _sizes(grid: Grid, delays: Part, folder: Path | None) -> Iterator[tuple[int, int]]:
    model = shelf.DELAYS.get(delays.name, folder)
    if model.recorded:
        workers, length = model.recorded(model.parameters(delays.par))
        steps = _listed(grid.K) if grid.K is not None else prefixes(workers, length)
        if max(steps) > length:
            raise ScenarioError(f"K = {max(steps)} is more than the {length} steps of {delays.label}.")
        yield from ((workers, k) for k in steps)
        return
    if grid.M is None:
        raise ScenarioError("key 'M' is missing (only a recorded trace brings its own M).")
    if grid.K is None and grid.K_over_M is None:
        raise ScenarioError("key 'K' (or 'K_over_M') is missing.")
    for workers in _listed(grid.M):
        if grid.K is not None:
            yield from ((workers, k) for k in _listed(grid.K))
        else:
            yield from ((workers, int(r * workers)) for r in _listed(grid.K_over_M))


def prefixes(workers: int, length: int) -> list[int]:
    """Return the K grid of a trace: its length and halvings of it, down to 8 M, at most six."""
    found = [length]
    while len(found) < 6 and found[-1] // 2 >= 8 * workers:
        found.append(found[-1] // 2)
    return sorted(found)


def _path(name: str | None, folder: Path | None) -> str | None:
    if name is None or folder is None or not name.endswith(".py") or Path(name).is_absolute():
        return name
    return str(folder / name)


def _absolute(part: Part, folder: Path | None) -> Part:
    par = {n: _file(v, folder) for n, v in part.par.items()}
    return Part(_path(part.name, folder) or part.name, par)


def _file(value: Any, folder: Path | None) -> Any:
    """Make the path of a data file (a .csv beside the scenario) absolute."""
    if folder is None or not (isinstance(value, str) and value.endswith(".csv")) or Path(value).is_absolute():
        return value
    return str(folder / value)
