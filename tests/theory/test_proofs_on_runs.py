"""Every fact of a derivation, evaluated on small runs in which expectations are exact.

Noise is +sigma or -sigma, and an expectation is the mean over all patterns of signs. The objective is 1 - cos(x), or a
parabola where it must be convex; workers' own ones are tilted by numbers that sum to zero. This shares no code with the
checkers of steps: an evaluator of formulas, and the algorithm written out.
"""

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy as sp

from ratecheck.checks import symbolic
from ratecheck.checks.steps import Context
from ratecheck.core import shelf
from ratecheck.core.gram import Ip, Vec
from ratecheck.core.proof import Fact
from ratecheck.core.setting import i, j, m
from ratecheck.core.symbols import k
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order, weigh

#: numbers of a size near 1, a few dozen operations each
ROUNDING = 1e-12
START, SIGMA, ZETA = 0.6, 3.0, 0.5
#: of objectives that are strongly convex
MU = 1.0
#: F, F' and the smoothness
WELL = (lambda x: 1 - np.cos(x), np.sin, 1.0)
PARABOLA = (lambda x: x**2, lambda x: 2 * x, 2.0)
CLAIMS = [
    ("mishchenko2022.theorem4", WELL),
    ("mishchenko2022.fixed_delay", WELL),
    ("mishchenko2022.theorem3_nonconvex", WELL),
    ("mishchenko2022.theorem3_convex", PARABOLA),
]


class Run:
    """One arrival order under one output rule: what every letter of a derivation stands for."""

    def __init__(self, name, objective, workers, order, output):
        value, slope, smooth = objective
        claim, self.setting = shelf.CLAIMS.get(name), symbolic.proof_of(name).setting
        many, own = len(order), self.setting.own_objectives
        tilt = ZETA * np.array([1.0, -1.0, 0.0, 0.0])[:workers] if own and workers > 1 else np.zeros(workers)
        schedule = from_order(shelf.SCHEDULERS.get("async"), workers, np.array(order, dtype=np.int64))
        self.letters = {
            "M": workers, "K": many, "L": smooth, "sigma": SIGMA, "zeta": float(abs(tilt).max()), "B": START,
            "Delta": float(value(START)), "mu": MU, **schedule.longest,
        }  # fmt: skip
        rule = shelf.STEPSIZES.get(claim.stepsize)
        final = weigh(schedule, rule, self.letters, output).gamma_hat
        gamma = rule.table(np.full(many, many), schedule.delay[:many], self.letters)
        noise = SIGMA * np.array(list(itertools.product((1, -1), repeat=workers + many))).T
        owner, made = schedule.to_worker[: workers + many], schedule.made_at[: workers + many]
        end = np.full(workers + many, many + 1)
        end[schedule.source[:many]] = np.arange(1, many + 1)

        x, mean = [np.full(noise.shape[1], START)], {}
        for step in range(many + 1):
            if step:
                given = schedule.source[step - 1]
                x.append(x[-1] - gamma[step - 1] * (mean[given] + noise[given]))
            for hand_out in np.flatnonzero(made == step):
                mean[hand_out] = slope(x[step]) + tilt[owner[hand_out]]
        initial, later = list(np.flatnonzero(made == 0)), list(np.flatnonzero(made > 0))
        virtual = [None, START - sum(final[a] * (mean[a] + noise[a]) for a in initial)]
        for a in later:
            virtual.append(virtual[-1] - final[a] * (mean[a] + noise[a]))
        flying = {a: np.flatnonzero((made < a) & (end > a)) for a in range(1, many + 1)}
        plain = {a: slope(x[made[a]]) for a in mean}
        applied = mean if own else plain

        def beside(table):
            return lambda a, b: table[flying[a][b - 1]]

        def first(table):
            return lambda a: table[initial[a - 1]]

        def after(table):
            return lambda a: table[later[a - 1]]

        delay = dict(enumerate(end - made))
        ones = np.ones(noise.shape[1])
        self.of = {
            "y0": lambda: START * ones, "h0": lambda: slope(START) * ones, "n0": first(noise), "q0": first(mean),
            "N0": lambda: sum(final[b] * noise[b] for b in initial),
            "S0": lambda: sum(final[b] * (plain[b] + noise[b]) for b in initial),
            "Q0": lambda: sum(final[b] * mean[b] for b in initial),
            "u": lambda a: virtual[a], "e": lambda a: x[a] - virtual[a], "hv": lambda a: slope(virtual[a]),
            "h": after(plain), "q": after(mean), "n": after(noise),
            "hf": beside(plain), "qf": beside(mean), "nf": beside(noise),
            "s": lambda a: sum((final[b] * applied[b] for b in flying[a]), 0 * ones),
            "z": lambda a: sum((final[b] * noise[b] for b in flying[a]), 0 * ones),
            "ghat": after(final), "ghat0": first(final), "ghatf": beside(final), "gamma": lambda a: gamma[a - 1],
            "delta": lambda a: value(x[a]).mean(), "phi": lambda a: value(virtual[a]).mean(),
            "t": after(delay), "t0": first(delay), "tf": beside(delay), "tau": lambda a: schedule.delay[a - 1],
            "again": lambda a: order[a - 1] in order[: a - 1],
        }  # fmt: skip
        weights = {a: final[later[a - 1]] for a in range(1, many + 1)}
        weights[0] = final[initial].sum() if output == "R0" else 0.0
        total = sum(weights.values())
        gaps = sum(w * value(x[a]).mean() for a, w in weights.items()) / total
        self.letters |= {
            "W": total, "Q": (final[: workers + many] ** 2).sum(), "Gamma_0": final[initial].sum(),
            "V": sum(final[later[a - 1]] * (final[flying[a]] ** 2).sum() for a in flying),
            "mean_gradient_sq": sum(w * (slope(x[a]) ** 2).mean() for a, w in weights.items()) / total,
            "mean_gap": gaps, "virtual_gap": value(virtual[-1]).mean(), "virtual_sq": (virtual[-1] ** 2).mean(),
            "output_gap": value(sum(w * x[a] for a, w in weights.items()) / total).mean(), "delta0": value(START),
            "stepsize": gamma[0], "p": len(set(order)),
        }  # fmt: skip

    def number(self, expr, at):
        """Return the value of an expression at values of its indices."""
        if isinstance(expr, sp.Sum):
            ((index, low, high),) = expr.limits
            ends = [int(self.number(end, at)) for end in (low, high)]
            return sum(self.number(expr.function, {**at, index: value}) for value in range(ends[0], ends[1] + 1))
        if isinstance(expr, Ip):
            left, right = (self.of[v.name](*(int(self.number(a, at)) for a in v.args[1:])) for v in expr.args)
            return (left * right).mean()
        if isinstance(expr, sp.Function) and not isinstance(expr, sp.Max):
            return float(self.of[expr.func.__name__](*(int(self.number(a, at)) for a in expr.args)))
        if isinstance(expr, sp.Symbol):
            return at[expr] if expr in at else self.letters[expr.name]
        if expr.args:
            return float(expr.func(*(self.number(a, at) for a in expr.args)))
        return float(expr)

    def places(self, expr):
        """Yield all values of the indices that are free in an expression."""
        ends = {k: self.letters["K"], i: self.letters["K"] - 1, j: self.letters["M"] - 1, m: self.letters["M"]}
        free = [index for index in ends if index in expr.free_symbols]
        for values in itertools.product(*(range(1, ends[index] + 1) for index in free)):
            at = dict(zip(free, values, strict=True))
            if at.get(i, 0) < at.get(k, self.letters["K"]):  # i = 1..k-1
                yield at

    def breaks(self, fact):
        """Return where the fact is false, or None."""
        for at in self.places(fact.left - fact.right):
            left, right = self.number(fact.left, at), self.number(fact.right, at)
            room = ROUNDING * (1 + abs(left) + abs(right))
            if left > right + room or (fact.equality and left < right - room):
                return at, left, right
        return None


