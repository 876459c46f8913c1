"""The pages use words that a reader of any country understands at once."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name_of

UNITS = (
    "second|minute|hour|day|week|month|row|session|account|core|task|frame|batch|micro-batch|message|stream|CPU-second"
)
PLAIN = {
    r"\bbeside\b": "next to",
    r"\bstands?\b(?! for)": "is",
    r"\banew\b": "again",
    r"\bof (its|their|our) own\b": "separate, own",
    r"\b(told|reckons?|reckoned|likewise|mend|mends)\b": "shown, computed, the same, repair",
    r"\b(rows|MB|bytes|CPU|µs|EUR|reasons|times) an? (" + UNITS + r")\b": "per",
    r"\bwhat .{1,20} says? of\b": "about",
}
"""Pattern -> what to write instead."""


@pytest.mark.parametrize("page", [*PAGES, ROOT / "data" / "README.md"], ids=name_of)
def test_a_page_is_in_plain_international_english(page: Path) -> None:
    text = re.sub(r"`[^`\n]+`|^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = [(hit.group(0), plain) for pattern, plain in PLAIN.items() for hit in re.finditer(pattern, text)]
    assert found == []
