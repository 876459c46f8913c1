"""The glossary's words are in use."""

import re
from functools import cache

import pytest

from tests.docs.pages import PACKAGES, ROOT

WORDS, RETIRED = (ROOT / "docs" / "glossary.md").read_text().split("## Retired names")
ROWS = re.findall(r"^\| ([\w -]+) \| (.+) \| (`.+`) \|$", WORDS, re.MULTILINE)


@cache
def words_of_code() -> frozenset[str]:
    """Every identifier-like word in the packages."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return frozenset(word for file in files for word in re.findall(r"\w+", file.read_text()))


@pytest.mark.parametrize(("term", "meaning", "names"), ROWS, ids=[term for term, _, _ in ROWS])
def test_a_term_has_a_meaning_and_its_names_are_in_the_code(term: str, meaning: str, names: str) -> None:
    assert meaning.endswith(".")
    assert len(re.findall(r"[.:](?= |$)", meaning)) <= 3, "one or two plain sentences"
    assert [name for name in re.findall(r"`(\w+)`", names) if name not in words_of_code()] == []


def test_every_line_of_the_page_is_read() -> None:
    lines = [line for line in WORDS.splitlines() if line.startswith("| ") and not line.startswith("| word")]
    assert len(ROWS) == len(lines)
    assert len({term for term, _, _ in ROWS}) == len(ROWS)


def test_what_replaces_a_retired_name_is_in_the_code() -> None:
    replacements = re.findall(r"^\| `\w+`.* \| `(\w+)` \|$", RETIRED, re.MULTILINE)
    assert replacements
    assert [name for name in replacements if name not in words_of_code()] == []
