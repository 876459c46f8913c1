"""What a soak says in the end: its figures, whether it held the rate, and whether the job read every message."""

from collections.abc import Mapping
from typing import Any

from contracts.domain import MUSIC
from ops.chaos.account import outcome_line
from ops.latency.driven_job import DRAINS_WITHIN_S, READ_TOPICS
from ops.reconcile.topic_rows import all_partitions
from ops.stack.job_health import Ends, lag
from runtime.checkpoint import last_committed, read_offset_log
from runtime.kafka.connection import KafkaConnection
from runtime.world import Unit


def ends_of_topics(kafka: KafkaConnection) -> Ends:
    """Return where both topics end, by topic and partition."""
    return {(span.topic, span.partition): span.end for topic in MUSIC.topics for span in all_partitions(kafka, topic)}


def unread(unit: Unit, ends: Ends) -> list[str]:
    """Say which messages are not read by a query that has to read them all, a phrase each. `ends` are the topics'.

    The account of a world cannot tell these from rows of open sessions, which a soak has at its end by design.
    """
    phrases = []
    for query in READ_TOPICS:
        last = last_committed(unit, query)
        progress = read_offset_log(unit, query, last, first=max(last, 0))
        behind = lag(ends, {partition: progress.end(*partition) for partition in ends})
        phrases += [f"query {query} has not read {count:,} messages of {of}" for of, count in behind.items() if count]
    return phrases


def rate_faults(results: Mapping[str, Any]) -> list[str]:
    """Say why a soak is none at the rate that was asked for, a phrase each; empty where it held that.

    >>> rate_faults({"asked_rows_per_s": 2000, "rows_per_s": 1990, "is_reached": True, "is_caught_up": True})
    []
    """
    if results["is_reached"]:
        return []
    asked, sent = results["asked_rows_per_s"], results["rows_per_s"]
    if results["is_caught_up"]:
        what = f"{asked:,} rows/s were asked for, {sent:,} were sent"
    else:
        what = f"at {sent:,} rows/s the job fell behind, and had not caught up {DRAINS_WITHIN_S:g} s after the last row"
    return [f"the rate was not held: {what}; ask for less with --rows-per-s, or let nothing else run"]


def remarks(results: Mapping[str, Any]) -> list[str]:
    """Return the lines of a soak's summary."""
    grown = ", ".join(f"{name.removesuffix('_mb').replace('_', ' ')} {n}" for name, n in results["growth"].items())
    return [
        f"{results['rows_per_s']:,} rows/s sent ({results['asked_rows_per_s']:,} asked for), "
        f"{results['rows']:,} rows, {results['sessions']:,} sessions",
        *([f"the listeners' time passed {results['speed']} times as fast as in life"] if results["speed"] else []),
        f"{outcome_line(results)}; open rows are of sessions that had not ended",
        f"p95 {results['p95_latency_s']} s; {results['files']:,} files; at most {results['peak_rss_mb']:,} MB",
        f"last quarter ÷ second quarter: {grown}",
    ]


def failures(results: Mapping[str, Any]) -> list[str]:
    """Say why a soak is no success, a phrase each.

    A rate that was not held is a reason: the question of a soak is whether the job holds a rate for long, and the
    figures are of another one then. They are written all the same.
    """
    return [*results["reconciliation"], *rate_faults(results)]
