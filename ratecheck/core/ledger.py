"""The evidence ledger: e-values of runs with fresh seeds multiply, so nights of small evidence add up to a verdict.

A ledger is an append-only file of JSON lines with checksums, one a (run, claim). For each test, one inequality of a
claim in one cell, a line has the log10 of what each bet against it became at the cell's last look.

**Why it is valid.** Fix one test and one bet b, and let e_i be what the bet became on night i. Within a night the bet
is a non-negative supermartingale that starts at 1, stopped at a look that was chosen from the past, so E e_i <= 1
whatever the other nights were: fresh seeds make nights independent, and a night that draws its own delays keeps this
given any delays. The product over the nights s, s+1, ... is thus a supermartingale too, and so is the mixture of all
first nights s and all bets:

    E_t = mean over b of sum over s <= t of w_s e_s ... e_t  +  sum over s > t of w_s,    w_s = 1/(s (s + 1)).

By Ville's inequality E_t ever reaches 1/alpha with probability at most alpha, over all nights there will ever be. A
mean of such E_t over the tests of a claim is one again, whatever their dependence. So a claim is REFUTED, somewhere in
its grid, when the mean over its tests reaches n/alpha, n being the number of claims in the ledger; a test that reaches
(number of its claim's tests) n/alpha names its place. The sum over s is for code that changes: clean nights shrink the
product of all nights, perhaps to 10^-100, and must not hide a fault that came after them. It costs log10(s (s + 1)).

The product of e-values is as in Grünwald, de Heide & Koolen (2024), "Safe testing"; the weights are ours, in the way
of Shiryaev and Roberts.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ratecheck.core.run import Writer, source_digest
from ratecheck.core.verdict import Result, Verdict
from ratecheck.errors import RunError

Floats = npt.NDArray[np.float64]

#: of a line
FORMAT = 1


@dataclass(frozen=True)
class Standing:
    """What a ledger says of one claim after all its runs: log10 of the evidence and of what is needed.

    ``mean`` is the mean over the claim's tests after the run where it was largest; ``needed`` refutes the claim.
    ``largest`` is the most that one test had, ``inequality`` in cell ``label``; ``needed_there`` names the place.
    ``since`` is the seed of the run from which on most of that evidence grew. ``codes`` counts the versions of
    ratecheck and of the user's files that made the runs.
    """

    claim: str
    runs: int
    tests: int
    mean: float
    needed: float
    largest: float
    needed_there: float
    label: str
    inequality: str
    since: int
    codes: int

    @property
    def verdict(self) -> Verdict:
        """REFUTED or NOT REFUTED: a ledger has evidence against claims only."""
        return Verdict.REFUTED if self.mean >= self.needed else Verdict.NOT_REFUTED

    def __str__(self) -> str:
        found = (
            f"{self.verdict} after {self.runs} run{'s' * (self.runs != 1)}: mean evidence 10^{self.mean:.1f} of "
            f"10^{self.needed:.1f} needed over {self.tests} tests; largest 10^{self.largest:.1f} of "
            f"10^{self.needed_there:.1f}, {self.inequality} in {self.label}"
        )
        if self.largest > 0:
            found += f", since seed {self.since}"
        return found + (f"; {self.codes} versions of the code" if self.codes > 1 else "")


@dataclass
class Ledger:
    """A ledger in memory, and the file it came from.

    alpha, the claims and the tests of each are those of the first run. A seed counts once for a claim, as it was
    first written: the same seed gives the same samples, so a second time is no new evidence.
    """

    path: Path
    lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def open(cls, path: str | Path) -> Ledger:
        """Read a ledger; one that does not exist yet is empty. A torn last line (a writer was killed) is left out.

        Raises RunError for another damaged line, and for lines that do not belong together.
        """
        ledger = cls(Path(path))
        try:
            text = ledger.path.read_bytes() if ledger.path.exists() else b""
        except OSError as fault:
            raise RunError(f"{path} cannot be read: {fault.strerror}; a ledger is a file.") from fault
        for number, line in enumerate(text.split(b"\n")[:-1], 1):
            found = _line(line)
            wrong = "it is damaged; restore the file" if found is None else _misfit(ledger.lines, found)
            if wrong:
                raise RunError(f"{path}, line {number}: {wrong}, or start a new ledger.")
            ledger._keep(found or {})
        return ledger

    def add(self, results: Sequence[Result], seed: int, files: Mapping[str, str] | None = None) -> list[str]:
        """Append one run, and return the claims that were new with this seed.

        ``results`` are all of the run, made from ``seed``; ``files`` are digests of the user's files. Only inequalities
        with ``log10_bets`` count: cells without noise and exact moments have no e-values. Raises RunError when the run
        does not belong to the ledger, or would be its first and was stopped early; nothing is written then.
        """
        measured = {r.claim: r for r in results if r.evidence == "monte-carlo"}
        tests = {name: found for name, r in measured.items() if (found := _tests(r.details.get("cells", [])))}
        if not self.lines:
            _require_complete(measured.values())
            if not tests:
                raise RunError(f"nothing in this run can enter the ledger {self.path}: no cell of it has e-values.")
        new: list[dict[str, Any]] = [
            {"format": FORMAT, "claim": name, "seed": seed, "alpha": measured[name].details["alpha"],
             "claims": list(tests), "source": source_digest(), "files": dict(files or {}), "tests": found}
            for name, found in tests.items()
        ]  # fmt: skip
        for line in new:
            wrong = _misfit(self.lines, line)
            if wrong:
                raise RunError(f"this run does not belong to the ledger {self.path}: {wrong}, or start a new ledger.")
        new = [line for line in new if self._keep(line)]
        self._write(new)
        return [line["claim"] for line in new]

    def require_alpha(self, alpha: float) -> None:
        """Raise RunError when the ledger was begun at another alpha; a run takes longer than this look."""
        if self.lines and self.lines[0]["alpha"] != alpha:
            raise RunError(f"ledger {self.path}: {_other_alpha(alpha, self.lines[0])}, or start a new ledger.")

    def standings(self) -> list[Standing]:
        """Return what the ledger says of each claim, in the order of their first lines."""
        return [self._standing(claim) for claim in dict.fromkeys(line["claim"] for line in self.lines)]

    def _keep(self, line: dict[str, Any]) -> bool:
        """Take a line, and return whether its seed is new for its claim."""
        new = all((line["claim"], line["seed"]) != (one["claim"], one["seed"]) for one in self.lines)
        if new:
            self.lines.append(line)
        return new

    def _write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Append lines, after cutting off a torn one: glued to the next it would damage that."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists():
                os.truncate(self.path, self.path.read_bytes().rfind(b"\n") + 1)
        except OSError as fault:
            raise RunError(f"{self.path} cannot be written: {fault.strerror}; a ledger is a file.") from fault
        writer = Writer(self.path)
        for line in lines:
            writer.append(line)
        writer.close()

    def _standing(self, claim: str) -> Standing:
        lines = [line for line in self.lines if line["claim"] == claim]
        first, opening = lines[0]["tests"], self.lines[0]
        places = [(digest, name) for digest, cell in first.items() for name in cell["log10_bets"]]
        nights = np.array([[_bets(line["tests"], first, *place) for place in places] for line in lines])
        found = evidence(nights)
        until, test = np.unravel_index(found.argmax(), found.shape)
        digest, inequality = places[test]
        needed = math.log10(len(opening["claims"]) / opening["alpha"])
        codes = {json.dumps([line["source"], line["files"]], sort_keys=True) for line in lines}
        return Standing(
            claim, len(lines), len(places), float(_log_mean(found, axis=1).max()), needed, float(found.max()),
            needed + math.log10(len(places)), first[digest]["label"], inequality,
            lines[start(nights[: until + 1, test])]["seed"], len(codes),
        )  # fmt: skip


def evidence(nights: Floats) -> Floats:
    """Return log10 E_t after each night (nights, tests) from the log10 of each bet on each night (nights, tests, bets).

    Forward: with A_t = (A_{t-1} + w_t) e_t for each bet, E_t is the mean of A_t over bets plus the weights to come,
    1/(t + 1).
    """
    grown = np.full(nights.shape[1:], -np.inf)
    found = np.empty(nights.shape[:2])
    for t, gained in enumerate(nights, 1):
        grown = _log_add(grown, -math.log10(t * (t + 1))) + gained
        found[t - 1] = _log_add(_log_mean(grown, axis=-1), -math.log10(t + 1))
    return found


def start(nights: Floats) -> int:
    """Return the night from which on most of the evidence grew, counted from 0; log10 of one test's (nights, bets)."""
    first = np.arange(1, len(nights) + 1)
    grown = np.cumsum(nights[::-1], axis=0)[::-1]
    return int((_log_mean(grown, axis=1) - np.log10(first * (first + 1.0))).argmax())


