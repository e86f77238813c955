import pytest

from ratecheck.engine.compile import cache_root
from tests import command


@pytest.fixture(scope="session")
def cache():
    """The compile cache of this process, which other tests have warmed: nothing is compiled twice."""
    return cache_root()


@pytest.fixture(scope="session")
def wheel_cache(tmp_path_factory):
    """A compile cache for installed copies of the package; shared by parallel test processes."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-") else base) / "compiled-from-wheel"


@pytest.fixture
def rc(tmp_path):
    """Run a command in this process, in a folder of the test's own."""
    return lambda *args: command.here(*args, folder=tmp_path)


@pytest.fixture
def rc_alone(tmp_path, cache):
    """Run a command in a process of its own, in a folder of the test's own."""
    return lambda *args: command.alone(*args, folder=tmp_path, cache=cache)
