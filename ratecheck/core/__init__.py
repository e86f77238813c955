"""The nouns: formulas, parts, schedules, claims, verdicts. Imports numpy and sympy, never numba."""
