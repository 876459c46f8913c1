"""Account for every row that was sent: what the tables hold against what they must hold.

The topics have the rows. The checkpoint has which micro-batch read them, under which watermark of Spark's. From these
two follow the watermarks of the session step, the late rows, the duplicates and every session. The tables must hold
just that:

    sent = in sessions + late + duplicate + rejected + open + lost

The ledger of the replay adds how many rows the broker acknowledged: where a topic has fewer of it, the rest is lost. Of
the faults that a replay injected nothing needs to be known: late, bad and doubled rows are in the topics.
"""

import os
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ops.reconcile.alerts import AlertRows, alert_faults, count_raised, read_alerts, read_flags
from ops.reconcile.comparison import SessionDifference, compare_sessions
from ops.reconcile.dispositions import Dispositions, expected_of_topics, row_faults
from ops.reconcile.expected_sessions import TOPIC_CODES, Sessions, watermarks_after
from ops.reconcile.kept_messages import Acknowledged, first_offsets, read_acknowledged
from ops.reconcile.lake_tables import add_up_archived, archived_files, count_rejected, read_at_one_moment, read_sessions
from ops.reconcile.message_rows import RowSum, TopicRows
from ops.reconcile.topic_rows import all_partitions, read_topic
from ops.reconcile.workers import ReportStep, Workers, running_workers, say_nothing
from runtime.checkpoint import OffsetLog, clock_ahead_ms, last_committed
from runtime.kafka.connection import KafkaConnection
from runtime.lake import committed_files
from runtime.world import Unit, World

MANY_MESSAGES = 20_000
"""From so many on, four million rows, more processes save more time than they take to start."""
MAX_PROCESSES = 4
"""Each needs a gigabyte (1,066 MB at its peak for PART_ROWS rows), however many cores there are."""


