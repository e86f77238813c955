"""Method: how the server moves when a gradient arrives. Up to three plain functions on two records."""

from __future__ import annotations

import dis
import inspect
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ratecheck.errors import MethodError, PartError


class Server(NamedTuple):
    """What a method may read and write. D = d * R coordinates: R replicates of a model of dimension d.

    Coordinate i of replicate r stands at index ``i * R + r``. All arrays are float64 or int64 when compiled and
    object arrays (Fraction, sympy) in exact replay.
    """

    clock: Any  #: int64 (2,): [0] version = counted deliveries so far, [1] version last handed out
    x: Any  #: (s, D) vectors of the method; x[0] is the model
    mine: Any  #: (M, r, D) vectors kept per worker
    held: Any  #: (h, D) ring of vectors kept across deliveries
    tag: Any  #: int64 (h,) labels of the ring
    count: Any  #: int64 (c,) integers of the method
    tally: Any  #: int64 (M, t) integers per worker
    par: Any  #: (p,) the method's numbers, in the order of its ``par``
    workers: int  #: M
    replicates: int  #: R


class Arrival(NamedTuple):
    """One delivery: a gradient computed by ``worker`` at version ``stamp``, applied with stepsize ``gamma``."""

    worker: int
    stamp: int
    gamma: Any
    at: Any  #: (q, D) points the gradients were taken at; only with points=True
    grad: Any  #: (q, D) gradients at q points on one sample


@dataclass(frozen=True)
class Method:
    """An algorithm as kernels in the dialect of the docs: loops over coordinates, ``+ - * /``, no float literals.

    ``receive(server, arrival)`` is called for every delivery; the engine advances ``clock[0]`` afterwards when it
    counts. Optional: ``start(server, x0)`` (default ``x[0] = x0``) and ``query(server, worker, gamma, out)``, which
    writes the q points handed out into ``out`` (q, D) (default ``out[0] = x[0]``). ``par`` maps names to defaults
    (numbers or 'p/q' strings; None: must be a constant of the cell); a constant of the cell with that name wins.
    ``rows(schedule)`` gives the length of the ring ``held``. ``symbolic=False`` when a kernel branches on numbers.
    ``diameter(constants)``, of a method that projects on a convex set with a minimiser in it, is the constant D.
    ``schedulers`` names those that the method is made for, where under another one it is not what it says; () is any.
    """

    name: str
    receive: Callable[[Server, Arrival], None]
    slots: tuple[str, ...] = ("x",)
    par: Mapping[str, Any] = field(default_factory=dict, hash=False)
    count: tuple[str, ...] = ()
    tally: tuple[str, ...] = ()
    mine: tuple[str, ...] = ()
    rows: Callable[[Any], int] | None = None
    start: Callable[[Server, Any], None] | None = None
    query: Callable[[Server, int, Any, Any], None] | None = None
    queries: int = 1
    points: bool = False
    symbolic: bool = True
    compiled: bool = True
    diameter: Callable[[Mapping[str, Any]], float] | None = None
    schedulers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.slots or self.slots[0] != "x":
            raise PartError(
                f"method {self.name!r}: the first slot is the model and must be called 'x', not {self.slots}."
            )
        code = getattr(self.receive, "__code__", None)
        if code is None or code.co_argcount != 2 or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
            raise PartError(f"method {self.name!r}: receive must be a function of just (server, arrival).")

    @classmethod
    def from_python(cls, make: Callable[[], Any], name: str | None = None) -> Method:
        """Take in an optimiser that is no kernel: ``make()`` returns an object with ``step(x, gradient, gamma)``.

        ``step`` gets arrays of shape (d,) and returns the new model of that shape. One object a replicate is made at
        the start of each run. Uncompiled: Monte Carlo and identities on floats only. The start point is handed in by
        ``reset(x0)`` when the object has it.
        """
        title = name or str(getattr(make, "__name__", "python_optimiser"))
        runs: dict[int, list[Any]] = {}

        def start(server: Server, x0: Any) -> None:
            columns = x0.reshape(-1, server.replicates).T
            objects = [make() for _ in columns]
            for one, column in zip(objects, columns, strict=True):
                if hasattr(one, "reset"):
                    one.reset(column.copy())
            runs[id(server.x)] = objects
            server.x[0] = x0

        def receive(server: Server, a: Arrival) -> None:
            model = server.x[0].reshape(-1, server.replicates)
            grads = a.grad[0].reshape(-1, server.replicates)
            for r, one in enumerate(runs[id(server.x)]):
                moved = np.asarray(one.step(model[:, r].copy(), grads[:, r].copy(), float(a.gamma)), dtype=float)
                if moved.shape != model[:, r].shape:
                    raise PartError(f"{title}.step must return the new model, of shape {model[:, r].shape}.")
                model[:, r] = moved

        return cls(title, receive, start=start, symbolic=False, compiled=False)

    def require(self, scheduler: str) -> None:
        """Raise MethodError where the method is not made for a scheduler of this name."""
        if self.schedulers and scheduler not in self.schedulers:
            made = " or ".join(repr(name) for name in self.schedulers)
            raise MethodError(
                f"method {self.name!r} is made for scheduler {made}, and work is handed out by {scheduler!r}: "
                "under that one it is another method"
            )

    @property
    def sees_workers(self) -> bool:
        """True when a kernel may tell workers apart; otherwise arrival orders are counted up to relabelling.

        A kernel is blind when it takes nothing but attributes from the arrival, and not ``worker``: an arrival that is
        indexed, unpacked or passed on counts as seen.
        """
        if self.mine or self.tally or _sees(self.receive):
            return True
        return self.query is not None and bool(_uses(self.query, 1))


def of_box(constants: Mapping[str, Any]) -> float:
    """Return the diameter of the box of half-width B around the start: its diagonal. A minimiser is in it."""
    return 2.0 * float(constants["B"]) * math.sqrt(constants["d"])


def _uses(function: Callable[..., Any], argument: int) -> list[str]:
    """Return how a function uses an argument: the attribute it takes at each load, '' for any other use."""
    label = function.__code__.co_varnames[argument]
    found = [""] if label in function.__code__.co_cellvars else []
    code = [i for i in dis.get_instructions(function) if i.opname != "EXTENDED_ARG"]
    for i, after in itertools.pairwise(code):
        loaded = i.argval if isinstance(i.argval, tuple) else (i.argval,)
        if "LOAD_FAST" in i.opname and label in loaded:  # from Python 3.13 on also STORE_FAST_LOAD_FAST
            taken = after.opname == "LOAD_ATTR" and loaded[-1] == label and loaded.count(label) == 1
            found.append(str(after.argval) if taken else "")
    return found


def _sees(receive: Callable[..., Any]) -> bool:
    return not {"stamp", "gamma", "at", "grad"} >= set(_uses(receive, 1))