def _bets(tests: Mapping[str, Any], first: Mapping[str, Any], digest: str, name: str) -> list[float]:
    """Return the log10 of every bet of one test; a test without runs on that night keeps its capital."""
    found: list[float] | None = tests.get(digest, {"log10_bets": {}})["log10_bets"].get(name)
    return [0.0] * len(first[digest]["log10_bets"][name]) if found is None else found


def _misfit(lines: Sequence[Mapping[str, Any]], line: Mapping[str, Any]) -> str | None:
    """Return why a line cannot follow these ones, and what to do instead of starting a new ledger."""
    if line["format"] != FORMAT:
        return f"it has format {line['format']}; use the version of ratecheck that wrote it"
    opening = lines[0] if lines else line
    if line["alpha"] != opening["alpha"]:
        return _other_alpha(line["alpha"], opening)
    if line["claim"] not in opening["claims"]:
        return f"claim {line['claim']} was not in the first run; check the claims of then"
    first = next((one for one in lines if one["claim"] == line["claim"]), line)
    for digest, cell in line["tests"].items():
        expected = first["tests"].get(digest, {"log10_bets": {}})["log10_bets"]
        for name, bets in cell["log10_bets"].items():
            if len(expected.get(name, ())) != len(bets):
                where = f"{line['claim']}, cell {cell['label']}"
                return f"{where}: {name} was not tested so in the first run; check the scenario of then"
    return None


