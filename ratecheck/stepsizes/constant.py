"""A constant stepsize, given as the number ``stepsize`` of the cell."""

from ratecheck.core.stepsize import Stepsize
from ratecheck.core.symbols import stepsize

STEPSIZE = Stepsize(constant=stepsize)
