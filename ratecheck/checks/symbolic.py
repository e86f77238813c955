"""Symbolic evidence: every step of a claim's proof is discharged by its checker, and the last facts are the claim.

PROVED: all steps are discharged, and they end in the bound of every output rule, or in every fact of a lemma; which
sharper forms are not derived is said. A false step is REFUTED with its counterexample, which says nothing about the
claim itself. Where steps that nobody discharges are trusted, by name, or a bound is not derived, the verdict is NOT
REFUTED.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp

from ratecheck import core
from ratecheck.checks import cascade, legend, lemmas
from ratecheck.checks.steps import BY_RULE, OUTPUTS, Context, Outcome, Refused, Undone, clash, means
from ratecheck.checks.steps.certificate import divides_by_positive
from ratecheck.checks.steps.written import claim_fault, require_written, stepsize_fault
from ratecheck.core import shelf
from ratecheck.core.assumption import POLICIES
from ratecheck.core.claim import Claim
from ratecheck.core.gram import normal
from ratecheck.core.proof import Fact, Proof, Step
from ratecheck.core.setting import Setting
from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import beta, weight
from ratecheck.core.verdict import Result, Verdict
from ratecheck.errors import PartError

#: the assumption of every claim about a method with momentum
MOMENTUM = "0 <= beta < 1"


@dataclass
class Chain:
    """A checked proof: a row a step, what is trusted (name to reason), and the first false step."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    trusted: dict[str, str] = field(default_factory=dict)
    false: tuple[str, str] | None = None
    proved: dict[str, list[str]] = field(default_factory=dict)


def proof_of(name: str) -> Proof | None:
    """Return the PROOF of a claim's file, or None. Raises PartError when it is no Proof."""
    try:
        found = getattr(shelf.CLAIMS.module(name), "PROOF", None)
    except KeyError:  # a claim made in memory
        return None
    if found is not None and not isinstance(found, Proof):
        raise PartError(f"{name}: PROOF must be a Proof, not a {type(found).__name__}.")
    return found


def parts(claim: Claim, proof: Proof) -> list[tuple[Claim, Proof]]:
    """Return the proof in parts, one a delay policy: an inequality that covers less than the claim is derived apart.

    The first part is under the claim's own policy and has every step that is not there for another part alone.
    """
    ends: dict[str, dict[str, dict[str, str]]] = {claim.policy: {}}
    for output, named in proof.proves.items():
        says = claim.outputs[output].inequalities() if output in claim.outputs else {}
        for what, name in named.items():
            policy = (says[what].policy if what in says else "") or claim.policy
            ends.setdefault(policy, {}).setdefault(output, {})[what] = name
    needed = {policy: _needed(proof, proves) for policy, proves in ends.items()}
    apart = set().union(*(names for policy, names in needed.items() if policy != claim.policy)) - needed[claim.policy]
    found: list[tuple[Claim, Proof]] = []
    for policy, proves in ends.items():
        steps = tuple(s for s in proof.steps if (s.name in needed[policy] if found else s.name not in apart))
        found.append((replace(claim, policy=policy) if found else claim, replace(proof, steps=steps, proves=proves)))
    return found


