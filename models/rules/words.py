"""The first gate of a rule's text: only known words, numbers and signs, and brackets in pairs, come to the parser."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from contracts.features import Feature
from contracts.rules import MAX_DEPTH, MAX_TEXT_CHARS
from models.rules.errors import RuleTextError
from models.rules.names import nearest

WORDS = ("and", "or", "not", "known")
KINDS = ("blank", "number", "name", "sign", "other")
_TOKEN = re.compile(
    r"(?P<blank>[ \t\n]+)|(?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|==|!=|\*\*|//|&&|\|\||[-+*/()<>])|(?P<other>.)",
    re.DOTALL | re.ASCII,
)
_SAME = {"×": "*", "÷": "/", "−": "-", "–": "-", "≤": "<=", "≥": ">=", "≠": "!=", "\u00a0": " ", "\r": " "}
"""Signs that mean the same as one of Python's."""
_ADVICE = {
    "**": "a rule has no powers: multiply",
    "//": "a rule divides by /",
    "&&": "write 'and'",
    "||": "write 'or'",
    "&": "write 'and'",
    "|": "write 'or'",
    "!": "write 'not', or '!=' for unequal",
    "=": "write '==' for equal",
    "%": "a share is from 0 to 1: write 0.8 for 80 %",
    ",": "write a decimal point, and no sign between thousands",
    ".": "a dot is only part of a number",
}
_ALLOWED = "a rule has names, numbers, + - * / ( ) and < <= > >= == != and or not"
_MAX_DIGITS = 40


class Token(NamedTuple):
    """A word, number or sign of the translated text, and where it begins."""

    kind: str
    text: str
    at: int

    @property
    def begins_operand(self) -> bool:
        return self.kind == "number" or self.text == "(" or (self.kind == "name" and self.text not in ("and", "or"))

    @property
    def ends_operand(self) -> bool:
        return self.kind == "number" or self.text == ")" or (self.kind == "name" and self.text not in WORDS)


@dataclass(frozen=True, slots=True)
class RuleText:
    """The text of a rule with Python's own signs (`source`), and where each character of it comes from (`origin`)."""

    text: str
    source: str
    origin: tuple[int, ...]

    @staticmethod
    def of(text: str) -> "RuleText":
        """Translate a text. Raises RuleTextError where it is too long or empty."""
        if len(text) > MAX_TEXT_CHARS:
            message = f"the text has {len(text):,} characters, a rule has at most {MAX_TEXT_CHARS:,}"
            raise RuleTextError(message, text, MAX_TEXT_CHARS)
        if not text.strip():
            raise RuleTextError("a rule needs a condition, such as share_30_35 > 0.8 and streams > 100", text, 0)
        same = [_SAME.get(char, char) for char in text]
        origin = tuple(offset for offset, signs in enumerate(same) for _ in signs)
        return RuleText(text, "".join(same), origin)

    def error(self, message: str, at: int) -> RuleTextError:
        """Return the error at a place of `source`; behind its end it is at the end of the text."""
        return RuleTextError(message, self.text, self.origin[at] if 0 <= at < len(self.origin) else len(self.text))

    def check(self, known: dict[str, Feature]) -> None:
        """Raise RuleTextError for a word, sign or bracket that no rule has. `known`: the features by name."""
        open_at: list[int] = []
        before = Token("blank", "", 0)
        for token in self._tokens():
            self._check_token(token, known)
            if token.begins_operand and before.ends_operand:
                is_call = token.text == "(" and before.kind == "name"
                missing = f"a sign is missing before {token.text}"
                raise self.error("only known(NAME) has brackets after its name" if is_call else missing, token.at)
            if before.kind == "number" and token.kind == "name" and before.at + len(before.text) == token.at:
                raise self.error(f"a blank is missing before {token.text}", token.at)
            self._check_bracket(token, open_at)
            before = token
        if open_at:
            raise self.error("this bracket is not closed", open_at[-1])

    def _tokens(self) -> Iterator[Token]:
        for match in _TOKEN.finditer(self.source):
            kind = next(kind for kind in KINDS if match[kind] is not None)
            if kind != "blank":
                yield Token(kind, match[0], match.start())

    def _check_token(self, token: Token, known: dict[str, Feature]) -> None:
        if token.kind == "other" or token.text in _ADVICE:
            advice = _ADVICE.get(token.text, _ALLOWED)
            raise self.error(f"{token.text!r} is no part of a rule: {advice}", token.at)
        if token.kind == "name" and token.text not in known and token.text not in WORDS:
            raise self.error(_advise_name(token.text, known), token.at)
        if token.kind == "number":
            if len(token.text) > _MAX_DIGITS or not math.isfinite(float(token.text)):
                raise self.error("this number is too large", token.at)
            if token.text.isdigit() and len(token.text) > 1 and token.text[0] == "0":
                raise self.error("a number does not begin with 0 unless a decimal point follows", token.at)

    def _check_bracket(self, token: Token, open_at: list[int]) -> None:
        if token.text == "(":
            open_at.append(token.at)
            if len(open_at) > MAX_DEPTH:
                raise self.error(f"brackets are nested more than {MAX_DEPTH} deep", token.at)
        elif token.text == ")":
            if not open_at:
                raise self.error("this bracket closes none", token.at)
            open_at.pop()


def _advise_name(name: str, known: dict[str, Feature]) -> str:
    if name.lower() in WORDS:
        return f"write {name.lower()!r} in small letters"
    closest = nearest(name, known)
    advice = f"did you mean {closest!r}?" if closest else "the page and  playproof rules names  list all names"
    return f"there is no {name[:60]!r}: {advice}"
