"""Times of events, and numbers of headers, as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import NUMERIC_HEADERS
from runtime.event_text import as_text, format_time, header_number, parse_time


@pytest.mark.parametrize(
    "text",
    ["", "12:30", "2025-03-03T11:42:07Z", "2025-03-03 11:42:07.315Z", "2025-03-03T11:42:07.315z",
     "2025-02-30T00:00:00.000Z", "2025-03-03T11:42:07.315Z\n",
     "0000-01-01T00:00:00.000Z", "2025-03-03T24:00:00.000Z", "２025-03-03T11:42:07.315Z"],
)  # fmt: skip
def test_a_time_of_another_form_is_none(text: str) -> None:
    assert parse_time(text) is None


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_a_time_survives_the_way_to_text_and_back(ms: int) -> None:
    text = format_time(ms)
    assert len(text) == 24
    assert parse_time(text) == ms


@pytest.mark.parametrize("name", NUMERIC_HEADERS)
def test_a_header_of_another_form_is_no_number(name: str) -> None:
    for text in (None, b"", b"abc", b"+5", b" 5", b"5\n", b"1_0", "٣".encode(), b"\xff", b"9" * 19, b"9" * 5000):
        assert header_number([(name, text)], name) is None, text
    assert header_number([], name) is None
    assert header_number([("another", b"7"), (name, b"5")], name) == 5


def test_only_a_clock_may_be_negative() -> None:
    read = {name: header_number([(name, b"-5")], name) for name in NUMERIC_HEADERS}
    assert read == dict.fromkeys(NUMERIC_HEADERS) | {"clock_ms": -5}


@pytest.mark.parametrize(
    ("value", "text"), [(None, None), ("é", "é"), (31250, "31250"), (True, "true"), ({"a": ["é"]}, '{"a":["é"]}')]
)
def test_a_json_value_that_is_no_string_is_its_json_text(value: object, text: str | None) -> None:
    assert as_text(value) == text
