"""The session step: whatever the micro-batches, the same sessions; every row in exactly one place."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import ACTIVITY, PLAYS
from runtime.units import HOUR_MS, MINUTE_MS, SECOND_MS
from spark_app.errors import StateError
from spark_app.stages.session_step import session_order
from spark_app.stages.session_step.packed_rows import ROWS, no_rows, pack, unpack
from spark_app.stages.session_step.step import ClosedSessions, advance, close_all
from spark_app.stages.sessions import session_records
from spark_app.stages.sessions.session_batch import SessionBatch
from spark_app.stages.sessions.session_records import write_records
from spark_app.stages.sessions.session_rows import CUT_MS, MAX_SESSION_ROWS
from tests.spark_app.items import did, heard
from tests.spark_app.typed import NOON_MS, hash_of

DELAY_MS = MINUTE_MS
FOREVER_MS = 2**52
CODES = {PLAYS: 0, ACTIVITY: 1}
Row = dict[str, Any]
Session = tuple[str, tuple[tuple[int, int, int], ...]]
"""An account, and (event time, topic, id) of each of its rows, in order."""


def row(user: str, ms: int, topic: str = PLAYS, row_id: int = 0, **values: Any) -> Row:
    """Build a row of ROWS at some milliseconds after noon."""
    item = heard(listen_s=1) if topic == PLAYS else did("search")
    of_account = {"user_id": user, "user": hash_of(user), "topic": CODES[topic]}
    return {**item, **of_account, "event_ms": NOON_MS + ms, "id_hash": row_id, **values}


def table(rows: Sequence[Row]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), ROWS)


def sessions_of(closed: ClosedSessions) -> list[Session]:
    """Return sessions in a form that can be counted and compared."""
    rows = closed.rows.to_pylist()
    by_session: dict[int, list[Row]] = {}
    for number, one in zip(closed.session.tolist(), rows, strict=True):
        by_session.setdefault(number, []).append(one)
    return [
        (of[0]["user_id"], tuple((one["event_ms"], one["topic"], one["id_hash"]) for one in of))
        for of in by_session.values()
    ]


@dataclass(slots=True)
class Run:
    """A stream of micro-batches: what came out, and what is kept; the state is packed and read back at every step."""

    state: bytes = field(default_factory=lambda: pack(no_rows()))
    watermark_before_ms: int = 0
    watermark_ms: int = 0
    newest_ms: int = 0
    sent: int = 0
    closed: list[Session] = field(default_factory=list)
    late: Counter[str] = field(default_factory=Counter)
    duplicate: int = 0
    most_open: int = 0

    def read(self, rows: Sequence[Row]) -> None:
        """Process a micro-batch under the watermark of those before it."""
        self.sent += len(rows)
        step = advance(unpack(self.state), table(rows), self.watermark_before_ms, self.watermark_ms)
        self.state = pack(step.open)
        self.closed += sessions_of(step.closed)
        self.late += Counter(dict(zip(CODES, step.late.tolist(), strict=True)))
        self.duplicate += int(step.duplicate.sum())
        self.most_open = max(self.most_open, len(step.open))
        self.newest_ms = max([self.newest_ms, *(one["event_ms"] for one in rows)])
        self.watermark_before_ms = self.watermark_ms
        self.watermark_ms = max(self.watermark_ms, self.newest_ms - DELAY_MS)

    @property
    def accounted(self) -> int:
        in_sessions = sum(len(rows) for _, rows in self.closed)
        return in_sessions + self.late.total() + self.duplicate + len(unpack(self.state))

    def end(self) -> None:
        """Close every session, as the heartbeat at the end of a replay does."""
        self.newest_ms = FOREVER_MS
        self.watermark_ms = FOREVER_MS
        self.read([])


GAPS_MS = (0, 1, SECOND_MS, 20 * MINUTE_MS, 30 * MINUTE_MS - 1, 30 * MINUTE_MS, 30 * MINUTE_MS + 1, 2 * HOUR_MS)
ROW = st.builds(
    lambda user, ms, topic, row_id: row(f"u{user}", ms, topic, row_id),
    st.integers(0, 2),
    st.lists(st.sampled_from(GAPS_MS), max_size=8).map(sum),
    st.sampled_from([PLAYS, ACTIVITY]),
    st.integers(0, 2),
)
MOST_ROWS = st.sampled_from([1, 2, 3, 5, MAX_SESSION_ROWS])
SHARES = st.floats(0, 1, exclude_max=True)


def key(one: Row) -> tuple[Any, ...]:
    return one["user_id"], one["event_ms"], one["topic"], one["id_hash"]


def unique(rows: Iterable[Row]) -> list[Row]:
    return list({key(one): one for one in rows}.values())


@settings(max_examples=200)
@given(st.lists(st.tuples(ROW, SHARES, SHARES), max_size=40), MOST_ROWS)
def test_any_split_and_any_order_within_the_watermark_give_the_same_sessions(
    sent: list[tuple[Row, float, float]], most_rows: int
) -> None:
    """A row comes up to a minute after its time, and a micro-batch ends after a row or does not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_order, "MAX_SESSION_ROWS", most_rows)
        check_any_split_and_order(sent)


