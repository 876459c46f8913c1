"""Rows become JSON text: every field a string, nulls left out, whatever the characters."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import ACTIVITY, FIELDS, PLAYS
from ops.reconcile.row_rules import check_rows
from producer.kafka.encode import join_rows, render_rows, render_times
from runtime.event_text import format_time
from tests.producer.raw_world import START_MS, raw_table

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


def as_sent(topic: str, row: dict[str, Any]) -> dict[str, str]:
    """Say what a raw row is in a message, field by field."""
    sent = {}
    for field in FIELDS[topic]:
        value = row.get(field.name)
        if value is not None:
            sent[field.name] = json.dumps(value) if isinstance(value, bool | int) else str(value)
    return sent


@settings(max_examples=50)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "play_id": TEXT,
                "event_ms": st.integers(0, 2**41),
                "context_id": st.none() | TEXT,
                "ip": st.none() | TEXT,
                "shuffle": st.none() | st.booleans(),
                "listen_ms": st.integers(0, 10**8),
            }
        ),
        min_size=1,
        max_size=5,
    ),
    st.booleans(),
)
def test_a_rendered_row_is_its_fields_as_strings_without_the_nulls(
    rows: list[dict[str, Any]], is_dictionary: bool
) -> None:
    table = raw_table(PLAYS, rows)
    if is_dictionary:
        for name in ("context_id", "ip"):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, table.column(name).dictionary_encode())
    defaults = {"user_id": "u1", "track_id": "t1", "reason_start": "clickrow", "reason_end": "trackdone"}
    expected = [as_sent(PLAYS, {**defaults, **row, "event_time": format_time(row["event_ms"])}) for row in rows]
    assert [json.loads(text + "}") for text in render_rows(PLAYS, table)] == expected


@settings(max_examples=50)
@given(st.lists(st.integers(-62_135_596_800_000, 253_402_300_799_999), max_size=5))
def test_times_have_their_24_characters_from_year_1_to_9999(epoch_ms: list[int]) -> None:
    rendered = render_times(pa.array(epoch_ms, pa.int64())).to_pylist()
    assert [len(text) for text in rendered] == [24] * len(epoch_ms)
    assert [text for ms, text in zip(epoch_ms, rendered, strict=True) if ms >= 0] == [
        format_time(ms) for ms in epoch_ms if ms >= 0
    ]


@pytest.mark.parametrize("topic", [PLAYS, ACTIVITY])
def test_a_row_sent_again_is_later_and_has_an_id_of_its_own(topic: str) -> None:
    table = raw_table(topic, [{"event_ms": START_MS}])
    (first,) = render_rows(topic, table)
    (again,) = render_rows(topic, table, shift_ms=1500, id_suffix="~2")
    row, other = json.loads(first + "}"), json.loads(again + "}")
    name = FIELDS[topic][0].name
    assert (other[name], other["event_time"]) == (row[name] + "~2", format_time(START_MS + 1500))
    assert check_rows(topic, [other], np.array([START_MS]))[0].all()


def test_a_message_has_the_same_integer_ts_in_all_its_rows() -> None:
    texts = render_rows(PLAYS, raw_table(PLAYS, [{"event_ms": START_MS}, {"event_ms": START_MS + 1}]))
    assert [row["ts"] for row in json.loads(join_rows(texts, 1_767_225_601))] == [1_767_225_601] * 2
