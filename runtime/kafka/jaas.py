"""User and password in the form that Java's clients take: a login module with two quoted options."""

import re

from runtime.errors import SecuritySettingError
from runtime.kafka.entries import JAAS

MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
"""Login module of each mechanism that both clients, Java's and Python's, know."""

_VALUE = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;"'=]+"""
_CONFIG = re.compile(rf"\s*([\w.$]+)\s+required((?:\s+\w+\s*=\s*(?:{_VALUE}))*)\s*;?\s*", re.DOTALL)
_OPTION = re.compile(rf"(\w+)\s*=\s*({_VALUE})", re.DOTALL)
_ESCAPE = re.compile(r"\\([0-3][0-7]{2}|[0-7]{1,2}|.)", re.DOTALL)
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parse_jaas(text: str, mechanism: str) -> tuple[str, str]:
    """Return user and password of a JAAS line. Raises SecuritySettingError, which shows nothing of the line.

    >>> parse_jaas(MODULES["PLAIN"] + ' required username="a" password="p;q";', "PLAIN")
    ('a', 'p;q')
    """
    config = _CONFIG.fullmatch(text)
    options = _OPTION.findall(config.group(2)) if config else []
    if config is None or sorted(name for name, _ in options) != ["password", "username"]:
        raise SecuritySettingError(
            f'{JAAS} cannot be read: write  {MODULES[mechanism]} required username="…" password="…";  or give '
            f"sasl.username and sasl.password instead"
        )
    if config.group(1) != MODULES[mechanism]:
        raise SecuritySettingError(f"{JAAS} has another login module than sasl.mechanism={mechanism} needs: "
                                   f"write  {MODULES[mechanism]}")  # fmt: skip
    values = {name: _unquoted(value) for name, value in options}
    return values["username"], values["password"]


def render_jaas(mechanism: str, username: str, password: str) -> str:
    """Write user and password as a JAAS line.

    >>> render_jaas("PLAIN", "a", 'p"q')
    'org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="p\\\\"q";'
    """
    return f"{MODULES[mechanism]} required username={_quoted(username)} password={_quoted(password)};"


def _quoted(text: str) -> str:
    # a line break would end the quote
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _unquoted(text: str) -> str:
    """Read a quoted or bare value with the escapes of Java's StreamTokenizer."""
    if text[0] not in "\"'":
        return text

    def character(escape: re.Match[str]) -> str:
        code = escape.group(1)
        return chr(int(code, 8)) if code[0] in "01234567" else _CONTROL.get(code, code)

    return _ESCAPE.sub(character, text[1:-1])
