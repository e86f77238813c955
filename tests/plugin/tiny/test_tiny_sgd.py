import pytest
import tiny_kernel
import tiny_sgd


@pytest.mark.theorem("mishchenko2022.theorem3_convex", scenario="small.toml")
@pytest.mark.parametrize("method", [tiny_sgd, tiny_kernel])
def test_theorem_3(claim, method):
    claim.check(method=method)
