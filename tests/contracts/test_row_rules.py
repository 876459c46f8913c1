"""Row rules: the first bad field in the contract's order is the reason, and nothing makes the check itself fail."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import (
    ACTIVITY,
    AHEAD,
    AHEAD_MS,
    BEHIND,
    BEHIND_MS,
    FIELDS,
    NO_CLOCK,
    NOT_AN_OBJECT,
    PLAYS,
    bad,
    check_row,
    format_time,
    parse_time,
)

GOLDEN = Path(__file__).resolve().parents[2] / "contracts" / "golden"
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def good(topic: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads((GOLDEN / f"{topic}.json").read_text())[0]
    return row


CLOCK = {topic: parse_time(good(topic)["event_time"]) or 0 for topic in FIELDS}


@pytest.mark.parametrize("topic", FIELDS)
@given(data=st.data())
def test_any_value_in_any_field_is_accepted_or_rejected_by_that_fields_reason(topic: str, data: Any) -> None:
    field = data.draw(st.sampled_from(FIELDS[topic]))
    row = good(topic) | {field.name: data.draw(ANY_JSON)}
    reason = check_row(topic, row, CLOCK[topic])
    assert reason in (None, bad(field), AHEAD, BEHIND) if field.is_checked else reason is None


@pytest.mark.parametrize("topic", FIELDS)
@given(row=ANY_JSON)
def test_any_json_has_a_reason_and_never_an_error(topic: str, row: Any) -> None:
    assert check_row(topic, row, CLOCK[topic]) is not None


@pytest.mark.parametrize("topic", FIELDS)
def test_of_several_bad_fields_the_first_in_order_is_the_reason(topic: str) -> None:
    checked = [field for field in FIELDS[topic] if field.is_checked]
    row = good(topic)
    for field in reversed(checked):
        row[field.name] = ""
        assert check_row(topic, row, CLOCK[topic]) == bad(field)


@pytest.mark.parametrize("topic", FIELDS)
def test_a_required_field_may_not_be_missing_and_another_may(topic: str) -> None:
    for field in FIELDS[topic]:
        row = good(topic)
        del row[field.name]
        assert check_row(topic, row, CLOCK[topic]) == (bad(field) if field.is_required else None)


@pytest.mark.parametrize("row", [None, 5, "x", [], [1], True])
def test_what_is_no_object_is_rejected(row: Any) -> None:
    assert check_row(PLAYS, row, 0) == NOT_AN_OBJECT


def test_without_a_clock_no_row_is_accepted() -> None:
    assert check_row(PLAYS, good(PLAYS), None) == NO_CLOCK


def test_the_bounds_around_the_clock_are_inclusive() -> None:
    row, at = good(ACTIVITY), CLOCK[ACTIVITY]
    assert check_row(ACTIVITY, row, at - AHEAD_MS) is None
    assert check_row(ACTIVITY, row, at - AHEAD_MS - 1) == AHEAD
    assert check_row(ACTIVITY, row, at + BEHIND_MS) is None
    assert check_row(ACTIVITY, row, at + BEHIND_MS + 1) == BEHIND


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


@pytest.mark.parametrize(("text", "is_good"), [("0", True), ("99999999", True), ("100000000", False), ("-1", False),
                                               ("1.5", False), ("", False), ("7\n", False), ("１", False)])  # fmt: skip
def test_milliseconds_are_one_to_eight_digits(text: str, is_good: bool) -> None:
    reason = check_row(PLAYS, good(PLAYS) | {"listen_ms": text}, CLOCK[PLAYS])
    assert (reason is None) == is_good


def test_a_number_where_a_string_was_meant_is_read_as_its_text() -> None:
    assert check_row(PLAYS, good(PLAYS) | {"listen_ms": 31250}, CLOCK[PLAYS]) is None
