"""Contract of every method on the shelf: one kernel source, the same numbers in Numba, CPython, Fractions and sympy."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

from ratecheck.core.cell import Cell
from ratecheck.core.method import Method
from ratecheck.core.part import Part
from ratecheck.core.shelf import METHODS, PROBLEMS, SCHEDULERS, load_file
from ratecheck.engine import loop
from ratecheck.engine.build import Built, build
from ratecheck.engine.replay import objects, plan_of
from ratecheck.engine.state import allocate, begin, no_draw, no_fill, no_gradient, no_query, parameters, switches
from ratecheck.engine.sweep import Outcome, simulate
from ratecheck.errors import MethodError, PartError
from tests.enclosure import Enclosure

FOLDER = Path(__file__).parents[2] / "ratecheck" / "methods"
every_method = pytest.mark.parametrize("name", METHODS.names())
PAIRS = [(name, scheduler) for name in METHODS.names() for scheduler in SCHEDULERS.names()]


def made_for(name: str, scheduler: str) -> bool:
    """Tell whether the method declares no schedulers, or this one."""
    declared = METHODS.get(name).schedulers
    return not declared or SCHEDULERS.get(scheduler).name in declared


every_pair = pytest.mark.parametrize(("name", "scheduler"), [pair for pair in PAIRS if made_for(*pair)])
SPECTRUM = ["1/9", "7/10", 1]


def built_of(
    name: str, scheduler: str, *, sigma: float = 0.3, workers: int = 3, steps: int = 24, noise: str = "gaussian",
    f: int = 0, x: int = 0,
) -> Built:  # fmt: skip
    """Return a small cell, with objective and model rescaled by 2^f and 2^x (the samples stay)."""
    spectrum = [float(Fraction(a)) * 2.0 ** (f - 2 * x) for a in SPECTRUM]
    cell = Cell(
        Part("quadratic", {"spectrum": spectrum, "radius": 3 * 2.0**x}), Part(noise),
        Part("exponential", {"spread": 5}), workers, steps, sigma * 2.0 ** (f - x), "R1",
        constants={"stepsize": 0.19 * 2.0 ** (2 * x - f)},
    )  # fmt: skip
    built = build(cell, 7, method=name, scheduler=scheduler, stepsize="constant")
    return dataclasses.replace(built, key=np.uint64(1234))


def replayed(built: Built, number: Callable[[float], Any], spectrum: list[Any] | None = None) -> Any:
    """Run the method without noise through ``loop.run`` on ``number``s of the cell; return the last x (d,)."""
    start, data = (objects([number(v) for v in a]) for a in (built.instance.start, built.instance.data))
    data = data if spectrum is None else objects(spectrum)
    gamma, gamma_hat, weight = ([number(v) for v in a.tolist()] for a in (
        built.weighted.gamma, built.weighted.gamma_hat, built.weighted.weight))  # fmt: skip
    method, schedule = built.method, built.weighted.schedule
    state = allocate(method, schedule, start, parameters(method, built.constants, exact=True), 1)
    plan = plan_of(schedule, gamma, gamma_hat, weight, exact=True)
    begin(method, state, start)
    loop.run(0, len(plan.worker) + 1, method.receive, method.query or no_query, no_gradient,
             PROBLEMS.get("quadratic").mean_gradient, no_fill, no_fill, no_draw, state.server, plan, state.flight,
             state.stream, switches(method, 0, average=True), data, None, 0, 0)  # fmt: skip
    return state.server.x[0].copy()


def same(a: Outcome, b: Outcome) -> bool:
    """True when two outcomes agree to the bit."""
    arrays = [(a.average, b.average), (a.last, b.last), *((a.measured[n], b.measured[n]) for n in a.measured)]
    return all(np.array_equal(p, q) for p, q in arrays)


def test_every_file_is_on_the_shelf():
    files = {p.stem for p in FOLDER.glob("*.py") if not p.stem.startswith("_")}
    assert files == set(METHODS.names())
    assert {METHODS.get(name).name for name in files} == files


@every_method
def test_a_file_is_small_and_says_what_it_is(name):
    source = (FOLDER / f"{name}.py").read_text()
    assert len(source.splitlines()) <= 40
    assert ast.get_docstring(ast.parse(source))


@pytest.mark.parametrize(("name", "scheduler"), [pair for pair in PAIRS if not made_for(*pair)])
def test_under_a_scheduler_that_it_is_not_made_for_a_method_does_not_run(name, scheduler):
    with pytest.raises(MethodError, match=f"method '{name}' is made for scheduler '.*it is another method"):
        built_of(name, scheduler)


def test_schedulers_that_methods_name_exist_and_docstrings_say_them():
    """Who forgets one of both is told: the docstring says "For the X scheduler" where the field does."""
    names = {SCHEDULERS.get(s).name for s in SCHEDULERS.names()}
    for name in METHODS.names():
        told = " ".join((ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text())) or "").split())
        assert re.findall(r"For the (\w+) scheduler", told) == list(METHODS.get(name).schedulers)
        assert names >= set(METHODS.get(name).schedulers)


# one source, many numbers


@every_pair
@pytest.mark.parametrize("noise", ["gaussian", "none"])
def test_strict_build_is_bitwise_cpython(name, scheduler, noise):
    built = built_of(name, scheduler, noise=noise)
    assert same(simulate(built, 0, 8, strict=True), simulate(built, 0, 8, plain=True))


@every_pair
def test_default_build_fractions_and_floats_lie_in_one_enclosure(name, scheduler):
    """The kernel on enclosures bounds its own rounding, contraction included; the bound is not wide either.

    24 steps of at most 8 operations with numbers below 4 widen by less than 24 * 8 * 4 * (1 + 0.19)^24 ulps < 2^-35.
    A method that looks at a sample in two points takes k times one gradient less k - 1 times the other: there 6 steps
    widen what is one wide at the start to 63 (the recursion of ``async_mu2_sgd`` in absolute values), and as much.
    """
    built = built_of(name, scheduler, sigma=0, steps=24 if METHODS.get(name).queries == 1 else 6)
    if not (built.method.compiled and built.method.symbolic):
        pytest.skip("branches on numbers: only the strict build is compared")
    bounds = replayed(built, Enclosure.of)
    exact = replayed(built, Fraction)
    assert all(isinstance(v, Fraction) for v in exact)
    runs = [simulate(built, 0, 1, strict=strict).last.tolist() for strict in (False, True)]
    for i, bound in enumerate(bounds):
        assert bound.width < 2.0**-35
        assert all(v in bound for v in (exact[i], runs[0][i], runs[1][i]))


@every_pair
def test_sympy_symbols_stand_for_all_numbers(name, scheduler):
    """Iterates on symbols, then numbers put in, are the iterates on those Fractions."""
    built = built_of(name, scheduler, sigma=0, workers=2, steps=4)
    if not built.method.symbolic:
        pytest.skip("branches on numbers")
    letters: dict[sp.Symbol, sp.Rational] = {}

    def symbol(value: float) -> sp.Symbol:
        found = sp.Symbol(f"v{len(letters)}")
        letters[found] = sp.Rational(*Fraction(value).as_integer_ratio())
        return found

    curvatures = [symbol(a) for a in built.instance.data.tolist()]
    symbolic = replayed(built, symbol, curvatures)
    exact = replayed(built, Fraction)
    for expression, value in zip(symbolic, exact, strict=True):
        assert expression.free_symbols & set(curvatures)
        assert expression.subs(letters) == sp.Rational(*value.as_integer_ratio())


@every_pair
@pytest.mark.parametrize(("f", "x"), [(3, 0), (0, 5), (-7, 4)])
@pytest.mark.parametrize("strict", [True, False])
def test_rescaling_by_powers_of_two_is_exact(name, scheduler, f, x, strict):
    """A method speaks of F and x in their units: F 2^f and x 2^x times as large give exactly that many times x_k."""
    one = simulate(built_of(name, scheduler), 0, 8, strict=strict)
    other = simulate(built_of(name, scheduler, f=f, x=x), 0, 8, strict=strict)
    assert np.array_equal(other.last, one.last * 2.0**x)
    assert np.array_equal(other.average, one.average * 2.0**x)
    assert np.array_equal(other.measured["output_gap"], one.measured["output_gap"] * 2.0**f)


# dialect

INTEGERS = {"workers", "replicates", "worker", "stamp"}
TABLES = {"clock", "count", "tally", "tag", "shape"}


def dialect_faults(source: str, skip: set[str] | frozenset[str] = frozenset()) -> Iterator[str]:
    """Say where a kernel file has float literals, powers, or divides two integers (functions in ``skip`` apart)."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef) or function.name in skip:
            continue
        whole = _integer_names(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
                yield f"line {node.lineno}: float literal {node.value}"
            operator = getattr(node, "op", None)
            if isinstance(operator, ast.Pow):
                yield f"line {node.lineno}: power"
            if isinstance(operator, ast.Div):
                sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)  # type: ignore[attr-defined]
                if all(_is_integer(s, whole) for s in sides):
                    yield f"line {node.lineno}: divides two integers"
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("pow", "float"):
                yield f"line {node.lineno}: {node.func.id}()"  # type: ignore[attr-defined]


