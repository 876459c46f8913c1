"""The expected late rows, duplicates and sessions are those that Spark's rules give, row by row."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.reconcile import expected_sessions
from ops.reconcile.dispositions import expected_dispositions, expected_of_topics
from ops.reconcile.expected_sessions import (
    CUT_MS,
    GAP_MS,
    GoodRows,
    Sessions,
    is_duplicate,
    is_late,
    sessionize,
)
from runtime.units import MINUTE_MS
from spark_app.stages.session_step import session_order
from spark_app.stages.sessions import session_rows

DELAY_MS = MINUTE_MS

Session = tuple[int, int, int, int, int, int, int]


@dataclass(frozen=True)
class Row:
    """One good row; `listened_ms` is 0 for activity."""

    topic: int
    row_id: int
    user: int
    event_ms: int
    listened_ms: int


def as_rows(batches: list[list[Row]]) -> GoodRows:
    flat = [(number, row) for number, rows in enumerate(batches) for row in rows]
    fields = [
        (row.topic, row.row_id, row.user, row.event_ms, row.event_ms - row.listened_ms, number) for number, row in flat
    ]
    return GoodRows(*np.array(fields, np.int64).reshape(-1, 6).T)


def as_sessions(sessions: Sessions) -> list[Session]:
    columns = [getattr(sessions, name).tolist() for name in Sessions.__slots__]
    return sorted(zip(*columns, strict=True))


def watermarks_of(batches: list[list[Row]]) -> list[int]:
    """The watermark after each micro-batch: a minute behind the newest row, never going back."""
    marks, newest = [], 0
    for rows in batches:
        newest = max([newest, *(row.event_ms for row in rows)])
        marks.append(max(newest - DELAY_MS, 0))
    return marks


def row_by_row(batches: list[list[Row]], marks: list[int]) -> tuple[int, int, list[Session], list[Session]]:
    """Follow the job's rules one row at a time: (late, duplicate, sessions written, sessions still open)."""
    windows: dict[tuple[int, int], list[list[Row]]] = {}
    written: list[list[Row]] = []
    late_rows = duplicates = 0
    for number, rows in enumerate(batches):
        before = marks[number - 1] if number else 0
        for row in rows:
            if row.event_ms <= before:
                late_rows += 1
            elif any(is_same(row, other) for held in windows.values() for window in held for other in window):
                duplicates += 1
            else:
                key = row.user, (row.event_ms + row.user % CUT_MS) // CUT_MS
                touching = [w for w in windows.get(key, []) if touches(w, row)]
                rest = [w for w in windows.get(key, []) if not touches(w, row)]
                windows[key] = [*rest, [row, *(r for w in touching for r in w)]]
        for key, held in windows.items():
            windows[key] = []
            for parts in map(parts_of, held):
                done = [part for part in parts if closes(part) <= marks[number]]
                written += done
                left = [row for part in parts[len(done) :] for row in part]
                windows[key] += [left] if left else []
    still_open = [as_session(part) for held in windows.values() for window in held for part in parts_of(window)]
    return late_rows, duplicates, sorted(map(as_session, written)), sorted(still_open)


def is_same(row: Row, other: Row) -> bool:
    return (row.user, row.event_ms, row.topic, row.row_id) == (other.user, other.event_ms, other.topic, other.row_id)


def end(window: list[Row]) -> int:
    return max(row.event_ms for row in window) + GAP_MS


def parts_of(window: list[Row]) -> list[list[Row]]:
    """Split the rows of a large session: each part has LARGE rows, and those of the time of its last one."""
    rows, parts = sorted(window, key=lambda row: row.event_ms), []
    while len(rows) > (large := expected_sessions.LARGE):
        size = sum(row.event_ms <= rows[large - 1].event_ms for row in rows)
        parts.append(rows[:size])
        rows = rows[size:]
    return [*parts, rows] if rows else parts


def closes(part: list[Row]) -> int:
    return end(part) - (GAP_MS if len(part) >= expected_sessions.LARGE else 0)


def touches(window: list[Row], row: Row) -> bool:
    return row.event_ms <= end(window) and row.event_ms + GAP_MS >= min(r.event_ms for r in window)


def as_session(window: list[Row]) -> Session:
    counts = [
        value
        for topic in (0, 1)
        for value in (sum(r.topic == topic for r in window), sum(r.row_id for r in window if r.topic == topic))
    ]
    started = min(row.event_ms - row.listened_ms for row in window)
    return (window[0].user, started, end(window) - GAP_MS, *counts)  # type: ignore[return-value]


