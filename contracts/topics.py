"""Kafka topics: names, partitions and settings, once for producer, job and consumers."""

from dataclasses import dataclass, field

from contracts.actions import COLUMNS as ACTION_COLUMNS
from contracts.events import ACTIVITY, PLAYS
from contracts.rules import RULES as RULE_COLUMNS
from contracts.shop import BROWSING, TRANSACTIONS
from contracts.tables import ALERTS as ALERT_COLUMNS

SCORES, ALERTS, FRAUD_COUNTS, VERDICTS, ACTIONS = "scores", "alerts", "fraud-counts", "verdicts", "actions"
RULES = "rules"

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""The broker's limit. 200 rows are about 90 KB; a foreign producer's largest message seen in tests is 5 MB."""
SOCKET_BYTES = 4 * 1024 * 1024
"""Socket buffers of broker and producer. Kafka's 100 KB (socket.receive.buffer.bytes, 4.1) are about one message."""
RETENTION_BYTES = 4 * 1024**3
"""Of a partition, after which Kafka drops its oldest segment: 38 million plays per topic at 450 bytes per row. The
job stops at a gap (`failOnDataLoss`), so this is for topics that nobody reads any more."""


FIRST_PARTITION = 0
"""Where rules, verdicts and actions go: they have one order, also in an administrator's topic of more partitions."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `row_fields` are the keys of its JSON objects, in order."""

    name: str
    partitions: int
    """So many are made; a topic that is there may have more."""
    meaning: str
    row_fields: tuple[str, ...] = ()
    config: dict[str, str] = field(
        default_factory=lambda: {
            # simulated dates are in the past: retention by time would delete them at once
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": "-1",
            "retention.bytes": str(RETENTION_BYTES),
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
        }
    )


TOPICS: dict[str, Topic] = {
    t.name: t
    for t in (
        Topic(PLAYS, 4, "listening events, 200 rows per message"),
        Topic(ACTIVITY, 4, "everything else a client reports, up to 200 rows per message"),
        Topic(
            SCORES, 2, "one scored session per message, at least once, key session_key",
            ("session_key", "user_id", "started_at", "ended_at", "plays", "streams", "score", "is_flagged",
             "reasons", "model_version", "ts", "scored_at"),
        ),
        Topic(
            ALERTS, 2, "open sessions over the alert threshold, and alerts withdrawn, at least once, key session_key",
            tuple(column.name for column in ALERT_COLUMNS),
        ),
        Topic(
            FRAUD_COUNTS, 1, "flagged sessions per 2-minute window, at least once, key window_start",
            ("window_start", "window_end", "sessions", "flagged", "flagged_streams", "batch_id"),
        ),
        Topic(
            VERDICTS, 1, "what analysts decided, once for readers of committed messages, key case_id and version",
            ("case_id", "version", "user_id", "verdict", "reason_code", "note", "analyst", "model_version",
             "decided_at", "step", "drawn_by", "draw_probability"),
        ),
        Topic(
            RULES, 1, "the rules that run, and exemptions: all of a rule in one message, compacted, key rule_id",
            tuple(column.name for column in RULE_COLUMNS),
            {
                "cleanup.policy": "compact",
                "message.timestamp.type": "LogAppendTime",
                "max.message.bytes": str(MAX_MESSAGE_BYTES),
            },
        ),
        Topic(
            ACTIONS, 1, "holds of streams, and their ends, once for readers of committed messages, key action_id",
            tuple(column.name for column in ACTION_COLUMNS),
        ),
        # one partition: a plain consumer reads the batches in the order that they were sent in
        Topic(BROWSING, 1, "the shop: what customers' clients did, 200 rows per message"),
        Topic(TRANSACTIONS, 1, "the shop: checkouts in the time span of a browsing message"),
    )
}  # fmt: skip