def _integer_names(function: ast.FunctionDef) -> set[str]:
    found = {a.arg for a in function.args.args if a.arg in INTEGERS}
    for _ in range(3):  # names defined from names
        for node in ast.walk(function):
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
            if isinstance(node, ast.Assign):
                pairs = [(t, node.value) for t in node.targets]
                if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(node.targets[0].elts, node.value.elts, strict=True))
                found |= {t.id for t, v in pairs if isinstance(t, ast.Name) and _is_integer(v, found)}
    return found


def _is_integer(node: ast.expr, names: set[str]) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int)
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Attribute):
        return node.attr in INTEGERS
    if isinstance(node, ast.Subscript):
        base = node.value
        while isinstance(base, ast.Subscript):
            base = base.value
        return isinstance(base, ast.Attribute) and base.attr in TABLES
    if isinstance(node, ast.BinOp):
        return _is_integer(node.left, names) and _is_integer(node.right, names)
    return isinstance(node, ast.UnaryOp) and _is_integer(node.operand, names)


@every_method
def test_dialect(name):
    rows = METHODS.get(name).rows
    skip = {rows.__name__} if rows else set()
    assert list(dialect_faults((FOLDER / f"{name}.py").read_text(), skip)) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("x[0] -= 0.5 * g[0]", "float literal"),
        ("x[0] -= g[0] ** 2", "power"),
        ("x[0] -= (1 / 2) * g[0]", "divides two integers"),
        ("x[0] -= (a.stamp + 1) / server.workers * g[0]", "divides two integers"),
        ("x[0] -= server.clock[0] / server.tally[1, 0] * g[0]", "divides two integers"),
        ("n, y = x.shape[0], g\n    for i in range(n):\n        x[i] -= (i / n) * y[i]", "divides two integers"),
        ("x[0] -= pow(g[0], 2)", "pow()"),
    ],
)
def test_a_line_out_of_the_dialect_is_found(line, fault):
    source = f"def receive(server, a):\n    x, g = server.x[0], a.grad[0]\n    {line}\n"
    assert any(fault in sentence for sentence in dialect_faults(source))


