"""Account for every row of a shop: sent, in the topics, and in the sessions that the job scored.

    sent = in sessions + late + rejected + open + lost

Rows travel unchanged and once, so the source itself says what must be in a topic: a row that the ledger knows to be
acknowledged and that is not there is lost, and one that is there more often than in the source is duplicated. Of the
job the check takes the offsets and watermarks of its micro-batches, and its two tables; late rows follow from these.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ops.reconcile.dispositions import row_faults
from ops.reconcile.lake_tables import read_at_one_moment
from ops.reconcile.shop_rows import (
    Place,
    ShopRows,
    ShopTable,
    read_rejected,
    read_source,
    read_table,
    read_topic,
)
from producer.replay.ledger import State, read_state
from runtime.checkpoint import OffsetLog
from runtime.kafka.connection import KafkaConnection
from runtime.lake import committed_files
from runtime.units import MINUTE_MS, SECOND_MS
from runtime.world import World

OPEN_MS = 30 * SECOND_MS + 2 * MINUTE_MS
"""How far the watermark must be past a session's last row before its absence from the table means a loss: the gap of
30 s, the minute that the join of both topics waits for a partner, and a minute to write it."""


@dataclass(frozen=True, slots=True)
class ShopTopic:
    """What became of a topic's rows. `open` ones wait for their session to close, or are not read yet."""

    sent: int
    in_sessions: int
    late: int
    rejected: int
    open: int
    lost: int
    duplicated: int
    """Rows that are in the topic, or in the table, more often than they were in the source, or the topic; rejected ones
    are left out."""

    @property
    def unaccounted(self) -> int:
        """Rows sent less all others: over 0 where rows are nowhere, under 0 where some are counted twice."""
        return self.sent - self.in_sessions - self.late - self.rejected - self.open - self.lost


@dataclass(frozen=True, slots=True)
class ShopReconciliation:
    """The result of the check."""

    topics: dict[str, ShopTopic]
    sessions: int
    micro_batches: int

    @property
    def faults(self) -> list[str]:
        """What is wrong, a phrase each; empty where every row is accounted for."""
        return row_faults(self.topics) + [
            f"{rows.duplicated:,} rows of {topic} are there more than once"
            for topic, rows in self.topics.items()
            if rows.duplicated
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {**asdict(self), "faults": self.faults}


def reconcile_shop(world: World, kafka: KafkaConnection) -> ShopReconciliation:
    """Check the current version of a shop.

    Raises CheckpointError where the offsets of a micro-batch are missing, ReconciliationError where a job commits
    faster than its table can be read, or where messages are gone that it has read.
    """
    unit, domain = world.unit, world.domain
    state = read_state(unit.ledger)  # before the topics: they may only have more
    name = domain.session_table

    def read_tables() -> tuple[ShopTable, dict[str, set[Place]]]:
        table = read_table(committed_files(unit.table(name)), domain.topics)
        return table, read_rejected(committed_files(unit.table("rejected")))

    progress, (table, rejected) = read_at_one_moment(unit, name, read_tables)
    topics = {}
    for topic in domain.topics:
        of_topic = rejected.get(topic, set())
        rows = read_topic(kafka, topic, of_topic, progress)
        source = read_source(world.raw_files(topic), state.next_row[topic])
        topics[topic] = _account(topic, rows, source, state, table.rows[topic], of_topic, progress)
    return ShopReconciliation(topics, table.sessions, len(progress))


def _account(
    topic: str,
    rows: ShopRows,
    source: Counter[int],
    state: State,
    in_table: Counter[str],
    rejected: set[Place],
    progress: OffsetLog,
) -> ShopTopic:
    # what the ledger only meant to send may be missing
    unfinished = sum(m.rows for entry in state.unfinished.values() for m in entry.messages if m.topic == topic)
    never_arrived = max((source - rows.contents).total() - unfinished, 0)
    copies = (rows.contents - source - rows.rejected).total()
    batch = rows.micro_batches(topic, progress)
    sent_ms, weight = np.array(rows.ts, np.int64) * SECOND_MS, np.array(rows.weights, np.int64)
    is_read = batch < len(progress)
    is_rejected = is_read & np.array([place in rejected for place in rows.places], bool)
    # Spark drops what is at or before the watermark of the micro-batch before
    is_late = is_read & ~is_rejected & (sent_ms <= np.concatenate([[0], progress.watermarks])[batch])
    is_expected = is_read & ~is_rejected & ~is_late
    expected, newest_ms = Counter[str](), dict[str, int]()
    for i in np.flatnonzero(is_expected).tolist():
        expected[rows.keys[i]] += 1
        newest_ms[rows.keys[i]] = max(newest_ms.get(rows.keys[i], 0), int(sent_ms[i]))
    missing = expected - in_table
    is_open = {key for key in missing if newest_ms[key] + OPEN_MS > progress.watermark_ms}
    return ShopTopic(
        sent=rows.count + never_arrived,
        in_sessions=(expected & in_table).total(),
        late=int(weight[is_late].sum()),
        rejected=int(weight[is_rejected].sum()),
        open=int(weight[~is_read].sum()) + sum(missing[key] for key in is_open),
        lost=never_arrived + sum(count for key, count in missing.items() if key not in is_open),
        duplicated=copies + (in_table - expected).total(),
    )
