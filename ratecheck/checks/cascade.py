"""What is trusted in a derivation, in words: the first broken steps, and what is not derived because it uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def listed(trusted: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return each broken step with its reason, and the trusted ones that use it, through other steps or directly.

    ``trusted`` maps names to reasons; ``rows`` are the steps in order, each with its "step" and what it "uses". What is
    trusted and is no step (the setting, where the proof ends) is named with its reason.
    """
    first: dict[str, str] = {}  # the first broken step that a step rests on
    for row in rows:
        of = next((first[name] for name in row["uses"] if name in first), None)
        of = of or (row["step"] if row["step"] in trusted else None)
        if of:
            first.setdefault(row["step"], of)
    groups: dict[str, list[str]] = {}
    for name in trusted:
        later = groups.setdefault(first.get(name, name), [])
        if first.get(name, name) != name:
            later.append(name)
    return "; ".join(
        f"{name} ({trusted[name]})" + (f", and what uses it: {', '.join(later)}" if later else "")
        for name, later in groups.items()
    )
