"""Formulas as MathML: well formed, right, and as typed where the LaTeX is not understood."""

import re
from xml.etree import ElementTree

import pytest

from ratecheck.core import shelf
from ratecheck.report import mathml


def shape(latex):
    """The elements of a formula as nested text, rows left out: frac(1, K)."""

    def walk(node):
        inside = [walk(child) for child in node]
        if node.tag in ("mi", "mo", "mn", "mtext"):
            return node.text
        joined = (" " if node.tag in ("mrow", "math") else ", ").join(inside)
        return joined if node.tag in ("mrow", "math") else f"{node.tag[1:]}({joined})"

    return walk(ElementTree.fromstring(mathml.formula(latex)))


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\frac{8 B^{2} L M}{3 K}", "frac(8 sup(B, 2) L M, 3 K)"),
        (r"\frac34 K", "frac(3, 4) K"),
        (r"\frac\gamma M", "frac(γ, M)"),
        (r"x^12", "sup(x, 1) 2"),
        (r"\sqrt{K}", "sqrt(K)"),
        (r"\sqrt[3]{K}", "root(K, 3)"),
        (r"x_k-\hat x_k", "sub(x, k) − sub(over(x, ^), k)"),
        (r"g^m_{\mathrm{prev}(k,m)}", "subsup(g, prev ( k , m ), m)"),
        (r"\sum_{m\ne m_k} a", "under(∑, m ≠ sub(m, k)) a"),
        (r"\min\{1/L,B\}", "min { 1 / L , B }"),
        (r"\mathbb{E}\left[F\right] \le 2", "𝔼 [ F ] ≤ 2"),
        (r"\left\|x\right\|", "‖ x ‖"),
        (r"\text{for all } k", "for all  k"),
        (r"1.5", "1.5"),
        (r"x'", "sup(x, ′)"),
    ],
)
def test_shapes(latex, expected):
    assert shape(latex) == expected


@pytest.mark.parametrize(
    "latex", [r"\foo<x>", r"\frac{1}", "{x", "x}", r"\left( x", r"\left x \right)", "x_", "a & b", r"\mathbb{Q1}"]
)
def test_what_is_not_understood_is_shown_as_typed(latex):
    found = ElementTree.fromstring(mathml.formula(latex))
    assert (found.tag, found.text) == ("code", latex)


def test_every_formula_of_every_claim_is_understood():
    found = 0
    for name in shelf.CLAIMS.names():
        claim = shelf.CLAIMS.get(name)
        formulas = [i.latex() for s in claim.outputs.values() for i in s.inequalities().values()]
        formulas += [one.statement for one in (*claim.identities, *claim.counting)]
        for text in (claim.statement, *claim.notes, *(a.statement for a in claim.conditions())):
            formulas += re.findall(r"\$([^$]+)\$", text)
        for latex in formulas:
            assert ElementTree.fromstring(mathml.formula(latex)).tag == "math", (name, latex)
        found += len(formulas)
    assert found > 20


def test_prose_keeps_words_escaped_and_sets_what_is_between_dollars():
    assert mathml.prose("a < b & $K \\ge M$.") == (
        "a &lt; b &amp; <math><mrow><mi>K</mi><mo>≥</mo><mi>M</mi></mrow></math>."
    )
    assert mathml.prose("costs $5 <i>") == "costs $5 &lt;i&gt;"
