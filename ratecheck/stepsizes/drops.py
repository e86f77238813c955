"""gamma_k = gamma while k <= K/2, then a tenth of it, and a hundredth when k > 3K/4: the usual drops of training.

gamma is the number ``stepsize`` of the cell. Shi, Yang & Li (2024, arXiv:2407.19234) train on CIFAR-10 like this: 160
epochs, rates a tenth from epoch 80 on and again from 120 on.
"""

from ratecheck.core.stepsize import DROPS, Stepsize
from ratecheck.core.symbols import stepsize

STEPSIZE = Stepsize(constant=stepsize * DROPS)
