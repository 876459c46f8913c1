"""The two ways to write Kafka's client settings: `key=value;key=value`, and a Java properties file.

Nothing of a value is in an error, and no name either: behind a `;` that belonged into quotes, a "name" is a part of a
password.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from runtime.errors import SecuritySettingError

JAAS = "sasl.jaas.config"
"""The one setting whose value has quotes inside, as Java reads it: a `;` in them ends nothing."""

_KEY = re.compile(r"[^=;]*")
_PLAIN = re.compile(r"[^;]*")
_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_JAAS_VALUE = re.compile(r"""(?:[^;"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*""", re.DOTALL)
_SEPARATED = re.compile(r"((?:[^\\=: \t\f]|\\.)*)[ \t\f]*[=:]?[ \t\f]*(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


class Entry(NamedTuple):
    """One setting, and where it was written (`entry 2`, `line 7`)."""

    name: str
    value: str
    where: str


def inline_entries(text: str) -> Iterator[Entry]:
    r"""Read `key=value;key=value`, without the blanks around keys and values; `"…"` may hold `;`, `\"`, `\\`.

    Raises SecuritySettingError for an entry without `=` and for an open quote.

    >>> [entry.value for entry in inline_entries(' sasl.username = alice ; sasl.password="a;b" ')]
    ['alice', 'a;b']
    """
    number, start = 0, 0
    while start < len(text):
        number += 1
        where = f"entry {number}"
        key = _match(_KEY, text, start)
        if text[key.end() : key.end() + 1] != "=":
            if key.group().strip():
                raise SecuritySettingError(f'{where} has no "=": write  key=value;key=value, a value with ; in quotes')
            number, start = number - 1, key.end() + 1
            continue
        name, start = key.group().strip(), key.end() + 1
        is_quoted = name != JAAS and text[start:].lstrip().startswith('"')
        form = _JAAS_VALUE if name == JAAS else _QUOTED if is_quoted else _PLAIN
        value = form.match(text, start)
        if value is None or text[value.end() : value.end() + 1] not in (";", ""):
            raise SecuritySettingError(
                f'{where} has a quote that does not end, or text behind it: write  key="value"  with \\" for a quote'
            )
        yield Entry(name, _unescaped(value.group(1)) if is_quoted else value.group().strip(), where)
        start = value.end() + 1


def file_entries(text: str) -> Iterator[Entry]:
    r"""Read a Java properties file: comments, `=`, `:` or a blank between key and value, `\` at the end of a line.

    >>> list(file_entries("# ours\nssl.truststore.\\\n   type: PEM"))
    [Entry(name='ssl.truststore.type', value='PEM', where='line 2')]
    """
    lines = iter(enumerate(re.split(r"\r\n|\r|\n", text), start=1))
    for number, line in lines:
        whole = line.lstrip(" \t\f")
        if not whole or whole[0] in "#!":
            continue
        while _goes_on(whole):
            whole = whole[:-1] + next(lines, (0, ""))[1].lstrip(" \t\f")
        key, value = _match(_SEPARATED, whole, 0).groups()
        # Kafka trims every value
        yield Entry(_unescaped(key), _unescaped(value).strip(), f"line {number}")


def _match(form: re.Pattern[str], text: str, start: int) -> re.Match[str]:
    """Match a form that matches anything, also nothing."""
    found = form.match(text, start)
    assert found is not None
    return found


def _goes_on(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unescaped(text: str) -> str:
    def character(escape: re.Match[str]) -> str:
        code = escape.group(1)
        return chr(int(code[1:], 16)) if len(code) > 1 else _CONTROL.get(code, code)

    # a character beyond U+FFFF is two escapes
    return _ESCAPE.sub(character, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
