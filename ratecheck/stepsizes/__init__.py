"""Stepsize rules as named branches. One file a rule."""
