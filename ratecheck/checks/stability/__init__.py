"""The stepsize at which a method loses stability, by eigenvalues, on runs, and enclosed in rational arithmetic."""
