"""Delay models: clocks, arrival orders, traces. One file a model."""
