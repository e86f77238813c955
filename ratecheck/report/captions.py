"""Captions in words: what a plot shows, said from the same rows it draws."""

from __future__ import annotations

from typing import NamedTuple

from ratecheck.report.tables import Result


class Quantity(NamedTuple):
    """What a bound bounds: in words, and as a symbol for an axis."""

    words: str
    symbol: str


def quantity(result: Result) -> Quantity:
    """X"""
    return Quantity("suboptimality", r"$F(\tilde x_K)-F^*$")


def caption(kind: str, result: Result) -> str:
    """X"""
    return "x"
