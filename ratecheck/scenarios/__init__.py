"""The experiments: one .toml a scenario. A portal to the top-level folder in a checkout."""

from pathlib import Path

_here = Path(__file__).parent
if {p.name for p in _here.iterdir()} <= {"__init__.py", "__pycache__"}:  # a checkout, not a wheel
    __path__ = [str(_here.parents[1] / _here.name)]
