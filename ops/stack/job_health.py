"""The health of the Spark job, for `status`: from its checkpoint, its progress, its tables, and the ends of the topics.

Libraries are imported where they are used: `status` of a stack that is down needs neither NumPy nor Kafka.
The job has no consumer group, so only its checkpoint knows what it has read: lag = end of the topic − that.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from contracts.domain import MUSIC, Domain
from runtime.kafka.connection import KafkaConnection
from runtime.monitoring.progress import job_record, last_micro_batches, shadow_record
from runtime.monitoring.totals import totals
from runtime.storage import storage_of
from runtime.world import Unit

ANSWERS_WITHIN_MS = 2000

Ends = Mapping[tuple[str, int], int]


def ends_of_topics(kafka: KafkaConnection, domain: Domain = MUSIC) -> Ends | None:
    """Return where a domain's topics end, by topic and partition; None where nobody answers or a topic is missing."""
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

    try:
        with KafkaConsumer(**kafka.python(), bootstrap_timeout_ms=ANSWERS_WITHIN_MS) as consumer:
            numbers = {topic: consumer.partitions_for_topic(topic) or () for topic in domain.topics}
            partitions = [TopicPartition(topic, number) for topic in numbers for number in numbers[topic]]
            return {(tp.topic, tp.partition): end for tp, end in consumer.end_offsets(partitions).items()}
    except (KafkaError, OSError):
        return None


def job_health(unit: Unit, ends: Ends | None, now: float, domain: Domain = MUSIC) -> dict[str, Any]:
    """Return the figures of a version's job: lag by topic in messages, watermark lag in seconds by the clock, counts.

    Lag, lateness and state are those of the query that reads the topics into sessions. A figure is None where it cannot
    be known: the lag without a broker, the watermark before the first micro-batch.
    """
    read = _read_so_far(unit, ends or (), domain.session_table)
    batches = last_micro_batches(unit)
    scoring = batches.get(domain.session_table)
    sums = totals(unit, domain.session_table)
    behind = None if ends is None else lag(ends, read)
    return {
        "model_version": job_record(unit).get("model_version"),
        "shadow": shadow_record(unit),
        "lag_messages": behind,
        "watermark_lag_s": sums.watermark_lag.seconds(now, any((behind or {}).values())),
        "rows": sums.rows,
        "late_rows": sums.late,
        "duplicate_rows": sums.duplicate,
        "rejected_rows": _rejected_rows(unit),
        "alerts": _alerts(unit),
        "state_rows": sum(scoring.state_rows.values()) if scoring else 0,
        "state_bytes": sum(scoring.state_bytes.values()) if scoring else 0,
        "queries": {
            name: {
                "batch_id": batch.batch_id,
                "batch_s": batch.seconds,
                "rows_per_s": round(batch.rows_per_s, 1),
                "age_s": round(max(now - batch.ended_at, 0.0), 1),
            }
            for name, batch in batches.items()
        },
    }


def _read_so_far(unit: Unit, partitions: Iterable[tuple[str, int]], scoring: str) -> Ends:
    """Return the first offset of each partition that the job has not read."""
    if not _may_have(unit.checkpoints):
        return {}
    from runtime.checkpoint import last_committed, read_offset_log

    last = last_committed(unit, scoring)
    progress = read_offset_log(unit, scoring, last, max(last, 0))
    return {partition: progress.end(*partition) for partition in partitions}


def _may_have(folder: Path) -> bool:
    """Tell whether a version may have a folder: where it is in a bucket, this machine need not have a copy."""
    return folder.exists() or storage_of(folder) is not None


def _alerts(unit: Unit) -> dict[str, int]:
    """Count the alerts inside open sessions: raised, and withdrawn since."""
    if not _may_have(unit.table("alerts")):
        return {"raised": 0, "withdrawn": 0}
    from models.tables.alerts import count_alerts

    counts = count_alerts(unit)
    return {"raised": counts.raised, "withdrawn": counts.withdrawn}


def _rejected_rows(unit: Unit) -> int:
    """Sum the rows that lake/rejected counts: a line may be a message of many rows."""
    if not _may_have(unit.table("rejected")):
        return 0
    import pyarrow.compute as pc

    from runtime.lake import committed_files
    from runtime.parquet import read_parquet

    files = committed_files(unit.table("rejected"))
    return sum(pc.sum(read_parquet(file, ["rows"])["rows"]).as_py() or 0 for file in files)


def lag(ends: Ends, read: Ends) -> dict[str, int]:
    """Count the messages that are not read yet, by topic.

    >>> lag({("plays", 0): 9, ("plays", 1): 8}, {("plays", 0): 9, ("plays", 1): 3})
    {'plays': 5}
    """
    lag_by_topic: dict[str, int] = {}
    for partition, end in ends.items():
        topic, _ = partition
        lag_by_topic[topic] = lag_by_topic.get(topic, 0) + max(end - read.get(partition, 0), 0)
    return lag_by_topic


def format_health(health: Mapping[str, Any]) -> dict[str, str]:
    """Return the figures of the job as a whole for a person: name -> value with its unit."""
    lags = health["lag_messages"]
    lag_text = "unknown: no broker answers" if lags is None else ", ".join(f"{t} {n:,}" for t, n in lags.items())
    watermark = health["watermark_lag_s"]
    return {
        "model": health["model_version"] or "none yet",
        "in its shadow": ": ".join(filter(None, health["shadow"].values())) or "none",
        "lag (messages)": lag_text or "the topics are missing",
        "watermark lag": "no row yet" if watermark is None else f"{watermark:,.0f} s",
        "rows read": f"{health['rows']:,}",
        "late, duplicate, rejected": " · ".join(f"{health[f'{f}_rows']:,}" for f in ("late", "duplicate", "rejected")),
        "alerts": f"{health['alerts']['raised']:,} raised, {health['alerts']['withdrawn']:,} withdrawn",
        "state": f"{health['state_rows']:,} rows, {health['state_bytes'] / 1e6:,.1f} MB",
    }


QUERY_COLUMNS = ("query", "batch", "took", "rows/s", "ended")


def query_rows(health: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """Return a line per query, under QUERY_COLUMNS."""
    return [
        (name, f"{q['batch_id']:,}", f"{q['batch_s']:.1f} s", f"{q['rows_per_s']:,.0f}", f"{q['age_s']:,.0f} s ago")
        for name, q in health["queries"].items()
    ]