def test_the_dialect_allows_what_kernels_need():
    source = "def receive(server, a):\n    x = server.x[0]\n    x[0] -= a.gamma * x[0] / server.workers / 2\n"
    assert list(dialect_faults(source)) == []


# lies: what the contract is there to see


def test_a_float_literal_leaves_the_fractions():
    """Why the dialect has no float literals: the exact replay would silently become a float one."""

    def half(server: Any, a: Any) -> None:
        server.x[0][0] -= 0.5 * a.gamma * a.grad[0][0]

    built = dataclasses.replace(built_of("async_sgd", "asynchronous", sigma=0), method=Method("half", half))
    assert not all(isinstance(v, Fraction) for v in replayed(built, Fraction))


def square(server: Any, a: Any) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i] * x[i]


def absolute(server: Any, a: Any) -> None:
    x, g = server.x[0], a.grad[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * g[i] + 1 / (1 + a.gamma * 0)


@pytest.mark.parametrize("receive", [square, absolute])
def test_a_method_with_wrong_units_is_seen_by_rescaling(receive):
    lie = Method("lie", receive)
    runs = []
    for x in (0, -5):
        built = dataclasses.replace(built_of("async_sgd", "asynchronous", sigma=0, x=x), method=lie)
        runs.append(simulate(built, 0, 1, plain=True).last / 2.0**x)
    assert np.isfinite(runs).all()
    assert not np.array_equal(*runs)


def test_an_enclosure_sees_one_part_in_2_to_the_40():
    """The float run of a kernel that is wrong by 2^-40 lies outside the enclosures of the right one."""

    def off(server: Any, a: Any) -> None:
        x, g = server.x[0], a.grad[0]
        for i in range(x.shape[0]):
            x[i] -= a.gamma * g[i] * (2**40 + 1) / 2**40

    built = built_of("async_sgd", "asynchronous", sigma=0)
    bounds = replayed(built, Enclosure.of)
    wrong = simulate(dataclasses.replace(built, method=Method("off", off)), 0, 1, plain=True).last
    assert not any(v in bound for v, bound in zip(wrong.tolist(), bounds, strict=True))


# parameters


def scaled(server: Any, a: Any) -> None:
    x, g, beta = server.x[0], a.grad[0], server.par[0]
    for i in range(x.shape[0]):
        x[i] -= a.gamma * beta * g[i]


def test_parameters_come_from_the_cell_or_the_default_or_nobody():
    method = Method("scaled", scaled, par={"beta": "9/10"})
    assert parameters(method, {}, exact=True) == [Fraction(9, 10)]
    assert parameters(method, {"beta": 0.25}, exact=False) == [0.25]
    needs = Method("scaled", scaled, par={"beta": None})
    with pytest.raises(PartError, match=r"needs a number 'beta', which nobody defines; in reach: M"):
        parameters(needs, {"M": 3, "G": None}, exact=True)
    with pytest.raises(PartError, match="must be a number"):
        parameters(Method("scaled", scaled, par={"beta": "nine"}), {}, exact=False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("METHOD = 3 +", "syntax error"),
        ("from ratecheck.core.method import Method\nMETHOD = Method('x', 3)", "receive must be a function"),
        (
            "from ratecheck.core.method import Method\nMETHOD = Method('x', print, slots=('y',))",
            "the first slot is the model",
        ),
        ("METHODS = 1", "has no METHOD"),
    ],
)
def test_a_bad_method_file_is_one_sentence(text, sentence, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(PartError, match=sentence):
        METHODS.get(str(path))
    with pytest.raises(PartError, match="cannot be read"):
        load_file(tmp_path / "nowhere.py")
