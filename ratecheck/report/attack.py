"""What an attack searched and how near it came, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def searched(details: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a name and a sentence for each thing that an attack did."""
    if "policy" in details:
        beyond = ", which the claim does not cover" if details.get("beyond") else ""
        yield "delays", f"{details['policy']}{beyond}"
    if "evaluations" in details:
        yield "search", f"{details['evaluations']:,} evaluations, budget {details['budget']}, seed {details['seed']}"
    for kind, names in details.get("searched", {}).items():
        yield "", f"{kind}: {', '.join(names)}"
    if "failed" in details and "found_at" in details["failed"]:
        found = details["failed"]
        yield "shrunk", f"in {found['steps_down']} steps from {found['found_at']}"
    if details.get("ratios"):
        yield "ratios", ", ".join(f"{name} {value:.3g}" for name, value in details["ratios"].items())
