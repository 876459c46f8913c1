"""The steps of a contender of `playproof bench`: when it had read how many messages. Its rate follows from them."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from spark_app.errors import JobError

Offsets = Mapping[str, Mapping[str, int]]
"""Topic -> partition -> offset, as Spark writes it."""


def count_messages(source: Mapping[str, Any]) -> dict[str, int]:
    """Count the messages of each topic that one source of a micro-batch took.

    By offsets, not by Spark's `numInputRows`, which counts a message again for each action of a `foreachBatch`.

    >>> count_messages({"startOffset": {"plays": {"0": 5, "1": 5}}, "endOffset": {"plays": {"0": 15, "1": 14}}})
    {'plays': 19}
    >>> count_messages({"startOffset": None, "endOffset": {"plays": {"0": 15}}})
    {'plays': 15}
    """
    start: Offsets = source["startOffset"] or {}
    end: Offsets = source["endOffset"] or {}
    return {
        topic: sum(offset - start.get(topic, {}).get(partition, 0) for partition, offset in partitions.items())
        for topic, partitions in end.items()
    }


def step_of(progress: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
    """Return when a micro-batch began (epoch s), and its step: when it ended, of which query, the messages it took."""
    began_at = datetime.fromisoformat(progress["timestamp"]).timestamp()
    messages: dict[str, int] = {}
    for source in progress["sources"]:
        messages |= count_messages(source)
    ended_at = began_at + progress["durationMs"]["triggerExecution"] / 1000
    return began_at, {"ended_at": ended_at, "query": progress["name"], "messages": messages}


def steps_of(folder: Path, queries: Iterable[str]) -> dict[str, Any]:
    """Read the progress of queries: when the first micro-batch began, and every step in the order they ended.

    Raises JobError where a query has no progress.
    """
    began, steps = [], []
    for query in queries:
        log = folder / f"{query}.jsonl"
        if not log.exists():
            raise JobError(f"query {query} ended without any progress: is there anything in the topics?")
        for line in log.read_text().splitlines():
            began_at, step = step_of(json.loads(line))
            began.append(began_at)
            steps.append(step)
    return {"began_at": min(began), "steps": sorted(steps, key=lambda step: step["ended_at"])}