def _other_alpha(alpha: float, opening: Mapping[str, Any]) -> str:
    return f"alpha is {alpha:g} and was {opening['alpha']:g} in the first run; use --alpha as then"


def _tests(cells: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the tests of a result by the digest of their cell, which has no seed in it."""
    found: dict[str, Any] = {}
    for cell in cells:
        bets = {n: i["log10_bets"] for n, i in cell.get("inequalities", {}).items() if "log10_bets" in i}
        if bets:
            found[cell["digest"]] = {"label": cell["label"], "log10_bets": bets}
    return found


def _require_complete(results: Iterable[Result]) -> None:
    for result in results:
        cells = result.details.get("cells", [])
        unseen = [c["label"] for c in cells if c["verdict"] == Verdict.INCONCLUSIVE.word and "inequalities" not in c]
        if unseen or (result.verdict is Verdict.INCONCLUSIVE and not cells):
            where = f"cell {unseen[0]} of {result.claim}" if unseen else result.claim
            raise RunError(f"the first run of a ledger fixes its tests, and it was stopped before a look at {where}.")


def _line(line: bytes) -> dict[str, Any] | None:
    checksum, _, text = line.partition(b" ")
    if checksum.decode(errors="replace") != f"{zlib.crc32(text):08x}":
        return None
    found: dict[str, Any] = json.loads(text)
    return found


def _log_add(a: Floats, b: float) -> Floats:
    return np.asarray(np.logaddexp(a * math.log(10), b * math.log(10)) / math.log(10))


def _log_mean(logs: Floats, axis: int) -> Floats:
    top = logs.max(axis=axis, keepdims=True)
    return np.asarray((top + np.log10(np.mean(10.0 ** (logs - top), axis=axis, keepdims=True))).squeeze(axis))
