"""A tiny optimiser: a plain class with a step."""

from ratecheck import Method


class TinySgd:
    def step(self, x, gradient, gamma):
        return x - gamma * gradient


METHOD = Method.from_python(TinySgd)
