"""A claim under test: what a test asks of it, and what is said when it is broken. Light to import.

Used by the pytest plugin; ``ClaimViolated`` is what a test of a test may expect.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ratecheck.commands.request import Request
    from ratecheck.core.claim import Claim
    from ratecheck.core.verdict import Result

#: the kinds of evidence about what runs; a derivation says nothing of an implementation
KINDS = "exact,monte-carlo"
#: the kind of evidence that can give a false alarm
EVIDENCE_AT_RANDOM = "monte-carlo"
#: under this name a test's report carries what was found
PROPERTY = "ratecheck"


class ClaimViolated(AssertionError):
    """A claim that is expected to hold is broken, or the reverse; the text has the numbers and a replay command."""


class ClaimUndecided(AssertionError):
    """Nothing could be tested, or less was shown than the test requires."""


@dataclass(frozen=True)
class Options:
    """What a ``theorem`` marker says beside the claim's name; None: the default of the command line."""

    scenario: str | os.PathLike[str] | None = None
    method: Any = None
    stepsize: Any = None
    evidence: str | None = None
    replicates: int | None = None
    require: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """Read a marker's keywords. Raises ValueError with a sentence for an unknown or a wrong one."""
        from ratecheck.core.shelf import did_you_mean

        names = [f.name for f in fields(cls)]
        for name in given:
            if name not in names:
                raise ValueError(f"marker theorem: unknown option {name!r}{did_you_mean(name, names)}")
        runs = given.get("replicates")
        if runs is not None and not (isinstance(runs, int) and runs >= 1):
            raise ValueError(f"marker theorem: replicates is a whole number from 1 on, not {runs!r}.")
        return cls(**given)


@dataclass(repr=False)
class ClaimUnderTest:
    """The claim of one test. ``alpha`` is the test's share, ``file`` the test's: paths are relative to its folder."""

    name: str
    options: Options
    file: Path
    profile: str
    seed: int | None
    alpha: float
    out: Path
    called: bool = False
    found: dict[str, Any] = field(default_factory=dict)  #: what came out, as plain data for the test's report

    def __repr__(self) -> str:
        return f"<claim {self.name}>"

    def check(self, *, method: Any = None, stepsize: Any = None, scenario: Any = None) -> list[Result]:
        """Check the claim and return one result a kind of evidence.

        ``method`` is a name, a path, a module that exports METHOD, or a Method that some imported module exports;
        ``stepsize`` likewise (STEPSIZE); ``scenario`` a name or a .toml. What is given here wins over the marker.

        Raises ClaimViolated for a surprise; ClaimUndecided when the claim applies nowhere, when its bound is above the
        trivial one everywhere, or when ``require`` is not reached; RatecheckError for bad input and for a second call:
        the test's share of alpha is spent by one.
        """
        __tracebackhide__ = True
        from ratecheck.checks.job import exit_code, run
        from ratecheck.commands.request import level_of
        from ratecheck.core.verdict import Verdict
        from ratecheck.errors import RatecheckError

        try:
            asked = self._request(method, stepsize, scenario)
            results = run(asked.job(threads=1))
        except RatecheckError as fault:
            raise type(fault)(str(fault)) from None  # the test's line is shown, and not where it was noticed
        self.found = {
            "claim": self.name, "seed": asked.seed, "alpha": self.alpha,
            "results": [{n: r.as_json()[n] for n in ("evidence", "verdict", "expected", "summary")} for r in results],
        }  # fmt: skip
        code = exit_code(results, require=level_of(asked.require), named=asked.claims)
        # runs too few for HOLDS HERE are a test all the same: they could have refuted
        undecided = any(r.verdict is Verdict.INCONCLUSIVE for r in results)
        if code == 0 or (code == 5 and undecided and asked.require is None):
            return results
        text = self._failure(asked, results, code)
        raise ClaimViolated(text) if code == 1 else ClaimUndecided(text)

    def _request(self, method: Any, stepsize: Any, scenario: Any) -> Request:
        from ratecheck.commands.request import ask
        from ratecheck.core import shelf
        from ratecheck.errors import RatecheckError

        if self.called:
            raise RatecheckError("claim.check() was called before in this test: one check a test; use parametrize.")
        self.called = True
        own = self.options
        name = str(self._named(self.name))
        shelf.claim(name)
        asked = ask(
            [name],
            profile=str(self._named(scenario or own.scenario) or self.profile),
            evidence=own.evidence or KINDS,
            method=self._named(method or own.method, "METHOD"),
            stepsize=self._named(stepsize or own.stepsize, "STEPSIZE"),
            trace=None, seed=self.seed, alpha=self.alpha, kappa=None, force=False, strict=False, require=own.require,
        )  # fmt: skip
        if own.replicates:
            asked.scenario["monte_carlo"]["replicates"] = own.replicates
        return asked

    def _named(self, part: Any, attribute: str = "") -> str | None:
        """Return the name or path under which a part is found in any process."""
        if part is None:
            return None
        if isinstance(part, str | os.PathLike):
            text = os.fspath(part)
            return str(self.file.parent / text) if text.endswith((".py", ".toml")) else text
        return home(part, attribute, self.file)

    def _failure(self, asked: Request, results: Sequence[Result], code: int) -> str:
        """Keep the run; return what is said of it."""
        from ratecheck.checks.job import surprises
        from ratecheck.commands import session
        from ratecheck.core import shelf
        from ratecheck.core.run import Run

        kept = Run.create(self.out.resolve(), {"argv": sys.argv[1:], "request": asked.__dict__})
        session.finish(asked, kept, session.Done(list(results)))
        witnesses = {id(w): kept.folder / "witnesses" / name for name, w in session.witnesses(results).items()}
        lines = []
        for one in surprises(results) if code == 1 else results:
            lines += [f"{one.claim}, {one.evidence}: {one.verdict}", f"  {one.summary}"]
            if code == 1:
                lines += [f"  {line}" for line in explained(one, shelf.claim(one.claim))]
            if id(one.witness) in witnesses:
                lines.append(f"  replay: ratecheck replay {shlex.quote(str(witnesses[id(one.witness)]))}")
        why = {2: "nothing was tested: the claim applies to no cell", 3: f"the test requires {asked.require}",
               5: "nothing was tested: no bound was measured that could fail"}  # fmt: skip
        head = [why[code]] if code in why else []
        return "\n".join([*head, *lines, f"seed {asked.seed} (--ratecheck-seed {asked.seed}); kept in {kept.folder}"])


