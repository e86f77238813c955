"""Gradient noise of unit total variance, by counter-based keys. One file a law."""
