"""The job's row rules: the first rule that a row breaks, in the contract's order, is its reason."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import (
    ACTIVITY,
    AHEAD,
    AHEAD_MS,
    BEHIND,
    BEHIND_MS,
    FAR_CLOCK,
    FIELDS,
    NO_CLOCK,
    NOT_AN_OBJECT,
    PLAYS,
)
from runtime.event_text import parse_time
from runtime.units import MINUTE_MS
from spark_app.stages.parsing.parse import all_rows

GOLDEN = Path(__file__).resolve().parents[4] / "contracts" / "golden"
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def good(topic: str) -> dict[str, Any]:
    return json.loads((GOLDEN / f"{topic}.json").read_text())[0]


CLOCK = {topic: parse_time(good(topic)["event_time"]) or 0 for topic in FIELDS}


def reason_of(topic: str, row: Any, clock_ms: int | None, limit_ms: int = 2**62) -> str | None:
    """Return the reason of one row in a message of its own; None for a good row."""
    message = {"partition": [0], "offset": [0], "value": [json.dumps([row]).encode()], "sent_rows": [1]}
    batch = pa.RecordBatch.from_pydict(message | {"clock_ms": pa.array([clock_ms], pa.int64()), "limit_ms": [limit_ms]})
    (line,) = [line for lines in all_rows([batch], topic) for line in lines.to_pylist()]
    return line["reason"]


@pytest.mark.parametrize("topic", FIELDS)
@given(data=st.data())
def test_any_value_in_any_field_is_accepted_or_rejected_by_that_fields_reason(topic: str, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(FIELDS[topic]))
    row = good(topic) | {field.name: data.draw(ANY_JSON)}
    reason = reason_of(topic, row, CLOCK[topic])
    assert reason in (None, field.rejection, AHEAD, BEHIND) if field.is_checked else reason is None


@pytest.mark.parametrize("topic", FIELDS)
@given(row=ANY_JSON)
def test_any_json_has_a_reason_and_never_an_error(topic: str, row: Any) -> None:
    assert reason_of(topic, row, CLOCK[topic]) is not None


@pytest.mark.parametrize("topic", FIELDS)
def test_of_several_bad_fields_the_first_in_order_is_the_reason(topic: str) -> None:
    row = good(topic)
    for field in reversed([field for field in FIELDS[topic] if field.is_checked]):
        row[field.name] = ""
        assert reason_of(topic, row, CLOCK[topic]) == field.rejection


@pytest.mark.parametrize("topic", FIELDS)
def test_a_required_field_may_not_be_missing_and_another_may(topic: str) -> None:
    for field in FIELDS[topic]:
        row = good(topic)
        del row[field.name]
        assert reason_of(topic, row, CLOCK[topic]) == (field.rejection if field.is_required else None)


@pytest.mark.parametrize("row", [None, 5, "x", [], [1], True])
def test_a_row_that_is_no_object_is_rejected_as_such(row: Any) -> None:
    assert reason_of(PLAYS, row, 0) == NOT_AN_OBJECT


@pytest.mark.parametrize("row", [good(PLAYS), {}, 5])
def test_without_a_clock_no_row_is_accepted_and_the_clock_is_the_reason(row: Any) -> None:
    assert reason_of(PLAYS, row, None) == NO_CLOCK


def test_the_bounds_around_the_clock_are_inclusive() -> None:
    row, at = good(ACTIVITY), CLOCK[ACTIVITY]
    assert reason_of(ACTIVITY, row, at - AHEAD_MS) is None
    assert reason_of(ACTIVITY, row, at - AHEAD_MS - 1) == AHEAD
    assert reason_of(ACTIVITY, row, at + BEHIND_MS) is None
    assert reason_of(ACTIVITY, row, at + BEHIND_MS + 1) == BEHIND


@pytest.mark.parametrize(("text", "is_good"), [("0", True), ("99999999", True), ("100000000", False), ("-1", False),
                                               ("1.5", False), ("", False), ("7\n", False), ("１", False)])  # fmt: skip
def test_milliseconds_are_one_to_eight_digits(text: str, is_good: bool) -> None:
    reason = reason_of(PLAYS, good(PLAYS) | {"listen_ms": text}, CLOCK[PLAYS])
    assert (reason is None) == is_good


def test_a_number_where_a_string_was_meant_is_read_as_its_text() -> None:
    assert reason_of(PLAYS, good(PLAYS) | {"listen_ms": 31250}, CLOCK[PLAYS]) is None


@pytest.mark.parametrize("topic", FIELDS)
def test_a_clock_ahead_of_the_broker_rejects_its_message_and_a_row_ahead_of_it_alone(topic: str) -> None:
    at = CLOCK[topic]
    assert reason_of(topic, good(topic), at, limit_ms=at) is None
    assert reason_of(topic, good(topic), at, limit_ms=at - 1) == FAR_CLOCK
    assert reason_of(topic, good(topic), at - MINUTE_MS, limit_ms=at - 1) == AHEAD
    assert reason_of(topic, "no object", at, limit_ms=at - 1) == FAR_CLOCK
    assert reason_of(topic, good(topic), None, limit_ms=at - 1) == NO_CLOCK