@dataclass(frozen=True, slots=True)
class TopicReconciliation:
    """What became of a topic's rows. `open` ones wait for the watermark to close their session, or are not read yet."""

    sent: int
    in_sessions: int
    late: int
    duplicate: int
    rejected: int
    open: int
    lost: int

    @property
    def unaccounted(self) -> int:
        """Rows sent less all others: over 0 where rows are nowhere, under 0 where some are counted twice."""
        return 2 * self.sent - sum(asdict(self).values())


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The result of the check. `sessions` are those in the table; `duplicated` and `wrong` ones should not be there."""

    topics: dict[str, TopicReconciliation]
    topic_faults: list[str]
    """Which partitions lack what the broker acknowledged, a phrase each."""
    sessions: int
    missing: int
    duplicated: int
    wrong: int
    wrongly_rejected: int
    """Rows by which lake/rejected differs from what the rules reject, as far as the archive has come."""
    archived: dict[str, int]
    """Rows of lake/plays and lake/activity, by topic."""
    archive_faults: list[str]
    """What is wrong with lake/plays and lake/activity, a phrase each."""
    micro_batches: int
    alerts: int
    """Alerts that were raised, those that were withdrawn since among them."""
    withdrawn: int
    alert_faults: list[str]
    """What is wrong with lake/alerts, a phrase each."""

    @property
    def faults(self) -> list[str]:
        """What is wrong, a phrase each; empty where every row is accounted for."""
        faults = self.topic_faults + row_faults(self.topics)
        faults += [f"{self.missing:,} sessions are missing"] if self.missing else []
        faults += [f"{self.duplicated:,} sessions are in the table more than once"] if self.duplicated else []
        faults += [f"{self.wrong:,} sessions in the table are wrong"] if self.wrong else []
        faults += [f"lake/rejected is off by {self.wrongly_rejected:,} rows"] if self.wrongly_rejected else []
        return faults + self.archive_faults + self.alert_faults

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {**asdict(self), "faults": self.faults}


def reconcile(
    world: World, kafka: KafkaConnection, report_step: ReportStep = say_nothing, expiring: Collection[str] = ()
) -> Reconciliation:
    """Check the current version of a world, in many processes where there is much of it.

    `expiring`: tables whose old rows the job removes. Raises CheckpointError where the offsets of a micro-batch are
    missing, ReconciliationError where a job commits faster than its table can be read, or where messages are gone that
    it has read, BrokerError where a topic cannot be read to its end.
    """
    messages = sum(span.end - span.first for topic in TOPIC_CODES for span in all_partitions(kafka, topic))
    with running_workers(process_count(messages), report_step) as workers:
        return _reconcile(world.unit, kafka, workers, expiring)


def process_count(messages: int) -> int:
    """Return how many processes share the work on so many messages."""
    return min(os.cpu_count() or 1, MAX_PROCESSES) if messages > MANY_MESSAGES else 1


def _reconcile(unit: Unit, kafka: KafkaConnection, workers: Workers, expiring: Collection[str]) -> Reconciliation:
    # before the topics and the tables: they may only have more
    acknowledged = read_acknowledged(unit, kafka, TOPIC_CODES)
    raised = count_raised(unit, expiring)
    archive_progress, (rejected, archived) = _read_archive(unit, workers)
    progress, (sessions, flags, alerts) = read_at_one_moment(unit, "sessions", lambda: _read_sessions(unit))
    begun = first_offsets(unit, "sessions")
    topics = {topic: read_topic(kafka, topic, progress, begun, clock_ahead_ms(unit), workers) for topic in TOPIC_CODES}
    watermarks = watermarks_after((topic.newest_by_batch(progress) for topic in topics.values()), progress.watermarks)
    expected = expected_of_topics([rows for topic in topics.values() for rows in topic.rows], watermarks, workers)
    difference = compare_sessions(expected.closed, sessions)
    return Reconciliation(
        topics={
            name: _reconcile_topic(topic, progress, expected, sessions, difference, acknowledged[name])
            for name, topic in topics.items()
        },
        topic_faults=[fault for topic in TOPIC_CODES for fault in acknowledged[topic].faults(topic)],
        sessions=len(sessions),
        missing=len(difference.missing),
        duplicated=len(difference.duplicated),
        wrong=len(difference.wrong),
        wrongly_rejected=sum(abs(topics[t].rejected_until(archive_progress) - rejected[t]) for t in TOPIC_CODES),
        archived={topic: archived[topic].rows for topic in TOPIC_CODES},
        archive_faults=[
            fault
            for t in TOPIC_CODES
            for fault in archive_faults(t, topics[t].good_until(archive_progress), archived[t])
        ],
        micro_batches=len(progress),
        alerts=len(alerts.raised),
        withdrawn=len(alerts.withdrawn),
        alert_faults=alert_faults(alerts, expected.starts, flags, at_least=raised),
    )


def _read_sessions(unit: Unit) -> tuple[Sessions, dict[str, bool], AlertRows]:
    """Read the sessions, the alerts, and which sessions that have alerts are flagged."""
    sessions = read_sessions(committed_files(unit.table("sessions")))
    alerts = read_alerts(unit, last_committed(unit, "sessions"))
    return sessions, read_flags(unit, alerts), alerts


def archive_faults(topic: str, expected: RowSum, archived: RowSum) -> list[str]:
    """Say how a topic's archived rows differ from its good rows, in a phrase; empty where they do not."""
    more = archived.rows - expected.rows
    if more:
        return [f"lake/{topic} has {abs(more):,} rows {'too many' if more > 0 else 'too few'}"]
    return [] if archived == expected else [f"lake/{topic} has other rows than topic {topic}"]


def _read_archive(unit: Unit, workers: Workers) -> tuple[OffsetLog, tuple[dict[str, int], dict[str, RowSum]]]:
    """Read how far the archive is, the rejected rows that it has, and its good rows by topic."""

    def read() -> tuple[list[Path], dict[str, RowSum]]:
        last = last_committed(unit, "archive")
        rejected = committed_files(unit.table("rejected"))
        return rejected, {
            topic: add_up_archived(topic, archived_files(unit, topic, last), workers) for topic in TOPIC_CODES
        }

    progress, (rejected, archived) = read_at_one_moment(unit, "archive", read, only_last=True)
    return progress, (count_rejected(rejected, progress), archived)


def _reconcile_topic(
    topic: TopicRows,
    progress: OffsetLog,
    expected: Dispositions,
    sessions: Sessions,
    difference: SessionDifference,
    acknowledged: Acknowledged,
) -> TopicReconciliation:
    missing = acknowledged.missing(topic)
    hidden = missing if acknowledged.is_hidden(topic) else 0
    rejected, all_rejected = topic.rejected_until(progress), topic.count - topic.good
    return TopicReconciliation(
        sent=topic.count + missing,
        in_sessions=sessions.rows(topic.name) - difference.duplicated.rows(topic.name),
        late=expected.late[topic.name],
        duplicate=expected.duplicate[topic.name],
        rejected=rejected,
        open=expected.open[topic.name] + all_rejected - rejected + hidden,
        lost=difference.lost_rows(topic.name) + missing - hidden,
    )
