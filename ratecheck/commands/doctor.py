"""Whether this machine and installation can do the work."""

from __future__ import annotations

import os
import shutil
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ratecheck.core.cell import Cell
from ratecheck.core.part import Part
from ratecheck.core.run import environment
from ratecheck.errors import RatecheckError


def examine() -> dict[str, Any]:
    """Return {'healthy': bool, 'lines': {what: words}}; every trouble is a line, never an exception."""
    lines: dict[str, str] = {}
    healthy = True
    facts = environment()
    lines["versions"] = f"ratecheck {facts['ratecheck']}, python {facts['python']}, " + ", ".join(
        f"{n} {v}" for n, v in facts["packages"].items()
    )
    for name, look in (("cache", _cache), ("compiler", _compile), ("shelves", _shelves), ("folder", _folder)):
        try:
            lines[name] = look()
        except (RatecheckError, OSError, ImportError) as fault:
            lines[name], healthy = f"TROUBLE: {fault}", False
    lines["learn"] = _learn()
    lines["processors"] = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    lines["verdict"] = "ready" if healthy else "not ready: see the lines marked TROUBLE"
    return {"healthy": healthy, "lines": lines}


def _cache() -> str:
    from ratecheck.engine.compile import cache_root

    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    size = sum(p.stat().st_size for p in root.rglob("*") if p.is_file())
    probe = root / f"doctor-{os.getpid()}"
    probe.write_text("")
    probe.unlink()
    return f"{root} is writable ({size / 1e6:.1f} MB of compiled kernels)"


def _compile() -> str:
    """Run one small cell in the strict build and in CPython and compare the bits; time the default build."""
    from ratecheck.engine.build import build
    from ratecheck.engine.sweep import simulate

    cell = Cell(Part("quadratic", {"dimension": 4}), Part("gaussian"), Part("exponential"), 3, 40, 1.0)
    small = build(cell, 1, method="async_sgd", scheduler="async", stepsize="delay_adaptive_convex")
    strict, plain = simulate(small, 0, 2, strict=True), simulate(small, 0, 2, plain=True)
    if not (np.array_equal(strict.average, plain.average) and np.array_equal(strict.last, plain.last)):
        raise RatecheckError("the strict build and CPython give different bits; use --reproducible results with care.")
    large = build(
        Cell(Part("quadratic"), Part("gaussian"), Part("exponential"), 16, 20_000, 1.0),
        1,
        method="async_sgd",
        scheduler="async",
        stepsize="delay_adaptive_convex",
    )
    simulate(large, 0, 16, ("output_gap",))
    begin = time.perf_counter()
    simulate(large, 0, 16, ("output_gap",))
    pace = 20_000 * 16 / (time.perf_counter() - begin)
    return f"works; strict build equals CPython bit for bit; {pace / 1e6:.1f} million replicate-steps a second (d = 16)"


def _shelves() -> str:
    from ratecheck.core import shelf

    for one in shelf.SHELVES.values():
        for name in one.names():
            one.get(name)
    return ", ".join(f"{len(one.names())} {kind}" for kind, one in shelf.SHELVES.items())


def _learn() -> str:
    """Say whether the one package is there that only some problems need; nothing is wrong without it."""
    try:
        return f"scikit-learn {metadata.version('scikit-learn')}, for the images of problem digits_network"
    except metadata.PackageNotFoundError:
        return "scikit-learn is missing; problem digits_network needs it: pip install 'ratecheck[learn]'"


def _folder() -> str:
    free = shutil.disk_usage(Path.cwd()).free
    return f"{free / 1e9:.0f} GB free here"
