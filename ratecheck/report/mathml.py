r"""LaTeX formulas as MathML, which browsers set themselves: no script, no picture, no network.

Only the LaTeX that claims and formulas use is understood: letters, numbers, scripts, ``\frac``, ``\sqrt``, accents,
fences, upright words, Greek, the usual operators. Anything else is shown as it is typed.
"""

from __future__ import annotations

import re
from html import escape

_WORD = r"\\(?:text|textrm|mathrm|mathsf|mathbf|operatorname)\s*\{[^{}\\]*\}"
_TOKEN = re.compile(_WORD + r"|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S")

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ", "infty": "∞",
    "nabla": "∇", "partial": "∂",
}  # fmt: skip
_OPERATORS = {
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "cdot": "⋅", "times": "×", "pm": "±",
    "to": "→", "iff": "⟺", "in": "∈", "forall": "∀", "approx": "≈", "sim": "∼", "dots": "…", "ldots": "…", "cdots": "⋯",
    "mid": "∣", "ll": "≪", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
    "|": "‖", "{": "{", "}": "}",
}  # fmt: skip
_LARGE = {"sum": "∑", "prod": "∏"}
_WORDS = {"min", "max", "log", "exp", "sup", "inf", "Pr"}
_SPACES = {",": "0.17em", ";": "0.28em", ":": "0.22em", " ": "0.3em", "quad": "1em", "qquad": "2em", "!": "0"}
_ACCENTS = {"hat": "^", "tilde": "˜", "bar": "¯", "dot": "˙", "vec": "→", "widehat": "^"}
_DOUBLE = {"E": "𝔼", "P": "ℙ", "R": "ℝ", "N": "ℕ", "Z": "ℤ"}
_FENCES = "()[]|‖⟨⟩⌊⌋⌈⌉{}"


class Unknown(ValueError):
    """LaTeX outside of what is understood here."""


def formula(latex: str, *, display: bool = False) -> str:
    """Return a formula as a MathML element; as typed, in a code element, when it has LaTeX that is not understood.

    With ``display`` fractions and limits have their full size, on the line where the formula stands.
    """
    try:
        inside = _Reader(latex).everything()
    except Unknown:
        return f"<code>{escape(latex)}</code>"
    kind = ' displaystyle="true"' if display else ""
    return f"<math{kind}>{inside}</math>"


def prose(text: str) -> str:
    """Return text whose $...$ parts are formulas as HTML; everything else is escaped."""
    parts = text.split("$")
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(formula(part) if i % 2 else escape(part) for i, part in enumerate(parts))


class _Reader:
    """Reads one formula, token by token."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0

    def everything(self) -> str:
        inside = self.row(None)
        if self.at < len(self.tokens):
            raise Unknown(self.tokens[self.at])
        return inside

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> str:
        token = self.peek()
        if token is None:
            raise Unknown("the formula ends too early")
        self.at += 1
        return token

    def row(self, end: str | None) -> str:
        """Read until the token ``end``, which is left unread; None: to the end of the formula."""
        parts = []
        while (token := self.peek()) is not None and token != end and token not in ("}", r"\right"):
            parts.append(self.scripted())
        return f"<mrow>{''.join(parts)}</mrow>"

    def scripted(self) -> str:
        """Read one atom with its subscript and superscript."""
        large = (self.peek() or "").lstrip("\\") in _LARGE
        base, lower, upper = self.atom(), None, None
        while (mark := self.peek()) in ("_", "^", "'"):
            self.take()
            if mark == "_":
                lower = self.argument()
            else:
                upper = self.argument() if mark == "^" else "<mo>′</mo>"
        under, over, both = ("munder", "mover", "munderover") if large else ("msub", "msup", "msubsup")
        if lower and upper:
            return f"<{both}>{base}{lower}{upper}</{both}>"
        if lower:
            return f"<{under}>{base}{lower}</{under}>"
        return f"<{over}>{base}{upper}</{over}>" if upper else base

    def argument(self) -> str:
        r"""Read one atom; of a number its first digit only, as in ``\frac34``."""
        token = self.peek() or ""
        if token[:1].isdigit() and len(token) > 1:
            self.tokens[self.at] = token[1:]
            return f"<mn>{token[0]}</mn>"
        return self.atom()

    def atom(self) -> str:
        token = self.take()
        if token == "{":
            inside = self.row("}")
            self.expect("}")
            return inside
        if token[0] == "\\":
            return self.command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{escape(token)}</mi>"
        if token in "^_}&#%~":
            raise Unknown(token)
        return _operator({"-": "−", "*": "∗"}.get(token, token))

    def expect(self, wanted: str) -> None:
        if (token := self.take()) != wanted:
            raise Unknown(token)

    def command(self, name: str) -> str:
        word, brace, inside = name.partition("{")
        if word and brace:  # an upright word, read as one token
            return f"<mtext>{escape(inside[:-1])}</mtext>" if word.startswith("text") else _upright(inside[:-1])
        if name in _GREEK:
            upright = ' mathvariant="normal"' if name[0].isupper() or name in ("infty", "nabla", "partial") else ""
            return f"<mi{upright}>{_GREEK[name]}</mi>"
        if name in _LARGE:
            return f'<mo movablelimits="true">{_LARGE[name]}</mo>'
        if name in _OPERATORS:
            return _operator(_OPERATORS[name])
        if name in _WORDS:
            return f"<mi>{name}</mi>"
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]}"/>'
        if name in _ACCENTS:
            return f'<mover accent="true">{self.argument()}<mo stretchy="false">{_ACCENTS[name]}</mo></mover>'
        return self.structure(name)

    def structure(self, name: str) -> str:
        """Read a command with arguments."""
        if name in ("frac", "tfrac", "dfrac"):
            return f"<mfrac>{self.argument()}{self.argument()}</mfrac>"
        if name == "sqrt":
            if self.peek() == "[":
                self.take()
                degree = self.row("]")
                self.expect("]")
                return f"<mroot>{self.argument()}{degree}</mroot>"
            return f"<msqrt>{self.argument()}</msqrt>"
        if name == "overline":  # a border, because few fonts have a bar that stretches
            return f'<mrow style="border-top: 0.07em solid; padding-top: 0.12em">{self.argument()}</mrow>'
        if name == "mathbb":
            self.expect("{")
            letter = _DOUBLE.get(self.take())
            self.expect("}")
            if letter is None:
                raise Unknown(r"\mathbb")
            return f"<mi>{letter}</mi>"
        if name == "left":
            return self.fenced()
        raise Unknown(f"\\{name}")

    def fenced(self) -> str:
        opening = self.delimiter()
        inside = self.row(None)
        self.expect(r"\right")
        return f"<mrow>{opening}{inside}{self.delimiter()}</mrow>"

    def delimiter(self) -> str:
        token = self.take()
        if token == ".":
            return ""
        sign = _OPERATORS.get(token[1:], "") if token[0] == "\\" else token
        if sign not in _FENCES or not sign:
            raise Unknown(token)
        return f'<mo fence="true" stretchy="true">{escape(sign)}</mo>'


def _upright(word: str) -> str:
    return f'<mi mathvariant="normal">{escape(word.strip())}</mi>'


def _operator(sign: str) -> str:
    if sign in _FENCES:  # typed without \left: its own size
        return f'<mo fence="true" stretchy="false">{escape(sign)}</mo>'
    return f"<mo>{escape(sign)}</mo>"
