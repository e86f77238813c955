"""Fixtures of the packaging and command-line tests, and the package of a third party, whose tests are run from ours."""

from tests.repo.conftest import cache, wheel_cache
from tests.repo.test_packaging import wheel

__all__ = ["cache", "wheel", "wheel_cache"]
collect_ignore = ["tiny"]