ROWS = st.builds(
    Row,
    topic=st.integers(0, 1),
    row_id=st.integers(0, 12),
    user=st.sampled_from([3, -7, CUT_MS - 1, 2**62]),
    # on a grid of half gaps, so that gaps of exactly 30 minutes are common
    event_ms=st.integers(1, 30).map(lambda steps: steps * GAP_MS // 2) | st.integers(1, 6 * 3_600_000),
    listened_ms=st.integers(0, 300_000),
)


LARGE = st.sampled_from([1, 2, 3, 5, expected_sessions.LARGE])


@settings(max_examples=400)
@given(st.lists(st.lists(ROWS, max_size=8), max_size=6), LARGE)
def test_the_prediction_is_what_the_rules_give_row_by_row(batches: list[list[Row]], large: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expected_sessions, "LARGE", large)
        check_row_by_row(batches)


def check_row_by_row(batches: list[list[Row]]) -> None:
    marks = watermarks_of(batches)
    rows = as_rows(batches)
    late = is_late(rows, np.array(marks, np.int64))
    in_time = rows.where(~late)
    duplicate = is_duplicate(in_time)
    sessions, _ = sessionize(in_time.where(~duplicate))
    is_closed = sessions.is_closed(marks[-1] if marks else 0)
    late_rows, duplicates, written, still_open = row_by_row(batches, marks)
    assert int(late.sum()) == late_rows
    assert int(duplicate.sum()) == duplicates
    assert as_sessions(sessions.where(is_closed)) == written
    assert as_sessions(sessions.where(~is_closed)) == still_open


@given(st.lists(st.lists(ROWS, max_size=8), max_size=6), st.integers(1, 9))
def test_accounts_that_are_followed_in_parts_give_the_same(batches: list[list[Row]], part_rows: int) -> None:
    marks, rows = np.array(watermarks_of(batches), np.int64), as_rows(batches)
    at_once = expected_dispositions(rows, marks)
    topics = [rows.where(rows.topic == code) for code in (0, 1)]
    in_parts = expected_of_topics(topics, marks, part_rows=part_rows)
    for name in ("late", "duplicate", "open", "starts"):
        assert getattr(in_parts, name) == getattr(at_once, name)
    assert as_sessions(in_parts.closed) == as_sessions(at_once.closed)


def sessions_of(*event_ms: int) -> list[Session]:
    return as_sessions(sessionize(as_rows([[Row(0, i, 0, ms, 0) for i, ms in enumerate(event_ms)]]))[0])


def test_gap_of_exactly_30_minutes_keeps_one_session() -> None:
    assert len(sessions_of(MINUTE_MS, 31 * MINUTE_MS)) == 1


def test_gap_of_a_millisecond_more_makes_two_sessions() -> None:
    assert len(sessions_of(MINUTE_MS, 31 * MINUTE_MS + 1)) == 2


def test_a_session_is_cut_at_three_hours() -> None:
    assert len(sessions_of(CUT_MS - 1, CUT_MS)) == 2


@given(st.lists(ROWS, max_size=30), st.sampled_from([1, 2, 3, 5]))
def test_large_sessions_end_where_the_job_ends_them(rows: list[Row], large: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expected_sessions, "LARGE", large)
        patch.setattr(session_order, "MAX_SESSION_ROWS", large)
        ours = as_rows([rows])
        ours = ours.where(~is_duplicate(ours))
        users, topic = ours.user_hash, ours.topic.astype(np.int64)
        of_job = session_order.find_sessions(users, users, ours.event_ms, topic, ours.id_hash)
        first = of_job.order[of_job.first]
        starts = sorted(zip(ours.user_hash[first].tolist(), ours.event_ms[first].tolist(), strict=True))
        sessions, first_ms = sessionize(ours)
        assert sorted(zip(sessions.user_hash.tolist(), first_ms.tolist(), strict=True)) == starts
        assert len(set(starts)) == len(starts), "an account and the first time are the key of a session"


def test_sessions_of_as_many_rows_are_large_for_both() -> None:
    assert expected_sessions.LARGE == session_rows.MAX_SESSION_ROWS


def test_a_row_at_the_watermark_is_late_and_one_after_it_is_not() -> None:
    rows = as_rows([[], [Row(0, 1, 0, 1_000, 0), Row(0, 2, 0, 1_001, 0)]])
    assert is_late(rows, np.array([1_000, 5_000])).tolist() == [True, False]


def test_sums_of_hashes_wrap_at_64_bits() -> None:
    rows = as_rows([[Row(0, 2**62, 0, 1, 0), Row(0, 2**62 + 1, 0, 2, 0)]])
    assert sessionize(rows)[0].plays_hash.tolist() == [-(2**63) + 1]


def test_no_rows_make_no_sessions() -> None:
    assert len(sessionize(as_rows([]))[0]) == 0