@cache
def derived(name):
    """The facts of a claim's derivation with their tags, and the letters defined on the way."""
    claim, proof = shelf.CLAIMS.get(name), symbolic.proof_of(name)
    context = Context(claim, shelf.STEPSIZES.get(claim.stepsize), proof.setting)
    for step in proof.steps:
        context.done[step.name] = symbolic._discharged(step, context)
    return context


def runs(name, objective, output, cases=((1, 2), (2, 3), (3, 2))):
    for workers, steps in cases:
        for order in arrival_orders(shelf.SCHEDULERS.get("async"), workers, steps, labelled=name == CLAIMS[0][0]):
            run = Run(name, objective, workers, order, output)
            for letter, values in derived(name).letters.items():
                run.letters[letter.name] = min(run.number(v, {}) for v in values.values())
            yield run


@pytest.mark.parametrize("output", ["R1", "R0"])
@pytest.mark.parametrize(("name", "objective"), CLAIMS)
def test_every_fact_holds_on_every_small_run(name, objective, output):
    rules = {"R1", "R0", "RL"} - {output}
    facts = {n: o.fact for n, o in derived(name).done.items() if not o.tags & rules}
    assert len(facts) > 40
    assumed = {a.name for a in shelf.CLAIMS.get(name).assumptions}
    for run in runs(name, objective, output):
        if "K >= M" in assumed and run.letters["K"] < run.letters["M"]:
            continue
        for step, fact in facts.items():
            assert run.breaks(fact) is None, step


@pytest.mark.parametrize(
    ("step", "put"),
    [
        ("dissimilarity", lambda f: replace(f, right=f.right / 2)),
        ("smooth", lambda f: replace(f, right=f.right / 2)),
        ("noise in flight is orthogonal", lambda f: Fact(f.left + 1, f.right, True)),
        ("move", lambda f: replace(f, right=-f.right)),
        ("windows", lambda f: replace(f, right=f.right / 2)),
        ("closed delays", lambda f: replace(f, right=f.right - 1)),
        ("first arrivals", lambda f: replace(f, right=f.right / 2)),
        ("M initial gradients", lambda f: replace(f, right=f.right / 3)),
        ("error in two parts", lambda f: replace(f, right=f.right / 2)),
    ],
)
def test_false_facts_break_on_some_run(step, put):
    name, objective = CLAIMS[0]
    fact = derived(name).done[step].fact
    found = [run.breaks(put(fact)) for run in runs(name, objective, "R1")]
    assert any(found)


def test_the_evaluator_knows_all_vectors():
    """A vector of a setting that it does not know would be an error, not a pass."""
    run = next(runs(*CLAIMS[0], "R1"))
    known = {atom.name for left, right in run.setting.equations.values() for atom in (left + right).atoms(Vec)}
    assert known <= set(run.of)
