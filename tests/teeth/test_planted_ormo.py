"""Seven faults of OrMo: which identity sees which, and how many arrival orders hide a fault.

The shift identity alone cannot see a fault of the order: whatever group a gradient is put into, w - beta/(1 - beta) u
moves by 1/(1 - beta) times it. One arrival order is not enough either.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ratecheck.checks.exact import residual_of, sweep_identity
from ratecheck.core import shelf
from ratecheck.engine.orders import arrival_orders
from ratecheck.engine.schedule import from_order
from ratecheck.mutants.mutant import FOLDER
from ratecheck.mutants.ormo import KERNELS

ASYNC = shelf.SCHEDULERS.get("async")
LEMMAS = ("closed_forms", "lemma1", "lemma2", "lemma3", "lemma8", "virtual_iterate")
IDENTITIES = {i.name: i for name in LEMMAS for i in shelf.CLAIMS.get(f"ormo2024.{name}").identities}
CASES = ((2, 6), (3, 5))

MODEL = {"closed form of w", "shift", "lemma2", "virtual iterate"}
ORDER = {"closed form of u", "closed form of w", "lemma1", "lemma2"}
#: fault, what sees it, and on how many of the arrival orders of (2, 6) and (3, 5) anything does
FAULTS = {
    "ormo_vanilla_step": (MODEL, 62, 240),
    "ormo_power_too_few": (MODEL, 64, 243),
    "ormo_all_at_once": (MODEL, 64, 243),
    "ormo_half_step_by_u": (MODEL, 64, 243),
    "ormo_floor_groups": (ORDER, 64, 243),
    "ormo_exponent_delay": (ORDER, 60, 234),
    "ormo_unordered": (ORDER, 62, 240),
}


#: what each fault does: the planted ones say so themselves
LIES = {name: lie for name, lie, _ in KERNELS} | {
    "ormo_vanilla_step": "an arriving gradient moves the model by itself alone"
}
ROW = "| `{}` | {} | {} | {} |"


def table():
    """Return the table of the docs: what each fault does, what sees it, and on how many orders."""
    head = ["| fault | what it does | seen by | on orders |", "|---|---|---|---|"]
    rows = [ROW.format(f, LIES[f], ", ".join(sorted(seen)), f"{a}, {b}") for f, (seen, a, b) in FAULTS.items()]
    return head + rows


def test_the_page_has_the_table():
    page = (Path(__file__).parents[2] / "docs" / "ormo.md").read_text()
    assert "\n".join(table()) in page


def test_all_planted_kernels_are_in_the_table():
    assert set(FAULTS) == set(LIES)


def method_of(name):
    return shelf.METHODS.get(name if name in shelf.METHODS.names() else str(FOLDER / "kernels" / f"{name}.py"))


def sees(identity, method):
    return any("fault" in sweep_identity(identity, method, ASYNC, case) for case in CASES)


@pytest.mark.parametrize("fault", FAULTS)
def test_which_identity_sees_which_fault(fault):
    assert {name for name, one in IDENTITIES.items() if sees(one, method_of(fault))} == FAULTS[fault][0]


def visible(method, case):
    """Return on how many orders of named workers some identity fails; orders that differ by names alone count once.

    They have the same stamps.
    """
    workers, steps = case

    def stamps(order):
        return tuple(from_order(ASYNC, workers, np.array(order, dtype=np.int64)).stamp.tolist())

    alike = Counter(stamps(order) for order in arrival_orders(ASYNC, workers, steps, labelled=True))
    assert sum(alike.values()) == workers**steps
    constants = {"M": workers, "K": steps}
    return sum(
        alike[stamps(order)]
        for order in arrival_orders(ASYNC, workers, steps, labelled=False)
        if any(residual_of(one, method, ASYNC, workers, order, constants) for one in IDENTITIES.values())
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_how_many_orders_show_a_fault(fault):
    assert tuple(visible(method_of(fault), case) for case in CASES) == FAULTS[fault][1:]


def test_the_truth_is_seen_by_none():
    assert not any(sees(one, shelf.METHODS.get("ormo")) for one in IDENTITIES.values())
    assert [visible(shelf.METHODS.get("ormo"), case) for case in CASES] == [0, 0]


def test_remark_3_and_proposition_1_see_faults_too():
    """Without momentum a fault in beta^e is none; one in the coefficient or in the half step is still there."""
    (remark3,) = shelf.CLAIMS.get("ormo2024.remark3").identities
    without = {f for f in FAULTS if "fault" in sweep_identity(remark3, method_of(f), ASYNC, (2, 6), (("beta", 0),))}
    assert without == {"ormo_power_too_few", "ormo_half_step_by_u"}
    rounds = shelf.CLAIMS.get("ormo2024.proposition1").identities
    barrier = shelf.SCHEDULERS.get("barrier")
    within = {f for f in FAULTS if any("fault" in sweep_identity(i, method_of(f), barrier, (3, 9)) for i in rounds)}
    assert within == {"ormo_power_too_few", "ormo_all_at_once", "ormo_half_step_by_u", "ormo_exponent_delay"}
