"""Cells of CSV that a spreadsheet shows: no text is taken for a formula."""

import re
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters that make a spreadsheet calculate, with the full-width ones (OWASP, "CSV Injection")."""
_AFTER_SEPARATOR = re.compile(r"([;|\t\r\n][\s\u00a0\"']*)(?=[=+\-@＝＋－＠])")
"""A spreadsheet that takes another character for the separator begins a cell in the middle of a text."""


def safe_cell(value: Any) -> Any:
    """Return a cell's value; text that would be a formula gets an apostrophe, numbers stay numbers.

    >>> safe_cell('=HYPERLINK("x")'), safe_cell("a;=1+1"), safe_cell(-3.5), safe_cell(None)
    ('\\'=HYPERLINK("x")', "a;'=1+1", -3.5, '')
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = _AFTER_SEPARATOR.sub(r"\1'", value)
    return f"'{text}" if value.lstrip(" \u00a0").startswith(FORMULA_STARTS) else text