def _needed(proof: Proof, proves: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Return the names of the steps that these ends are derived from, the ends included."""
    names = {name for ends in proves.values() for name in ends.values()}
    for step in reversed(proof.steps):
        names |= set(step.uses) if step.name in names else set()
    return names


def checked(claim: Claim, proof: Proof) -> Chain:
    """Check every step and where they end, in every part of the proof; see ``parts``."""
    (own, rest), *others = parts(claim, proof)
    first = _checked(own, rest)
    for narrow, part in others:
        other = _checked(narrow, part)
        first.trusted |= other.trusted
        first.false = first.false or other.false
        known = {row["step"] for row in first.rows}
        first.rows += [
            {**row, "checker": f"{row['checker']} (for {narrow.policy} delays)"}
            for row in other.rows if row["step"] not in known or row["verdict"] != "PROVED"
        ]  # fmt: skip
        for output, names in other.proved.items():
            first.proved.setdefault(output, []).extend(names)
    return first


def _checked(claim: Claim, proof: Proof) -> Chain:
    """Check every step and where they end. A step that uses a trusted one is checked all the same."""
    rule = shelf.STEPSIZES.get(claim.stepsize) if isinstance(claim.stepsize, str) else claim.stepsize
    assert isinstance(rule, Stepsize)
    context, chain = Context(claim, rule, proof.setting), Chain()
    if not _of_the_kernel(proof.setting):
        chain.trusted["setting"] = f"what letters mean in {proof.setting.name!r} is not said in ratecheck.core"
    elif (claim.method, claim.scheduler) != (proof.setting.method, proof.setting.scheduler):
        chain.trusted["setting"] = f"it is about {proof.setting.name}, and the claim about {claim.method!r}"
    elif context.assumes("finite zeta") != proof.setting.own_objectives:
        words = ("one objective for all workers", "an objective for each worker")
        one, other = words[::-1] if proof.setting.own_objectives else words
        chain.trusted["setting"] = f"it is about {one}, and the claim about {other}"
    elif fault := growth_fault(claim, proof.setting):
        chain.trusted["setting"] = fault
    elif claim.outputs and beta in proof.setting.reads and not context.assumes(MOMENTUM):
        chain.trusted["setting"] = f"in it {MOMENTUM}, and the claim does not assume that"
    if fault := claim_fault(context):
        chain.trusted["letters"] = fault
    in_mean = bool(claim.outputs) or any(step.kind == "expectation" for step in proof.steps)
    if fault := stepsize_fault(context, in_mean):
        chain.trusted["stepsize"] = fault
    if claim.kind != "upper":
        chain.trusted["kind"] = "it says at most, and the claim at least"
    unknown: set[str] = set()  # broken steps that do not say their fact
    for step in proof.steps:
        row: dict[str, Any] = {"step": step.name, "kind": step.kind, "uses": list(step.uses)}
        chain.rows.append(row)
        try:
            outcome = _discharged(step, context)
            row |= {"says": str(outcome.fact), "checker": outcome.checker, "slack": outcome.slack, "verdict": "PROVED"}
        except (Refused, Undone) as fault:  # what uses a fact that nobody knows is not false by itself
            false = isinstance(fault, Refused) and not unknown & set(step.uses)
            row |= {"checker": str(fault), "verdict": "REFUTED" if false else "trusted"}
            if false:
                chain.false = (step.name, str(fault))
                return chain
            chain.trusted[step.name] = str(fault)
            outcome = Outcome(_claimed(step), "trusted")
            unknown |= set() if isinstance(getattr(step, "says", None), Fact) else {step.name}
        context.done[step.name] = outcome
    _close(claim, proof, context, chain)
    return chain


def _of_the_kernel(setting: Setting) -> bool:
    """True for the settings of ``ratecheck.core.setting*``: what a letter means is not for a claim's file to say."""
    names = [module.name for module in pkgutil.iter_modules(core.__path__) if module.name.startswith("setting")]
    return any(
        setting is one for name in names for one in vars(importlib.import_module(f"ratecheck.core.{name}")).values()
    )


def growth_fault(claim: Claim, setting: Setting) -> str:
    """Return how the output weights of the setting differ from those of the claim, '' when they are the same."""
    grows = setting.growth
    if grows is None:
        return "in it output weights do not grow, and those of the claim do" if claim.growth is not None else ""
    if claim.growth is None:
        return "in it output weights grow, and those of the claim do not"
    at_0, along = (claim.growth.expr.subs(weight, raw) for raw in (0, grows.raw))
    apart = sp.cancel(along * grows.factor - 1)
    if at_0 != 1 or apart != 0:
        return f"in it output weights grow by {1 / grows.factor}, and those of the claim by {along}"
    return ""


def _discharged(step: Step, context: Context) -> Outcome:
    if step.name in context.done:
        raise Undone(f"there are two steps {step.name!r}")
    if importlib.util.find_spec(f"ratecheck.checks.steps.{step.kind}") is None:
        raise Undone(f"no checker for steps of kind {step.kind!r}")
    require_written(step, context)
    says = getattr(step, "says", None)
    if says is not None and not divides_by_positive(says.expr, context=context):
        raise Undone("it divides by something that may be 0")
    context.asked.clear()
    try:
        outcome: Outcome = importlib.import_module(f"ratecheck.checks.steps.{step.kind}").discharge(step, context)
    except PartError as fault:
        raise Undone(str(fault)) from fault
    grows = context.setting.growth
    signs = grows and (grows.letter.func, *grows.measured)
    if signs and not context.positive_weights and outcome.fact.expr.has(*signs):
        raise Undone("nothing says before it that the growing weights are positive")
    uses = context.asked | set(step.uses)  # what it says that it uses, and what its checker has asked for
    if unknown := uses - context.done.keys():
        raise Undone(f"it uses {min(unknown)!r}, which no earlier step derives")
    inherited = outcome.tags.union(means.tags_of(step, outcome, context), *(context.done[name].tags for name in uses))
    if clash(inherited):
        raise Undone(clash(inherited))
    return Outcome(outcome.fact, outcome.checker, outcome.slack, inherited)


def _claimed(step: Step) -> Fact:
    says = getattr(step, "says", None)
    return says if isinstance(says, Fact) else Fact(sp.S.Zero, sp.S.Zero)


def _close(claim: Claim, proof: Proof, context: Context, chain: Chain) -> None:
    """Compare the facts that the proof ends in with what the claim says."""
    for output, ends in proof.proves.items():
        says = claim.outputs[output].inequalities() if output in claim.outputs else {}
        for what, name in ends.items():
            outcome = context.done.get(name)
            fault = f"no step {name!r}"
            if outcome is not None and not output:
                fault = lemmas.fault(claim, proof, what, name, context)
            elif outcome is not None and what in says and output in OUTPUTS:
                rest = normal(outcome.fact.expr - proof.setting.read(says[what].rhs.expr - says[what].lhs.expr))
                fault = f"step {name!r} ends {rest} away from the claim" if rest != 0 else ""
                fault = fault or clash(outcome.tags | {output} | ({BY_RULE} if what == "master" else set()))
            elif outcome is not None:
                fault = f"the claim says no {what!r} under {output!r}"
            if fault:
                chain.trusted[f"{what} {output}"] = fault
            else:
                chain.proved.setdefault(output, []).append(what)


def missing(claim: Claim, chain: Chain) -> list[str]:
    """Return which statements of the claim the proof does not end in."""
    named = [] if claim.outputs else [i.name for i in claim.identities]
    named += [*(c.name for c in claim.counting), *(s.name for s in claim.stability)]
    return [name for name in named if name not in chain.proved.get("", ())] + [
        f"{what} {output}" for output, statement in claim.outputs.items() for what in statement.inequalities()
        if what not in chain.proved.get(output, ())
    ]  # fmt: skip


def check(name: str, claim: Claim, scenario: str, *, say_none: bool = False) -> Result | None:
    """Return the symbolic evidence for a claim, None when its file has no PROOF (NOT APPLICABLE with ``say_none``)."""
    proof = proof_of(name)
    if proof is None:
        why = "its file has no PROOF: no derivation is typed step by step"
        return Result(name, scenario, "symbolic", Verdict.NOT_APPLICABLE, why, claim.expect) if say_none else None
    chain = checked(claim, proof)
    details: dict[str, Any] = {**legend.of_chain(proof, chain.rows, claim), "trusted": dict(chain.trusted),
                               "proved": chain.proved, "not_derived": missing(claim, chain)}  # fmt: skip
    if chain.false:
        before = f"; trusted before it: {cascade.listed(chain.trusted, chain.rows)}" if chain.trusted else ""
        summary = f"step {chain.false[0]!r} of the derivation is false: {chain.false[1]}{before}"
        return Result(name, scenario, "symbolic", Verdict.REFUTED, summary, claim.expect, details)
    if chain.trusted:
        summary = f"trusted, not derived: {cascade.listed(chain.trusted, chain.rows)}"
        return Result(name, scenario, "symbolic", Verdict.NOT_REFUTED, summary, claim.expect, details)
    covered = {output: says.bound.policy or claim.policy for output, says in claim.outputs.items()}
    far = POLICIES.index(claim.policy)  # a bound for fewer delays than the claim covers is not the claim
    whole = all("bound" in chain.proved.get(output, ()) and POLICIES.index(policy) >= far
                for output, policy in covered.items())  # fmt: skip
    facts = [*(c.name for c in claim.counting), *(s.name for s in claim.stability)]
    whole &= bool(claim.outputs) or not missing(claim, chain)
    whole &= bool(chain.proved) and set(facts) <= set(chain.proved.get("", ()))
    verdict = Verdict.PROVED if whole else Verdict.NOT_REFUTED
    return Result(name, scenario, "symbolic", verdict, _summary(chain, claim), claim.expect, details)


def _summary(chain: Chain, claim: Claim) -> str:
    by_names: dict[str, list[str]] = {}
    for output, names in chain.proved.items():
        says = claim.outputs[output].inequalities() if output else {}
        policies = {n: i.policy for n, i in says.items()}
        words = ", ".join(f"{n} for {policies[n]} delays" if policies.get(n) else n for n in names)
        by_names.setdefault(words, []).append(output)
    what = ", ".join(
        f"{names} ({', '.join(outputs)})" if outputs != [""] else names for names, outputs in by_names.items()
    )
    left = missing(claim, chain)
    steps = f"{len(chain.rows)} step{'s' if len(chain.rows) > 1 else ''}"
    what = what or "nothing"
    return f"{what}: {steps}, none trusted" + (f" (not derived: {', '.join(left)})" if left else "")
