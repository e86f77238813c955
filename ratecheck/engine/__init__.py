"""Runs methods on schedules: compiled in float64, or the same kernels on exact numbers in plain Python."""
