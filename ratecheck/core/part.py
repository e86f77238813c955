"""Parts named in data: ``Part("huber", {"kink": 0.1})`` is what a scenario says; a shelf turns it into the object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ratecheck.errors import PartError


@dataclass(frozen=True)
class Part:
    """A part by name (or path of a .py file) with parameters that override the part's defaults."""

    name: str
    par: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """Short name for tables: ``huber(kink=0.1)``; a file is named by its stem."""
        stem = self.name.rsplit("/", 1)[-1].removesuffix(".py")
        inside = ", ".join(_short(v) if k == "file" else f"{k}={_short(v)}" for k, v in self.par.items())
        return f"{stem}({inside})" if inside else stem

    @classmethod
    def of(cls, value: Any) -> Part:
        """Accept a name, a mapping with key ``name``, or a Part."""
        if isinstance(value, Part):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            return cls(value["name"], {k: v for k, v in value.items() if k != "name"})
        raise PartError(
            f"a part is a name or a table with a name, such as {{name = 'huber', kink = 0.1}}; got {value!r}."
        )


def merged(kind: str, name: str, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return defaults overridden by ``given``; raises PartError for a parameter the part does not have."""
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        has = ", ".join(defaults) or "none"
        raise PartError(f"{kind} {name!r} has no parameter {unknown[0]!r}; its parameters are: {has}.")
    return {**defaults, **given}


def number(value: Any, where: str) -> float:
    """Return a float from a number or a 'p/q' string; raises PartError naming ``where``."""
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(Fraction(value) if isinstance(value, str) else value)
    except (ValueError, TypeError, ZeroDivisionError):
        raise PartError(f"{where} must be a number (such as 0.5 or '9/10'), not {value!r}.") from None


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ",".join(_short(v) for v in (list(value)[:3] + (["..."] if len(value) > 3 else []))) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)  # a file is named by its stem; "1/10" is a number
    return text.rsplit("/", 1)[-1].removesuffix(".csv") if text.endswith(".csv") else text
