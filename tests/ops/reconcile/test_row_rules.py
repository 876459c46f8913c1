"""The reconciliation reads messages without Spark, and hashes as Spark does."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import HEADER_CLOCK_MS, HEADER_ROWS, HEARTBEAT_USER, PLAYS
from ops.reconcile.row_rules import hash64, parse_messages, parse_times, read_list
from runtime.event_text import format_time, parse_time

CLOCK_MS = 1_767_225_600_000
GOOD: dict[str, dict[str, Any]] = {
    PLAYS: {
        "play_id": "p1", "user_id": "u1", "event_time": format_time(CLOCK_MS), "track_id": "t1", "listen_ms": "40000",
        "reason_start": "clickrow", "reason_end": None,
    },
}  # fmt: skip
NEARLY_A_TIME = r"[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z"
CLOCK = (HEADER_CLOCK_MS, str(CLOCK_MS).encode())
HEADERS = [CLOCK, (HEADER_ROWS, b"7")]


@settings(max_examples=100)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.text(st.sampled_from("0123456789-T:.Z "), max_size=25),
            st.from_regex(NEARLY_A_TIME, fullmatch=True),
        ),
        max_size=5,
    )
)  # fmt: skip
def test_times_in_a_column_are_read_as_single_times_are(texts: list[str | None]) -> None:
    times, valid = parse_times(pa.array(texts, pa.string()))
    read = [int(ms) if is_time else None for ms, is_time in zip(times, valid, strict=True)]
    assert read == [None if text is None else parse_time(text) for text in texts]


def test_good_rows_come_with_their_hashes_and_times() -> None:
    parsed = parse_messages(PLAYS, [(json.dumps([GOOD[PLAYS]]).encode(), [CLOCK])])
    assert parsed.id_hash.tolist() == [hash64("p1")]
    assert parsed.event_ms.tolist() == [CLOCK_MS]
    assert parsed.start_ms.tolist() == [CLOCK_MS - 40_000]


def test_hashes_are_those_of_spark() -> None:
    # SELECT xxhash64('u1') in Spark 4.0.4
    assert hash64("u1") == -5294616631767451713


def test_one_bad_row_is_rejected_and_a_heartbeat_is_no_row() -> None:
    listed = [GOOD[PLAYS], 5, {**GOOD[PLAYS], "user_id": HEARTBEAT_USER}, {**GOOD[PLAYS], "listen_ms": "-1"}]
    parsed = parse_messages(PLAYS, [(json.dumps(listed).encode(), [CLOCK])])
    assert len(parsed.id_hash) == 1
    assert parsed.rejected.tolist() == [2]


@pytest.mark.parametrize("value", [None, b"", b"{}", b"GET /", b"\xff[", b'[{"play_id": "p'])
def test_an_unreadable_message_is_as_many_rejected_rows_as_its_header_says(value: bytes | None) -> None:
    assert parse_messages(PLAYS, [(value, HEADERS)]).rejected.tolist() == [7]


def test_rows_that_the_header_counts_and_the_list_lacks_are_rejected() -> None:
    listed = json.dumps([GOOD[PLAYS]] * 3).encode()
    messages = [(listed + listed, HEADERS), (listed, [CLOCK, (HEADER_ROWS, b"1")])]
    assert parse_messages(PLAYS, messages).rejected.tolist() == [4, 0]
    assert parse_messages(PLAYS, [(listed, HEADERS[1:])]).rejected.tolist() == [7], "without a clock, the three as well"


def test_rows_without_a_clock_are_rejected() -> None:
    assert parse_messages(PLAYS, [(json.dumps([GOOD[PLAYS]] * 3).encode(), [])]).rejected.tolist() == [3]


def test_what_spark_reads_past_is_read_past() -> None:
    assert read_list(b' [NaN, "\\ud800"] [1]') is not None
    assert read_list(b" [1]\n") == [1]


@pytest.mark.parametrize("size", [1_000_000, 5_000_000])
def test_a_message_of_megabytes_is_read_row_by_row(size: int) -> None:
    row = json.dumps(GOOD[PLAYS]).encode()
    n_rows = size // len(row)
    parsed = parse_messages(PLAYS, [(b"[" + b",".join([row] * n_rows) + b"]", [CLOCK])])
    assert len(parsed.id_hash) == n_rows
    assert parsed.rejected.tolist() == [0]
