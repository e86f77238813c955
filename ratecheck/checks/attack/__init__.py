"""The adversary: looks for a cell in which a claim's bound fails, without being told where.

``space`` says what is searched and turns a point of the unit cube into a cell; ``score`` says how near a cell comes to
breaking each inequality; ``search`` drives an optimiser; ``confirm`` doubts what it finds; ``shrink`` makes it small;
``orders`` goes through arrival orders; ``adversary`` puts them together and gives the verdict. Everything found is a
cell of the house, so that ``ratecheck replay`` reproduces it.
"""

from ratecheck.checks.attack.adversary import check
from ratecheck.checks.attack.attack import Attack, Stopped
from ratecheck.checks.attack.budget import Budget

__all__ = ["Attack", "Budget", "Stopped", "check"]
