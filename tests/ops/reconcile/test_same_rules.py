"""The rules of rows are written twice, for the job and for the reconciliation: both treat hostile rows the same."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from contracts.events import ACTIVITY, FIELDS, HEADER_CLOCK_MS, HEADER_ROWS, PLAYS
from ops.reconcile.row_rules import check_rows, hash64, parse_messages, read_list
from runtime.event_text import format_time, header_number
from runtime.units import DAY_MS
from spark_app.stages.parsing.parse import all_rows, number_header

CLOCK_MS = 1_767_225_600_000
GOOD: dict[str, dict[str, Any]] = {
    PLAYS: {
        "play_id": "p1", "user_id": "u1", "event_time": format_time(CLOCK_MS), "track_id": "t1", "listen_ms": "40000",
        "reason_start": "clickrow", "reason_end": None,
    },
    ACTIVITY: {"event_id": "e1", "user_id": "u1", "event_time": format_time(CLOCK_MS), "action": "search"},
}  # fmt: skip
ODD_TEXTS = (
    "", " ", "0", "00000007", "40000 ", "4e4", "-1", "+5", "0x1F", "١٢٣", "123456789", "1_000", "null", "NaN",
    "x" * 64, "x" * 65, "é" * 64, "🎧" * 64, "🎧" * 65, "\n", "40000\n", "40000\r\n", "40000\u0085", "\\", '"', "a\0",
    "12:30", "2026-03-01", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00+0500", "2026-03-01T10:00:00,000Z",
    "2026-02-29T10:00:00.000Z", "2024-02-29T10:00:00.000Z", "2026-03-01T10:60:00.000Z", "2026-00-01T10:00:00.000Z",
    "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z", "0000-01-01T00:00:00.000Z", "1582-10-10T00:00:00.000Z",
    " 2026-03-01T10:00:00.000Z", "2026-03-01T10:00:00.000Z\n", "2026-03-01T10:00:00.000Z\u2028",
    "fwdbtn", "trackdone", "telepathy", "Trackdone", "trackdone ", "search", "heartbeat", "__heartbeat__",
)  # fmt: skip
NO_LIMIT_MS = 2**62
NEARLY_A_TIME = r"[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z"
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
NEAR_THE_CLOCK = st.builds(
    lambda bound, ms: format_time(CLOCK_MS + bound + ms),
    st.sampled_from([-7 * DAY_MS, 0, 5 * 60_000]),
    st.integers(-2, 2),
)
ODD_VALUE = st.sampled_from(ODD_TEXTS) | ANY_VALUE | NEAR_THE_CLOCK | st.from_regex(NEARLY_A_TIME, fullmatch=True)


@st.composite
def hostile_rows(draw: st.DrawFn, topic: str) -> list[Any]:
    """Draw a few rows: good but for one or two fields, with a field missing, or no object at all."""
    rows: list[Any] = []
    for _ in range(draw(st.integers(0, 6))):
        row = dict(GOOD[topic])
        # most of them checked fields: those are what the rules are about
        names = [f.name for f in FIELDS[topic] if f.is_checked or draw(st.booleans())]
        for name in draw(st.lists(st.sampled_from(names), max_size=2)):
            row[name] = draw(ODD_VALUE)
        for name in draw(st.lists(st.sampled_from(names), max_size=1)):
            row.pop(name, None)
        rows.append(draw(st.just(row) | ANY_VALUE))
    return rows


def of_the_job(
    topic: str, value: bytes, clock_ms: int | None, limit_ms: int = NO_LIMIT_MS
) -> dict[int, tuple[int, int | None] | None]:
    """Return by position what the job makes of the rows of a message: event time and listen_ms; None for a bad row."""
    message = {"partition": [0], "offset": [0], "value": [value], "sent_rows": [0], "limit_ms": [limit_ms]}
    batch = pa.RecordBatch.from_pydict(message | {"clock_ms": pa.array([clock_ms], pa.int64())})
    accepted: dict[int, tuple[int, int | None] | None] = {}
    for lines in all_rows([batch], topic):
        event_ms = lines["event_time"].cast(pa.int64()).to_pylist()
        listen_ms = lines["listen_ms"].to_pylist() if topic == PLAYS else [None] * len(event_ms)
        positions, reasons = lines["position"].to_pylist(), lines["reason"].to_pylist()
        for position, reason, at, heard in zip(positions, reasons, event_ms, listen_ms, strict=True):
            accepted[position] = None if reason else (at // 1000, heard)
    return accepted


def of_the_reconciliation(topic: str, value: bytes, clock_ms: int | None) -> dict[int, tuple[int, int | None] | None]:
    """Return the same as the reconciliation makes of it."""
    rows = read_list(value) or []
    if clock_ms is None:
        return dict.fromkeys(range(len(rows)))
    is_good, columns = check_rows(topic, rows, np.full(len(rows), clock_ms))
    event_ms, listen_ms = columns["event_time"].tolist(), columns["listen_ms"].tolist() if topic == PLAYS else []
    return {
        i: (event_ms[i], listen_ms[i] if topic == PLAYS else None) if good else None
        for i, good in enumerate(is_good.tolist())
    }


@pytest.mark.parametrize("topic", [PLAYS, ACTIVITY])
@given(data=st.data())
def test_job_and_reconciliation_accept_the_same_rows_with_the_same_times(topic: str, data: st.DataObject) -> None:
    rows = data.draw(hostile_rows(topic))
    clock_ms = data.draw(st.sampled_from([CLOCK_MS, CLOCK_MS, CLOCK_MS, 0, -1, 10**18 - 1, 1 - 10**18, None]))
    value = json.dumps(rows).encode()
    accepted = of_the_job(topic, value, clock_ms)
    assert accepted == of_the_reconciliation(topic, value, clock_ms)
    headers = [] if clock_ms is None else [(HEADER_CLOCK_MS, str(clock_ms).encode())]
    n_rejected = sum(row is None for row in accepted.values())
    assert parse_messages(topic, [(value, headers)]).rejected.tolist() == [n_rejected]


@pytest.mark.parametrize("topic", [PLAYS, ACTIVITY])
@given(data=st.data())
def test_both_reject_a_message_or_a_row_that_is_ahead_of_the_broker(topic: str, data: st.DataObject) -> None:
    edge = st.sampled_from([-8 * DAY_MS, -7 * DAY_MS, -5 * 60_000, 0, 5 * 60_000])
    near = st.builds(lambda at, ms: CLOCK_MS + at + ms, edge, st.integers(-2, 2))
    rows = [GOOD[topic] | {"event_time": format_time(data.draw(near))} for _ in range(3)]
    clock_ms, limit_ms = data.draw(near), data.draw(near)
    value, headers = json.dumps(rows).encode(), [(HEADER_CLOCK_MS, str(clock_ms).encode())]
    of_job = of_the_job(topic, value, clock_ms, limit_ms)
    parsed = parse_messages(topic, [(value, headers)], [limit_ms])
    accepted = [row[0] for row in of_job.values() if row]
    assert accepted == parsed.event_ms.tolist()
    assert parsed.rejected.tolist() == [len(rows) - len(accepted)]
    assert all(at <= limit_ms for at in accepted)
    assert not accepted or clock_ms <= limit_ms


@pytest.mark.parametrize("topic", [PLAYS, ACTIVITY])
@pytest.mark.parametrize("text", ODD_TEXTS)
def test_every_odd_text_in_every_checked_field_is_accepted_by_both_or_by_none(topic: str, text: str) -> None:
    rows = [GOOD[topic] | {field.name: text} for field in FIELDS[topic] if field.is_checked]
    value = json.dumps(rows).encode()
    assert of_the_job(topic, value, CLOCK_MS) == of_the_reconciliation(topic, value, CLOCK_MS)


@pytest.mark.parametrize("topic", [PLAYS, ACTIVITY])
def test_a_good_row_is_accepted_by_both(topic: str) -> None:
    value = json.dumps([GOOD[topic]]).encode()
    expected = {0: (CLOCK_MS, 40_000 if topic == PLAYS else None)}
    assert of_the_job(topic, value, CLOCK_MS) == of_the_reconciliation(topic, value, CLOCK_MS) == expected


@pytest.mark.parametrize("value", [2**63, 2**64 + 5, 10**29 + 7, -(10**30), [1, 10**30], 1e300, True, 0.1])
def test_an_account_that_is_no_text_is_the_same_account_for_both(value: Any) -> None:
    rows = [GOOD[PLAYS] | {"user_id": value}, GOOD[PLAYS]]
    message = json.dumps(rows).encode()
    one = {"partition": [0], "offset": [0], "value": [message], "sent_rows": [0]}
    batch = pa.RecordBatch.from_pydict(one | {"clock_ms": [CLOCK_MS], "limit_ms": [NO_LIMIT_MS]})
    of_job = [user for lines in all_rows([batch], PLAYS) for user in lines["user_id"].to_pylist()]
    parsed = parse_messages(PLAYS, [(message, [(HEADER_CLOCK_MS, str(CLOCK_MS).encode())])])
    assert parsed.user_hash.tolist() == [hash64(user) for user in of_job]


def test_a_number_without_end_in_an_unknown_field_costs_no_row() -> None:
    message = json.dumps([GOOD[PLAYS] | {"surprise": 0}, GOOD[PLAYS]]).replace(" 0", " " + "9" * 5000).encode()
    both = dict.fromkeys(range(2), (CLOCK_MS, 40000))
    assert of_the_job(PLAYS, message, CLOCK_MS) == of_the_reconciliation(PLAYS, message, CLOCK_MS) == both


ODD_HEADERS = (
    b"5", b"0", b"-5", b"+5", b" 5", b"5 ", b"5\n", b"1_0", b"5.0", b"5e3", b"0x5", b"", b"-", b"noon", "٣".encode(),
    b"9" * 7, b"9" * 8, b"9" * 18, b"9" * 19, b"9" * 30, b"-" + b"9" * 18, b"\xff",
)  # fmt: skip


@pytest.mark.parametrize("name", [HEADER_CLOCK_MS, HEADER_ROWS])
def test_an_odd_header_is_the_same_number_for_both(spark: SparkSession, name: str) -> None:
    messages = [([(name, bytearray(text))],) for text in ODD_HEADERS]
    rows = spark.createDataFrame(messages, "headers array<struct<key string, value binary>>")
    of_job = [row["number"] for row in rows.coalesce(1).select(number_header(name, "number")).collect()]
    assert of_job == [header_number([(name, text)], name) for text in ODD_HEADERS]
    assert of_job[0] == 5
