"""The only file that knows Numba: it seals kernels into first-class functions and compiles the two loops.

Every kernel is compiled for one signature and closed to others (``disable_compile``), so that the compiled loop is
one machine function for all methods and problems, found again in the on-disk cache by the next process. The cache
folder is named by a digest of the package's sources and of the user's file with its local imports: Numba itself does
not notice a change in a callee of another file.
"""

from __future__ import annotations

import dis
import hashlib
import os
import shutil
import sys
import threading
import types as python_types
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types as nt
from numba.core import cgutils
from numba.core.errors import NumbaError, NumbaExperimentalFeatureWarning
from numba.extending import intrinsic, overload, register_jitable

from ratecheck.core import keys
from ratecheck.core.method import Arrival, Server
from ratecheck.engine import clock, loop
from ratecheck.errors import PartError

_V, _MAT, _CUBE, _I, _TALLY = (
    nt.float64[::1], nt.float64[:, ::1], nt.float64[:, :, ::1], nt.int64[::1], nt.int64[:, ::1],
)  # fmt: skip
_SERVER = nt.NamedTuple((_I, _MAT, _CUBE, _MAT, _I, _I, _TALLY, _V, nt.int64, nt.int64), Server)
_ARRIVAL = nt.NamedTuple((nt.int64, nt.int64, nt.float64, _MAT, _MAT), Arrival)
_PLAN = nt.NamedTuple((_I, _I, _I, _I, _V, _I, _I, _I, _V, _V, _I), loop.Plan)
_FLIGHT = nt.NamedTuple((_CUBE, _CUBE, _MAT, _V, _I, _I), loop.Flight)
_STREAM = nt.NamedUniTuple(_V, 7, loop.Stream)
_SWITCH = nt.NamedUniTuple(nt.int64, 8, loop.Switch)
_TAPE = nt.NamedTuple((_I, _I, _I, _I, _I, _V, _I, _I, _I, _I, _I), clock.Tape)
_DESK = nt.NamedTuple((_I, _V, _V, _V, _V, _I, _I, _I, _I, _V, _MAT, _MAT, _V, _I, _I, _I), clock.Desk)

#: the sealed signature of every kind of kernel
SIGNATURES = {
    "receive": nt.void(_SERVER, _ARRIVAL),
    "start": nt.void(_SERVER, _V),
    "query": nt.void(_SERVER, nt.int64, nt.float64, _MAT),
    "gradient": nt.void(_V, nt.int64, _I, _V, _V),
    "mean_gradient": nt.void(_V, nt.int64, _V, _V),
    "value": nt.void(_V, _V, _V),
    "fill": nt.void(nt.uint64, nt.int64, _V, _V),
    "draw": nt.void(nt.uint64, nt.int64, nt.int64, _I),
    "decide": nt.int64(_I, nt.int64, nt.int64, nt.int64, _I),
    "duration": nt.float64(nt.uint64, nt.int64, nt.int64, nt.float64, _V),
    "pick": nt.int64(_MAT, _V, _V),
}
_RUN = nt.void(
    nt.int64, nt.int64, *(nt.FunctionType(SIGNATURES[kind]) for kind in loop.Kernels._fields),
    _SERVER, _PLAN, _FLIGHT, _STREAM, _SWITCH, _V, _V, nt.float64, nt.uint64,
)  # fmt: skip
_DRAW_ALL = nt.void(nt.FunctionType(SIGNATURES["draw"]), nt.uint64, nt.int64, _TALLY)
_SIMULATE = nt.int64(
    nt.FunctionType(SIGNATURES["decide"]), nt.FunctionType(SIGNATURES["duration"]), nt.FunctionType(SIGNATURES["pick"]),
    _I, _V, _V, nt.uint64, _TAPE, _DESK,
)  # fmt: skip


@intrinsic  # type: ignore[untyped-decorator]
def _to_float(typingctx: Any, bits: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], cgutils.ir.DoubleType())

    return nt.float64(nt.uint64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def _to_bits(typingctx: Any, value: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], cgutils.ir.IntType(64))

    return nt.uint64(nt.float64), codegen


@overload(keys.float_of_bits)
def _float_of_bits(bits):  # type: ignore[no-untyped-def]  # Numba compares the two signatures, annotations included
    return lambda bits: _to_float(np.uint64(bits))


@overload(keys.bits_of_float)
def _bits_of_float(value):  # type: ignore[no-untyped-def]
    return lambda value: _to_bits(value)


#: cache folders kept, beside that of this version
KEPT = 12
#: one compilation at a time: the cache folder is a global of Numba
_LOCK = threading.RLock()
_REGISTERED: set[Any] = {keys.float_of_bits, keys.bits_of_float}


