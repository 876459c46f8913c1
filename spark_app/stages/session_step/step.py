"""One step of the stream for the accounts of a bucket: what a micro-batch's rows make of the open sessions.

A pure function. The watermark of the micro-batch before decides what is late, that of this one what is closed. So a
row that is not late lies after every closed session, and no split of the rows into micro-batches changes a session. One
of many rows is closed as soon as the watermark has passed its rows: so one account cannot fill the state.
A duplicate of a row in a closed session is late, so the rows of open sessions are all that must be kept.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from runtime.arrays import Bools, Ints
from spark_app.stages.session_step.packed_rows import no_rows
from spark_app.stages.session_step.session_order import SessionOrder, find_sessions
from spark_app.stages.sessions.session_rows import SESSION_GAP_MS


@dataclass(frozen=True, slots=True)
class ClosedSessions:
    """Rows of complete sessions, ROWS in the order of their sessions, and where each session begins."""

    rows: pa.Table
    first: Ints

    def __len__(self) -> int:
        return len(self.first)

    @property
    def session(self) -> Ints:
        """The session of each row, 0 to n − 1."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.first, append=len(self.rows)))


@dataclass(frozen=True, slots=True)
class Step:
    """What became of the rows: in closed sessions, in open ones, late, or duplicate."""

    closed: ClosedSessions
    open: pa.Table
    """ROWS of the open sessions, in their order."""
    open_first: Ints
    """Where each open session begins."""
    late: Ints
    """Late rows by topic code."""
    duplicate: Ints
    """Duplicate rows by topic code."""


def advance(open_rows: pa.Table, new_rows: pa.Table, watermark_before_ms: int, watermark_ms: int) -> Step:
    """Add a micro-batch's rows to the open sessions, and close those that no later row can join.

    Tables of ROWS. Late is a row at or before `watermark_before_ms`, the watermark of the micro-batch before (0 at
    first). A session is closed where its last row plus the gap is at or before `watermark_ms`, this micro-batch's; one
    that is full, where its last row is.
    """
    is_late = new_rows["event_ms"].to_numpy() <= watermark_before_ms
    late = _count_by_topic(new_rows, is_late)
    if is_late.any():
        new_rows = new_rows.filter(pa.array(~is_late))
    # the open ones first: of two rows with the same key, the first counts
    rows = pa.concat_tables([open_rows, new_rows]).combine_chunks()
    found = order_of(rows)
    ended_ms = rows["event_ms"].to_numpy()[found.order[_last(found)]]
    open_until_ms = ended_ms + np.where(found.are_full, 0, SESSION_GAP_MS)
    is_closed = np.repeat(open_until_ms <= watermark_ms, found.sizes)
    is_duplicate = np.zeros(len(rows), bool)
    is_duplicate[found.duplicates] = True
    return Step(
        closed=_closed(rows, found, is_closed),
        open=rows.take(pa.array(found.order[~is_closed])) if not is_closed.all() else no_rows(),
        open_first=np.flatnonzero(found.begins[~is_closed]),
        late=late,
        duplicate=_count_by_topic(rows, is_duplicate),
    )


def close_all(rows: pa.Table) -> ClosedSessions:
    """Return every session of rows that are complete: what batch commands do, where nothing comes later."""
    rows = rows.combine_chunks()
    found = order_of(rows)
    return _closed(rows, found, np.ones(len(found.order), bool))


def order_of(rows: pa.Table) -> SessionOrder:
    """Sort a table of ROWS into sessions."""
    user, event_ms, topic, id_hash = (rows[name].to_numpy() for name in ("user", "event_ms", "topic", "id_hash"))
    return find_sessions(user, user, event_ms, topic, id_hash)


def _closed(rows: pa.Table, found: SessionOrder, is_closed: Bools) -> ClosedSessions:
    if not is_closed.any():
        return ClosedSessions(no_rows(), np.empty(0, np.int64))
    return ClosedSessions(rows.take(pa.array(found.order[is_closed])), np.flatnonzero(found.begins[is_closed]))


def _last(found: SessionOrder) -> Ints:
    """Return the position in `order` of each session's last row."""
    return np.append(found.first[1:], len(found.order))[: len(found.first)] - 1


def _count_by_topic(rows: pa.Table, mask: Bools) -> Ints:
    return np.bincount(rows["topic"].to_numpy()[mask], minlength=2).astype(np.int64)
