"""Courses: one gradient from its hand-out on, its coefficients in all sequences of a momentum method, by induction.

Vectors are linear in the gradients, so that is all there is. The lemmas are in ``ordered``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ratecheck.checks.steps.machines import Machine


@dataclass(frozen=True)
class Course:
    """One gradient from its hand-out on: ``start``, what each of the ``moves`` makes of the state, ``forms``.

    A form is what a letter is at all times, in terms of ``age``, beta to the number of turns so far, and ``back``, 0
    before the delivery and 1 after it. ``ends`` are 0 by the forms. A delivery, a move of ``back``, is at back = 0.
    """

    start: Mapping[Any, Any]
    moves: Mapping[str, Mapping[Any, Any]]
    forms: Mapping[Any, Any]
    ends: tuple[Any, ...] = ()

    def fault(self) -> str:
        """Return what is not kept by which move, '' when the induction goes through."""
        for letter, form in self.forms.items():
            if sp.cancel(self.start[letter] - form.subs(self.start)) != 0:
                return f"{letter} is not {form} at the start"
            for name, move in self.moves.items():
                after = (sp.S.Zero + move.get(letter, letter)).subs(self.forms)
                apart = after - form.subs(move, simultaneous=True)
                if any(sp.cancel(apart.subs(back, b)) != 0 for b in ((0,) if back in move else (0, 1))):
                    return f"{letter} is not {form} after a {name}"
        for end in self.ends:
            if sp.cancel(end.subs(self.forms)) != 0:
                return f"{end} is not 0"
        return ""


beta, age, back, whole, total_, share, more = sp.symbols("beta age back whole total share more", nonnegative=True)
in_u, in_w, in_uhat, in_yhat = sp.symbols("u w uhat yhat")
_q = 1 / (1 - beta)
_AT_FIRST = {age: 1, back: 0, in_u: 0, in_w: 0}
_SERVER = {in_u: back * age, in_w: -back * (1 - beta * age) * _q}
#: x_k - xhat_k has the coefficient of w plus q
_KEPT = in_w + _q - _q * (1 - back + back * beta * age)

#: a turn: w = w - beta u, u = beta u, as the newest group advances; a delivery: as in OrMo; uhat and yhat turn along
COURSE = Course(
    {**_AT_FIRST, in_uhat: 1, in_yhat: -1},
    {
        "turn": {age: beta * age, in_u: beta * in_u, in_w: in_w - beta * in_u, in_uhat: beta * in_uhat,
                 in_yhat: in_yhat - beta * in_uhat},
        "delivery": {back: 1, in_u: in_u + age, in_w: in_w - (1 - beta * age) * _q},
    },
    {**_SERVER, in_uhat: age, in_yhat: -(1 - beta * age) * _q},
    ends=(
        _KEPT,
        in_uhat - in_u - (1 - back) * age,  # Lemma 1
        in_yhat - in_w + (1 - back) * (1 - beta * age) * _q,  # Lemma 2
        -_q - in_yhat + beta * _q * in_uhat,  # Lemma 3
        in_uhat - age,  # Lemma 8
        in_w - beta * _q * in_u + back * _q,  # the shift
        in_w - beta * _q * in_u - (1 - back) * _q + _q,  # the virtual iterate
    ),
)  # fmt: skip
#: naive momentum turns at each delivery, its own included, which finds u without the gradient; its age starts there
COURSE_NAIVE = Course(
    _AT_FIRST,
    {
        "turn": {age: beta * age, in_u: beta * in_u, in_w: in_w - beta * in_u},
        "delivery": {back: 1, age: 1, in_u: beta * in_u + 1, in_w: in_w - beta * in_u - 1},
    },
    _SERVER,
    ends=(_KEPT,),
)

#: what is kept of delivered ones, over beta: as the group advances it is times beta, and the new one has whole
#: (1 - beta) members at most; ``whole`` is their number over 1 - beta. With beta^2 for beta, the squares
TOTAL = Machine({total_: 0}, {}, {total_: beta * total_ + (1 - beta) * whole - more},
                 positive=(whole - total_,), factors=(beta,))  # fmt: skip
#: what is kept of one gradient at all steps after its delivery; share: at each step with the same newest group
LATER = Machine({total_: 0, share: beta}, {},
                 {total_: total_ + share * ((1 - beta) * whole - more), share: beta * share},
                 positive=(beta * whole - total_ - share * whole,))  # fmt: skip
