"""Every planted method and count about momentum under data-dependent delays is seen; the truth is not."""

import pytest

from ratecheck.checks import exact
from ratecheck.core import shelf
from ratecheck.core.verdict import Verdict
from ratecheck.mutants.levy import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_lie_is_caught_exactly(mutant):
    claim = shelf.claim(mutant.claim)
    lie = mutant.change(claim) if mutant.change else claim
    found = exact.check(mutant.claim, lie, mutant.cases, "test", method=mutant.files.get("method"))
    assert found.verdict is Verdict.REFUTED
    assert exact.check(mutant.claim, claim, mutant.cases, "test").verdict is Verdict.EXACT


def test_the_other_initial_weights_are_seen():
    claims = {"ordered_momentum": "ordered_momentum_initial_sum", "ordered_momentum_initial_sum": "ordered_momentum"}
    for name, other in claims.items():
        claim = shelf.claim(f"levy2026.{name}")
        assert exact.check("x", claim, [(2, 3)], "test", method=other).verdict is Verdict.REFUTED
        assert exact.check("x", claim, [(2, 3)], "test").verdict is Verdict.EXACT


def test_what_is_committed_in_order_is_not_what_has_arrived():
    for ours, plain in (("in_order", "async_mu2_sgd"), ("in_order_momentum", "ordered_momentum")):
        claim = shelf.claim(f"levy2026.{ours}")
        assert exact.check("x", claim, [(2, 3)], "test", method=plain).verdict is Verdict.REFUTED
