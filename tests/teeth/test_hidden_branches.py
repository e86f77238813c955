"""A kernel that compares numbers may behave differently at other numbers: exact evidence must not speak for it."""

import pytest

from ratecheck.checks.exact import check
from ratecheck.core import shelf
from ratecheck.core.verdict import Verdict

HEAD = "from ratecheck import Method\ndef receive(server, a):\n    x, g = server.x[0], a.grad[0]\n"
BODY = "    for i in range(x.shape[0]):\n        x[i] -= gamma * g[i]\nMETHOD = Method('mine', receive)\n"
ON_STEPSIZE = HEAD + "    gamma = a.gamma\n    if gamma < 1:\n        gamma = gamma / 2\n" + BODY
ON_COUNTER = HEAD + "    gamma = a.gamma\n    if server.clock[0] > 10**6:\n        gamma = gamma / 2\n" + BODY


@pytest.mark.parametrize(("source", "verdict"), [(ON_STEPSIZE, Verdict.NOT_APPLICABLE), (ON_COUNTER, Verdict.EXACT)])
def test_a_branch_on_numbers_is_found_and_one_on_integers_is_not(source, verdict, tmp_path):
    """Every stepsize of the replay is at least 1, so the wrong branch of the first is never taken there."""
    path = tmp_path / "mine.py"
    path.write_text(source)
    claim = shelf.CLAIMS.get("mishchenko2022.lemma1")
    result = check("mishchenko2022.lemma1", claim, [(2, 4)], "teeth", method=str(path))
    assert result.verdict is verdict
    assert ("branches on numbers" in result.summary) == (verdict is Verdict.NOT_APPLICABLE)
