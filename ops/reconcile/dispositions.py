"""What must have become of the good rows of both topics: late, duplicate, in an open session, or in a closed one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from ops.reconcile.expected_sessions import (
    TOPIC_CODES,
    GoodRows,
    Sessions,
    SmallInts,
    concatenate,
    is_duplicate,
    is_late,
    sessionize,
)
from ops.reconcile.workers import ALONE, Workers
from runtime.arrays import Ints


class AccountedRows(Protocol):
    """What became of a topic's rows, as far as every domain counts it."""

    @property
    def lost(self) -> int: ...

    @property
    def unaccounted(self) -> int: ...


PART_ROWS = 5_000_000
"""Rows that are followed at once: copies of 80 million rows, an hour of `playproof soak`, would need 20 GB."""


def row_faults(topics: Mapping[str, AccountedRows]) -> list[str]:
    """Return a phrase for each topic that has lost rows, or rows that are in no disposition."""
    faults = []
    for topic, rows in topics.items():
        faults += [f"{rows.lost:,} rows of {topic} are lost"] if rows.lost else []
        faults += [f"{rows.unaccounted:,} rows of {topic} are not accounted for"] if rows.unaccounted else []
    return faults


@dataclass(frozen=True, slots=True)
class Dispositions:
    """Rows by topic that never reach the table or do not yet, and the sessions that must be in it."""

    late: dict[str, int]
    duplicate: dict[str, int]
    open: dict[str, int]
    """Rows of open sessions, and rows that no micro-batch has read yet."""
    closed: Sessions
    starts: set[tuple[int, int]]
    """Account and first event time of every session, closed or open: what an alert may be of."""


def expected_of_topics(
    rows: Sequence[GoodRows], watermarks: Ints, workers: Workers = ALONE, part_rows: int = PART_ROWS
) -> Dispositions:
    """Follow the rows of all topics, one share of the accounts after another: an account's rows depend on no other."""
    parts = max(-(-sum(map(len, rows)) // part_rows), 1)
    shares = (_share(rows, part, parts) for part in range(parts))
    of_parts = list(workers.map("sessions", partial(expected_dispositions, watermarks=watermarks), shares, parts))
    return Dispositions(
        late=_added([d.late for d in of_parts]),
        duplicate=_added([d.duplicate for d in of_parts]),
        open=_added([d.open for d in of_parts]),
        closed=concatenate(Sessions, [d.closed for d in of_parts]),
        starts=set().union(*(d.starts for d in of_parts)),
    )


def _share(rows: Sequence[GoodRows], part: int, parts: int) -> GoodRows:
    return concatenate(GoodRows, [some.where(np.mod(some.user_hash, parts) == part) for some in rows])


def _added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {topic: sum(count[topic] for count in counts) for topic in TOPIC_CODES}


def expected_dispositions(rows: GoodRows, watermarks: Ints) -> Dispositions:
    """Follow rows through the sessions query, as far as its micro-batches have come; `watermarks` is by batch."""
    is_unread = rows.batch >= len(watermarks)
    unread, read = rows.where(is_unread), rows.where(~is_unread)
    late = is_late(read, watermarks)
    in_time = read.where(~late)
    duplicate = is_duplicate(in_time)
    counted = in_time.where(~duplicate)
    sessions, first_ms = sessionize(counted)
    is_closed = sessions.is_closed(int(watermarks[-1]) if len(watermarks) else 0)
    open_sessions, unread_rows = sessions.where(~is_closed), _count_by_topic(unread.topic)
    return Dispositions(
        late=_count_by_topic(read.topic[late]),
        duplicate=_count_by_topic(in_time.topic[duplicate]),
        open={topic: open_sessions.rows(topic) + unread_rows[topic] for topic in TOPIC_CODES},
        closed=sessions.where(is_closed),
        starts=set(zip(sessions.user_hash.tolist(), first_ms.tolist(), strict=True)),
    )


def _count_by_topic(codes: SmallInts) -> dict[str, int]:
    return {topic: int(np.count_nonzero(codes == code)) for topic, code in TOPIC_CODES.items()}
