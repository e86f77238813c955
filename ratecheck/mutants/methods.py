"""Lies about methods: kernels that a user might bring as the claim's algorithm."""

from ratecheck.mutants.grids import KINK, MINIBATCH, QUADRATIC, ROUNDS, THEOREM3
from ratecheck.mutants.mutant import Mutant

#: name of the kernel, what it does, what must catch it
ASYNCHRONOUS = (
    ("halves_late", "halves gradients with delay above 2", ("exact", "floats")),
    ("halves_above_2m", "halves gradients with delay above 2 M", ("exact",)),
    ("halves_above_2m_and_1", "halves gradients with delay above 2 M + 1", ("exact",)),
    ("one_in_a_thousand", "every step too long by 1/1000", ("exact", "floats")),
    ("drops_last_worker", "drops what the last worker sends", ("exact", "floats")),
    ("third_twice", "applies the third gradient twice", ("exact", "floats")),
    ("skips_the_40th", "loses the 40th gradient", ("floats",)),
    ("previous_gradient", "applies the gradient of the delivery before", ("exact", "floats")),
    ("previous_stepsize", "uses the stepsize of the delivery before", ("exact", "floats")),
    ("leaks_momentum", "adds 1/64 of the last move", ("exact", "floats")),
    ("ignores_first_gradients", "throws away the gradients taken at the start", ("exact", "floats")),
    ("decays_weights", "weight decay left on", ("exact", "floats")),
    ("drifts", "the first coordinate drifts", ("exact", "floats")),
    ("first_sign_wrong", "wrong sign in the first coordinate", ("floats",)),
    ("clips", "clips gradients at 1/8", ("floats",)),
    ("hands_out_previous", "hands out the model of one step before", ("exact",)),
    ("hands_out_mean", "hands out the mean of the last two models", ("exact",)),
    ("same_in_other_words", "no lie: a factor 1000 that cancels", ()),
)
BATCHES = (
    ("sums_the_batch", "sums the batch for its mean", ("exact", "floats")),
    ("divides_by_m_plus_1", "divides by M + 1", ("exact", "floats")),
    ("keeps_the_batch", "keeps half of a round for the next", ("exact", "floats")),
    ("forgets_last_of_batch", "forgets the last gradient of a round", ("exact", "floats")),
    ("moves_within_a_round", "no lie: moves before the round ends, when nobody looks", ()),
)

MUTANTS = (
    *(Mutant(n, "method", THEOREM3, lie, (QUADRATIC, KINK), by, method=n) for n, lie, by in ASYNCHRONOUS),
    *(
        Mutant(n, "method", MINIBATCH, lie, (ROUNDS,), by, method=n, cases=((2, 4), (3, 6)))
        for n, lie, by in BATCHES
    ),
)  # fmt: skip
