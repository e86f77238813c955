"""Who may import whom, and other rules that a reader of the sources relies on."""

import ast
import json
import re
import subprocess
import sys

import pytest

from ratecheck.core.scenario import schema
from tests.command import ROOT

SHELVES = ("methods", "schedulers", "stepsizes", "problems", "noises", "delays")
CORE = ("ratecheck.core", "ratecheck.errors")
PORTALS = ("ratecheck.proofs", "ratecheck.scenarios")
#: what a layer may import of ratecheck
OURS = {
    "core": (*CORE, *PORTALS),
    **dict.fromkeys((*SHELVES, "proofs"), CORE),
    "engine": (*CORE, "ratecheck.engine"),
    "mutants": (*CORE, "ratecheck.mutants"),
    "checks": (*CORE, "ratecheck.engine", "ratecheck.checks", "ratecheck.mutants"),
    "report": (*CORE, "ratecheck.report"),
    "server": CORE,
    "errors": (),
    "scenarios": (),
}
#: what a layer may import of others' packages; numba is for one file alone, below
THEIRS = {
    "core": {"numpy", "sympy", "pydantic"},
    **{layer: {"numpy", "sympy"} for layer in (*SHELVES, "proofs", "server", "mutants")},
    "problems": {"numpy", "sympy", "sklearn"},
    "engine": {"numpy"},
    "checks": {"numpy", "scipy", "sympy"},
    "report": {"numpy", "matplotlib", "jinja2", "rich"},
    "errors": set(),
    "scenarios": set(),
}
NUMBA = "ratecheck/engine/compile.py"
TOP = (
    "cli", "cli_attack", "cli_stability", "cli_statistics", "cli_trace", "cli_words", "commands", "api",
    "pytest_plugin", "testing", "__init__",
)  # fmt: skip

#: a file of more than 300 lines, or a function of more than 60, needs a reason
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS = {
    ("ratecheck/engine/clock.py", "simulate"): "one compiled loop; a call would copy its records",
    ("ratecheck/engine/loop.py", "hand_out"): "one compiled loop; a call would copy its records",
}


def tracked():
    """Paths of all files under version control, relative to the repository."""
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in found.split("\0") if name and (ROOT / name).is_file())


def sources():
    return [
        p.relative_to(ROOT).as_posix() for top in ("ratecheck", "proofs") for p in sorted((ROOT / top).rglob("*.py"))
    ]


def tree(name):
    return ast.parse((ROOT / name).read_text())


def layer_of(name):
    parts = name.removesuffix(".py").split("/")
    return "proofs" if parts[0] == "proofs" else parts[1]


def imports(name):
    """Yield the full names of the modules that a file imports, wherever it does."""
    package = name.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(module, allowed):
    return any(module == a or module.startswith(f"{a}.") for a in allowed)


@pytest.mark.parametrize("name", sources())
def test_imports_go_down_the_layers(name):
    layer = layer_of(name)
    for module in imports(name):
        root = module.split(".")[0]
        if name == NUMBA and root == "numba":
            continue
        assert root not in ("numba", "llvmlite"), f"{name} imports {module}; only {NUMBA} may"
        if layer in TOP or root in sys.stdlib_module_names:
            continue
        if root == "ratecheck":
            assert within(module, OURS[layer]), f"{name} ({layer}) imports {module}"
        elif layer == "proofs" and root == "proofs":
            continue  # a relative import inside the folder; absolute ones have a test of their own
        else:
            assert root in THEIRS[layer], f"{name} ({layer}) imports {module}"


def test_every_layer_is_judged():
    """A new folder of the package needs a line in the tables above."""
    assert {layer_of(name) for name in sources()} == {*OURS, *TOP}


def test_nobody_imports_proofs_absolutely():
    """``import proofs.x`` would make a second CLAIM object beside the shelf's."""
    for name in [n for n in tracked() if n.endswith(".py")]:
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.Import):
                assert not any(within(alias.name, ("proofs",)) for alias in node.names), name
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert not within(node.module, ("proofs",)), name


def test_no_text_is_run_as_code():
    banned = {"eval", "exec", "compile", "__import__", "sympify", "parse_expr", "S"}
    for name in sources():
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.Call):
                called = node.func
                word = called.id if isinstance(called, ast.Name) else None
                if isinstance(called, ast.Attribute) and called.attr in banned - {"compile"}:
                    word = called.attr
                assert word not in banned, f"{name}, line {node.lineno}: {word}"


def test_the_repository_speaks_of_the_project_alone():
    places = re.compile("|".join([r"(?<![\w.])/" + r"work\b", r"\." + "library", "farm" + "-", r"\bshared" + "/"]))
    unfinished = re.compile("TO" + "DO|FIX" + "ME")
    for name in tracked():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = unfinished.search(text) or (places.search(text) if name != ".ci/run" else None)
        assert not found, f"{name}: {found and found[0]}"


def test_files_and_functions_are_short():
    for name in sources():
        lines = (ROOT / name).read_text().count("\n")
        assert lines <= 300 or name in LONG_FILES, f"{name} has {lines} lines"
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                assert size <= 60 or (name, node.name) in LONG_FUNCTIONS, f"{name}: {node.name} has {size} lines"


def test_the_exceptions_are_still_needed():
    for name in LONG_FILES:
        assert (ROOT / name).read_text().count("\n") > 300, name
    for name, function in LONG_FUNCTIONS:
        sizes = [n.end_lineno - n.lineno + 1 for n in ast.walk(tree(name)) if getattr(n, "name", "") == function]
        assert max(sizes) > 60, f"{name}: {function}"


def public(body):
    """Yield the public functions and classes of a body, and those of the public classes in it."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            yield from public(node.body) if isinstance(node, ast.ClassDef) else ()


def test_everything_public_has_a_docstring():
    """The kernels of the shelves are described by the records in core; everything else says itself what it is."""
    for name in sources():
        module = tree(name)
        assert ast.get_docstring(module), name
        for node in public(module.body):
            kernel = layer_of(name) in (*SHELVES, "mutants") and isinstance(node, ast.FunctionDef)
            assert kernel or ast.get_docstring(node), f"{name}: {node.name} has no docstring"


def test_importing_ratecheck_imports_next_to_nothing():
    script = "import sys, ratecheck; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"numba", "llvmlite", "scipy", "sympy", "numpy", "matplotlib", "pydantic", "typer", "jinja2"}
    assert not heavy & set(done.stdout.split())


def test_the_schema_of_scenarios_is_the_one_in_the_docs():
    """Write ``json.dumps(schema(), indent=1)`` there when this fails: editors complete scenario files with it."""
    stored = json.loads((ROOT / "docs" / "scenario.schema.json").read_text())
    assert stored == schema()
