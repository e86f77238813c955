"""What exact evidence found over all arrival orders, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def bound_words(case: Mapping[str, Any]) -> str:
    """Return the largest left/right side of each inequality over all arrival orders, and on which objectives."""
    where = f"(M,K) = ({case['M']},{case['K']})"
    reasons = "; ".join(dict.fromkeys(case["left_out"].values()))
    if not case["by"]:
        return f"{where}: nothing applies: {reasons}"
    found = ", ".join(f"{name} {ratio:.3f}" for name, ratio in case["largest"].items())
    on = ", ".join(f"{label} ({way})" for label, way in case["by"].items())
    return f"{where}, {case['orders']:,} arrival orders, largest left/right: {found}; on {on}"


def case_words(cases: Sequence[Mapping[str, Any]]) -> str:
    """Return what an identity or counting fact showed on its cases."""
    where = ", ".join(f"({c['M']},{c['K']})" for c in cases)
    orders = sum(c.get("orders", 0) for c in cases)
    standing = sum(c.get("standing_for", 0) for c in cases)
    apart = f", standing for {standing:,} with workers told apart," if standing else ""
    counted = f"{orders:,} arrival orders{apart}"
    if all("smallest_slack" in c for c in cases):
        found = f"smallest slack {', '.join(dict.fromkeys(str(c['smallest_slack']) for c in cases))}"
    else:
        found = "residual exactly 0" if all(c.get("residual") == "0" for c in cases) else "a residual is not 0"
    return f"{found} in all {counted} of (M,K) = {where}"
