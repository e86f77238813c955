"""Objectives with declared constants. One file a problem."""
