"""The one family of errors. Each message is a sentence: what is wrong, where, and what to do."""

from __future__ import annotations


class RatecheckError(Exception):
    """Base of every error that ratecheck raises on purpose; the command line prints it and exits 2."""


class UnknownName(RatecheckError):
    """A name that no shelf holds; the message lists near names."""


class PartError(RatecheckError):
    """A part's file or parameters cannot be used: no object of the right kind, a wrong parameter, a failing kernel."""


class FormulaError(RatecheckError):
    """A formula lacks a constant, has wrong dimensions, or gives no finite number."""


class ScenarioError(RatecheckError):
    """A scenario file is not readable or has a missing, unknown or wrong key; names file and key."""


class AssumptionError(RatecheckError):
    """A declared constant or an assumption of a claim does not hold; names the measured number."""


class CapabilityError(RatecheckError):
    """Something asked of a part that it cannot do, such as a barrier driven by a trace of delays only."""


class MethodError(CapabilityError):
    """What a method cannot do or does not do, whatever else the cell is."""


class TraceError(RatecheckError):
    """A trace file that is not a schedule; names the line."""


class RunError(RatecheckError):
    """A stored run cannot be read, or belongs to another version of the code."""