def check_any_split_and_order(sent: list[tuple[Row, float, float]]) -> None:
    arrivals = sorted(sent, key=lambda one: one[0]["event_ms"] + one[1] * DELAY_MS)
    run, batch = Run(), list[Row]()
    for one, _, chance in arrivals:
        batch.append(one)
        if chance < 0.4:
            run.read(batch)
            batch = []
    run.read(batch)
    assert run.accounted == run.sent == len(sent)
    run.end()
    rows = unique(one for one, _, _ in arrivals)
    assert run.late.total() == 0
    assert run.duplicate == len(sent) - len(rows)
    assert sorted(run.closed) == sorted(sessions_of(close_all(table(rows))))


@settings(max_examples=100)
@given(st.lists(st.lists(ROW, max_size=8), max_size=8), MOST_ROWS)
def test_in_any_order_every_row_is_in_a_session_late_duplicate_or_open(
    batches: list[list[Row]], most_rows: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_order, "MAX_SESSION_ROWS", most_rows)
        check_any_order(batches)


def check_any_order(batches: list[list[Row]]) -> None:
    run = Run()
    in_time: list[Row] = []
    for batch in batches:
        in_time += [one for one in batch if one["event_ms"] > run.watermark_before_ms]
        run.read(batch)
        assert run.accounted == run.sent
    run.end()
    assert run.late.total() == run.sent - len(in_time)
    assert sorted(run.closed) == sorted(sessions_of(close_all(table(unique(in_time)))))


def test_a_row_at_the_watermark_of_the_micro_batch_before_is_late_and_one_after_it_is_not() -> None:
    rows = table([row("u1", 0, row_id=1), row("u1", 1, row_id=2), row("u1", 0, ACTIVITY, row_id=3)])
    step = advance(no_rows(), rows, NOON_MS, NOON_MS + HOUR_MS)
    assert step.late.tolist() == [1, 1]
    assert sessions_of(step.closed) == [("u1", ((NOON_MS + 1, 0, 2),))]


def test_a_session_closes_once_the_watermark_is_30_minutes_after_its_last_row() -> None:
    rows = table([row("u1", 0)])
    open_until = NOON_MS + 30 * MINUTE_MS
    assert len(advance(no_rows(), rows, 0, open_until - 1).open) == 1
    assert len(advance(no_rows(), rows, 0, open_until).closed) == 1


def test_of_two_rows_with_the_same_key_the_one_that_came_first_counts() -> None:
    first, again = row("u1", 0, ts=1), row("u1", 0, ts=2)
    step = advance(table([first]), table([again]), 0, FOREVER_MS)
    assert (step.closed.rows["ts"].to_pylist(), step.duplicate.tolist()) == ([1], [1, 0])


