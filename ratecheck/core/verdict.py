"""Verdicts: a fixed scale of words that are never mixed up, and the result of one kind of evidence on one claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What can be said. ``strength`` orders the positive words; 0 for those that are no evidence for the claim."""

    PROVED = ("PROVED", 7)
    CERTIFIED = ("CERTIFIED", 6)
    EXACT = ("EXACT", 5)
    HOLDS_HERE = ("HOLDS HERE", 4)
    NOT_REFUTED = ("NOT REFUTED", 3)
    INCONCLUSIVE = ("INCONCLUSIVE", 2)
    VACUOUS = ("VACUOUS", 0)
    NOT_APPLICABLE = ("NOT APPLICABLE", 0)
    DIVERGED = ("DIVERGED", -1)
    REFUTED = ("REFUTED", -2)

    def __init__(self, word: str, strength: int) -> None:
        self.word = word
        self.strength = strength

    def __str__(self) -> str:
        return self.word

    @property
    def negative(self) -> bool:
        """True for REFUTED and DIVERGED."""
        return self.strength < 0

    @property
    def measured(self) -> bool:
        """False when the cell says nothing about the claim: VACUOUS and NOT APPLICABLE."""
        return self.strength != 0

    @classmethod
    def from_word(cls, word: str) -> Verdict:
        """Return the verdict with this word (case and blanks do not matter). Raises KeyError for another word."""
        wanted = word.replace("_", " ").replace("-", " ").upper()
        return next((v for v in cls if v.word == wanted), None) or cls[word]

    @classmethod
    def weakest(cls, verdicts: Iterable[Verdict], *, exact_is_neutral: bool = False) -> Verdict:
        """Return a claim's verdict from its cells: the weakest, VACUOUS and NOT APPLICABLE cells left out.

        With ``exact_is_neutral`` EXACT cells (sigma = 0) do not weaken or lift the others. All left out: VACUOUS if
        one is, else NOT APPLICABLE.
        """
        listed = list(verdicts)
        counted = [v for v in listed if v.measured]
        if not counted:
            return cls.VACUOUS if cls.VACUOUS in listed else cls.NOT_APPLICABLE
        if exact_is_neutral and any(v is not cls.EXACT for v in counted):
            counted = [v for v in counted if v is not cls.EXACT]
        return min(counted, key=lambda v: v.strength)


class Rate(Enum):
    """What can be said of a rate."""

    MATCHES = "MATCHES"
    FASTER = "FASTER"
    NOT_SLOWER = "NOT SLOWER"
    SLOWER = "SLOWER"
    INCONCLUSIVE = "INCONCLUSIVE"
    UNIDENTIFIED = "UNIDENTIFIED"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Result:
    """One claim, one kind of evidence, one verdict; what the command line prints and writes as JSON.

    ``details`` is plain data (numbers, texts, lists, mappings), finite numbers only. ``refusable`` is False for
    measurements that are no verdict of the claim, such as notes.
    """

    claim: str
    scenario: str
    evidence: str
    verdict: Verdict
    summary: str
    expected: str = "holds"
    details: Mapping[str, Any] = field(default_factory=dict)
    witness: Mapping[str, Any] | None = None

    @property
    def surprise(self) -> bool:
        """True when the verdict contradicts what the claim declares: broken though it should hold, or the reverse."""
        if self.expected == "refuted":
            return self.verdict.strength >= Verdict.HOLDS_HERE.strength
        return self.verdict.negative

    def as_json(self) -> dict[str, Any]:
        """Return the fixed JSON form of one result."""
        found = {
            "claim": self.claim, "scenario": self.scenario, "evidence": self.evidence, "verdict": str(self.verdict),
            "expected": self.expected, "summary": self.summary, "details": dict(self.details),
        }  # fmt: skip
        return found if self.witness is None else {**found, "witness": dict(self.witness)}