def cache_root() -> Path:
    """Return the folder of the compile caches: $RATECHECK_CACHE, or ratecheck under the user's cache folder."""
    given = os.environ.get("RATECHECK_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ratecheck"


@lru_cache(maxsize=1)
def _package_digest() -> str:
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for path in sorted(package.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources(function: Callable[..., Any]) -> list[Path]:
    """Return the file of a kernel outside the package and the local files its globals come from."""
    package = Path(__file__).parents[1]
    files = {Path(f.__code__.co_filename) for f in (function, *_helpers(function))}
    return sorted(p for p in files if p.is_file() and package not in p.parents)


@lru_cache(maxsize=512)
def is_users(function: Callable[..., Any] | None) -> bool:
    """True when a kernel comes from outside the package, or calls local helpers that do."""
    return function is not None and bool(_sources(function))


def _cache_folder(function: Callable[..., Any]) -> Path:
    digest = hashlib.sha256(_package_digest().encode())
    for path in _sources(function):
        digest.update(path.read_bytes())
    return cache_root() / digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def _prune() -> None:
    """Keep this version's cache folder and the newest others, one for each other version and each user file."""
    own = _cache_folder(clock.simulate)
    try:
        others = sorted((p for p in cache_root().iterdir() if p.is_dir() and p != own), key=lambda p: p.stat().st_mtime)
    except OSError:
        return
    for old in others[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _helpers(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Return the plain functions that a kernel calls by global name, and those they call."""
    found: list[Callable[..., Any]] = []
    queue = [function]
    while queue:
        current = queue.pop()
        names = {i.argval for i in dis.get_instructions(current) if i.opname == "LOAD_GLOBAL"}
        for name in sorted(names):
            target = current.__globals__.get(name)
            if isinstance(target, python_types.FunctionType) and target not in found and target is not function:
                found.append(target)
                queue.append(target)
    return found


def _register(function: Callable[..., Any]) -> None:
    for helper in _helpers(function):
        if helper not in _REGISTERED and not helper.__module__.startswith("numba"):
            # the engine's own helpers are inlined: passing the records by value costs tens of nanoseconds a call
            register_jitable(forceinline=helper.__module__.startswith("ratecheck.engine"))(helper)
            _REGISTERED.add(helper)


def _build(function: Callable[..., Any], signature: Any, strict: bool) -> Any:
    """Compile without reference counting, which costs two atomic operations for every slice; with it if need be.

    A kernel that allocates (array expressions) needs it, and Numba says so by failing to compile.
    """
    with _LOCK:
        _register(function)
        try:
            return _built(function, signature, strict, _nrt=False)
        except (NumbaError, RuntimeError):
            return _built(function, signature, strict)


def _built(function: Callable[..., Any], signature: Any, strict: bool, **more: Any) -> Any:
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True, **more}
    if not strict:
        options["fastmath"] = {"contract"}
    folder = _cache_folder(function) / ("strict" if strict else "default")
    before = numba.config.CACHE_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder.parent)
        _prune()
        numba.config.CACHE_DIR = str(folder)
        built = numba.njit(cache=True, **options)(function)
    except (OSError, RuntimeError):  # no writable cache folder: compile in memory
        built = numba.njit(**options)(function)
    finally:
        numba.config.CACHE_DIR = before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaExperimentalFeatureWarning)  # first-class functions
        built.compile(signature)
    built.disable_compile()
    return built


@lru_cache(maxsize=512)
def seal(kind: str, function: Callable[..., Any], strict: bool = False) -> Any:
    """Compile a kernel of this kind for its one signature. Raises PartError with Numba's first sentence."""
    try:
        return _build(function, SIGNATURES[kind], strict)
    except NumbaError as fault:
        lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
        reason = next((line for line in lines if not line.startswith(("Failed in", "[1]"))), "unknown reason")
        where = f"{Path(function.__code__.co_filename).name}, line {function.__code__.co_firstlineno}"
        raise PartError(f"kernel {function.__name__!r} ({where}) does not compile: {reason[:300]}") from fault


@lru_cache(maxsize=2)
def run_kernel(strict: bool = False) -> Any:
    """Return the compiled ``loop.run``."""
    return _build(loop.run, _RUN, strict)


@lru_cache(maxsize=64)
def schedule_kernel(
    decide: Callable[..., Any], duration: Callable[..., Any], pick: Callable[..., Any]
) -> Callable[..., int]:
    """Return the compiled schedule kernel for a scheduler and a clock, or a rule that picks who delivers."""
    sealed = seal("decide", decide, True), seal("duration", duration, True), seal("pick", pick, True)
    simulate = _simulate()
    return lambda *args: int(simulate(*sealed, *args))


@lru_cache(maxsize=1)
def draw_kernel() -> Any:
    """Return the compiled ``loop.draw_all``."""
    return _build(loop.draw_all, _DRAW_ALL, False)


@lru_cache(maxsize=1)
def _simulate() -> Any:
    return _build(clock.simulate, _SIMULATE, True)
