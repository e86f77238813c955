"""The adversary: looks for a cell in which a claim's bound fails, without being told where.

``space`` says what is searched and turns a point of the unit cube into a cell; ``score`` says how near a cell comes to
breaking each inequality; ``search`` drives an optimiser; ``shrink`` makes what is found small; ``adversary`` puts them
together and gives the verdict. Everything found is a cell of the house, so that ``ratecheck replay`` reproduces it.
"""

from ratecheck.checks.attack.adversary import Attack, check
from ratecheck.checks.attack.budget import Budget

__all__ = ["Attack", "Budget", "check"]