def test_one_very_hot_account_keeps_no_more_than_its_last_cut() -> None:
    """A row every 2 seconds for 12 hours, without a pause: the cut closes what is behind it."""
    run = Run()
    for minute in range(0, 12 * 60, 10):
        times = range(minute * MINUTE_MS, (minute + 10) * MINUTE_MS, 2 * SECOND_MS)
        run.read([row("hot", ms, row_id=ms) for ms in times])
    longest_ms = CUT_MS + 30 * MINUTE_MS + DELAY_MS + 2 * 10 * MINUTE_MS
    assert run.most_open <= longest_ms / (2 * SECOND_MS)
    assert len(run.closed) >= 3


def test_packed_rows_of_another_version_or_of_no_form_are_refused() -> None:
    other = ROWS.with_metadata({b"playproof_rows": b"0"})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, other) as writer:
        writer.write_table(other.empty_table())
    with pytest.raises(StateError, match=r"have version 0, this code reads 1: .*up --reread"):
        unpack(bytes(sink.getvalue()))
    with pytest.raises(StateError, match="unreadable"):
        unpack(b"no rows at all")


@settings(max_examples=30)
@given(st.lists(ROW, max_size=30), st.data())
def test_records_carry_every_field_of_every_row(rows: list[Row], data: st.DataObject) -> None:
    maybe = st.none() | st.integers(-2, 2)
    texts = st.sampled_from([None, "", "c1", "c2"])
    for one in rows:
        one |= {name: data.draw(maybe) for name in ("device", "ip", "artist", "lengths")}
        one |= {"track_id": data.draw(texts), "session_id": data.draw(texts)}
        one["popularity"] = data.draw(st.sampled_from([None, 0.5]))
    closed = close_all(table(rows))
    batch = SessionBatch.from_records(*write_records(closed.rows, closed.session, len(closed)).values())
    names = batch.track_names.to_pylist()
    sent = closed.rows.to_pylist()
    assert batch.session.tolist() == closed.session.tolist()
    for name in ("event_ms", "id_hash", "ts", "code"):
        assert getattr(batch, name).tolist() == [one[name] for one in sent]
    for name in ("artist", "device", "ip"):
        known = getattr(batch, f"has_{name}").tolist()
        values = getattr(batch, name).tolist()
        assert [v if k else None for v, k in zip(values, known, strict=True)] == [one[name] for one in sent]
    assert [names[i] if i >= 0 else None for i in batch.track.tolist()] == [one["track_id"] for one in sent]
    assert batch.client_session.to_pylist() == [one["session_id"] for one in sent]
    assert [None if np.isnan(p) else p for p in batch.popularity.tolist()] == [one["popularity"] for one in sent]
    packed = (batch.listen_ms << 32 | batch.duration_ms).tolist()
    assert packed == [one["lengths"] or 0 for one in sent]
    assert (batch.lacks_listen_ms is None) == all(one["lengths"] is not None for one in sent)


def test_more_rows_than_a_binary_column_holds_are_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = close_all(table([row("u1", ms, row_id=ms) for ms in (0, 5, HOUR_MS)]))
    usual = write_records(closed.rows, closed.session, len(closed))
    monkeypatch.setattr(session_records, "MAX_BYTES", len(closed.rows) * session_records.RECORD.itemsize - 1)
    wide = write_records(closed.rows, closed.session, len(closed))
    assert (usual["records"].type, wide["records"].type) == (pa.binary(), pa.large_binary())
    first, second = (SessionBatch.from_records(*columns.values()) for columns in (usual, wide))
    assert (first.n, first.session.tolist()) == (second.n, second.session.tolist()) == (2, [0, 0, 1])
    assert first.event_ms.tolist() == second.event_ms.tolist() == [NOON_MS, NOON_MS + 5, NOON_MS + HOUR_MS]
