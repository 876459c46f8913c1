"""Account for every row that was sent: what the tables hold against what they must hold.

Plain Python, no Spark. The topics say which rows there are, the checkpoint says which micro-batch read them under which
watermark; from these two follow the late rows, the duplicates and every session. The tables must hold just that:

    sent = in sessions + late + duplicate + rejected + open + lost
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ops.reconcile.expectation import TOPIC_CODES, Rows, Sessions, duplicate, late, sessionize
from ops.reconcile.tables import Difference, compare, count_rejected, read_sessions
from ops.reconcile.topics import Topic, concatenate, read_topic
from producer.replay.ledger import read_state
from runtime.checkpoint import Progress, last_committed, read_progress
from runtime.kafka.connection import KafkaConnection
from runtime.lake import committed_files
from runtime.world import Unit, World

SETTLES_WITHIN = 20
"""Looks at a table that a running job writes to, until checkpoint and table are of one moment."""


@dataclass(frozen=True, slots=True)
class Account:
    """The fates of a topic's rows. `open` ones wait for the watermark to close their session, or were not read yet."""

    sent: int
    in_sessions: int
    late: int
    duplicate: int
    rejected: int
    open: int
    lost: int

    @property
    def unaccounted(self) -> int:
        return 2 * self.sent - sum(asdict(self).values())


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit found. Sessions: those in the table, and those of them that should not be."""

    topics: dict[str, Account]
    sessions: int
    missing: int
    duplicated: int
    wrong: int
    wrongly_rejected: int
    """Rows by which lake/rejected differs from what the rules reject, as far as it was written."""
    micro_batches: int

    @property
    def faults(self) -> list[str]:
        """Say what is wrong; nothing where the promise is kept."""
        found = []
        for topic, account in self.topics.items():
            found += [f"{account.lost:,} rows of {topic} are lost"] if account.lost else []
            found += [f"{account.unaccounted:,} rows of {topic} have no fate"] if account.unaccounted else []
        found += [f"{self.missing:,} sessions are missing"] if self.missing else []
        found += [f"{self.duplicated:,} sessions are in the table more than once"] if self.duplicated else []
        found += [f"{self.wrong:,} sessions in the table are wrong"] if self.wrong else []
        return found + ([f"lake/rejected is off by {self.wrongly_rejected:,} rows"] if self.wrongly_rejected else [])

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "faults": self.faults}


def audit(world: World, kafka: KafkaConnection) -> Audit:
    """Audit the current version of a world. Raises ReconciliationError where a part that it needs is missing."""
    unit = world.unit
    acknowledged = read_state(unit.ledger).rows_acknowledged  # before the topics: they may only have more
    archived, rejected = _settled_rejected(unit)
    progress, found = _settled_sessions(unit)
    topics = {topic: read_topic(kafka, topic, progress) for topic in TOPIC_CODES}
    fates = predict(concatenate([topic.rows for topic in topics.values()]), progress)
    difference = compare(fates.closed, found)
    return Audit(
        topics={t: _account(topics[t], progress, fates, found, difference, acknowledged[t]) for t in TOPIC_CODES},
        sessions=len(found),
        missing=len(difference.missing),
        duplicated=len(difference.duplicated),
        wrong=len(difference.wrong),
        wrongly_rejected=sum(abs(topics[t].rejected_until(archived) - rejected[t]) for t in TOPIC_CODES),
        micro_batches=len(progress),
    )


def _settled_sessions(unit: Unit) -> tuple[Progress, Sessions]:
    """Read checkpoint and table as of one moment, although a job may be at work."""
    for _ in range(SETTLES_WITHIN):
        last = last_committed(unit, "sessions")
        found = read_sessions(committed_files(unit.table("sessions")))
        if last_committed(unit, "sessions") == last:
            break
    return read_progress(unit, "sessions", last), found


def _settled_rejected(unit: Unit) -> tuple[Progress, dict[str, int]]:
    """Read how far the archive is, and how many rejected rows it has up to there."""
    last = last_committed(unit, "archive")
    archived = read_progress(unit, "archive", last, first=max(last, 0))
    return archived, count_rejected(committed_files(unit.table("rejected")), archived)


@dataclass(frozen=True, slots=True)
class Fates:
    """What must have become of the good rows. Counts are by topic."""

    late: dict[str, int]
    duplicate: dict[str, int]
    open: dict[str, int]
    closed: Sessions


def predict(rows: Rows, progress: Progress) -> Fates:
    """Follow rows through the sessions query."""
    is_unread = rows.batch >= len(progress)
    unread, read = rows.where(is_unread), rows.where(~is_unread)
    is_late = late(read, progress.watermarks)
    in_time = read.where(~is_late)
    is_duplicate = duplicate(in_time, progress.watermarks)
    sessions = sessionize(in_time.where(~is_duplicate))
    is_closed = sessions.is_closed(progress.watermark_ms)
    still_open = sessions.where(~is_closed)
    waiting = _by_topic(unread.topic)
    return Fates(
        late=_by_topic(read.topic[is_late]),
        duplicate=_by_topic(in_time.topic[is_duplicate]),
        open={topic: still_open.rows(topic) + waiting[topic] for topic in TOPIC_CODES},
        closed=sessions.where(is_closed),
    )


def _by_topic(codes: np.ndarray) -> dict[str, int]:
    return {topic: int((codes == code).sum()) for topic, code in TOPIC_CODES.items()}


def _account(
    topic: Topic, progress: Progress, fates: Fates, found: Sessions, difference: Difference, acknowledged: int
) -> Account:
    never_arrived = max(acknowledged - topic.sent, 0)
    rejected, all_rejected = topic.rejected_until(progress), topic.sent - len(topic.rows)
    return Account(
        sent=topic.sent + never_arrived,
        in_sessions=found.rows(topic.name) - difference.duplicated.rows(topic.name),
        late=fates.late[topic.name],
        duplicate=fates.duplicate[topic.name],
        rejected=rejected,
        open=fates.open[topic.name] + all_rejected - rejected,
        lost=difference.lost_rows(topic.name) + never_arrived,
    )