def home(part: Any, attribute: str, own: Path) -> str:
    """Return the file of a module, or of the imported module that exports this object as ``attribute``.

    A module other than the test's ``own`` file comes first. Raises PartError when there is none: a replay, in another
    process, could not find the part.
    """
    from ratecheck.errors import PartError

    modules = [part] if isinstance(part, ModuleType) else [
        m for m in list(sys.modules.values()) if getattr(m, "__dict__", {}).get(attribute) is part
    ]  # fmt: skip
    files = [str(file) for m in modules if (file := getattr(m, "__file__", None))]
    if not files:
        raise PartError(f"{part!r:.60} is exported as {attribute} by no imported file; a replay could not find it.")
    return min(files, key=lambda file: Path(file) == own)


def explained(result: Result, claim: Claim) -> list[str]:
    """Return what a refutation rests on: how sure it is, and what was checked before."""
    if result.witness is None:
        return [f"the claim is declared to be {result.expected}"]
    if result.evidence != EVIDENCE_AT_RANDOM:
        return []
    from ratecheck.core.cell import Cell

    digest = Cell.from_json(dict(result.witness["cell"])).digest
    rows = [c for c in result.details["cells"] if "inequalities" in c]
    row = next(c for c in rows if c["digest"] == digest)
    one = row["inequalities"].get(result.witness["check"], {})
    lines = []
    if "log10_e" in one and one["rhs"] > 0:
        end = ("at least", one["low"]) if claim.kind == "upper" else ("at most", one["high"])
        lines += [
            f"ratio {end[0]} {end[1] / one['rhs']:.4g} ({result.details['band']:.0%}, jointly over all cells)",
            f"e-value 10^{one['log10_e']:.2f} >= 10^{one['log10_threshold']:.2f}, for all inequalities of the check at "
            f"this test's alpha {result.details['alpha']:.3g}; after {row['n']} runs",
        ]
    assumed = "; ".join(a.name for a in claim.conditions())
    return [*lines, f"preconditions checked: {assumed}; constants of the problem measured"]
