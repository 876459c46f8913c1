"""What goes out for one batch: its rows as messages, and a heartbeat or an empty list where a topic has no rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from producer.kafka.messages import Message, empty, heartbeat, pack
from producer.replay.batches import RowBatch

MessageMaker = Callable[[RowBatch, int], list[Message]]
"""Makes the messages of a batch that is sent at `ts`, in epoch seconds.

After a crash it is asked again for the batches that may not have arrived, in order, and must make the same messages.
"""
OpenMaker = Callable[[Path, int], MessageMaker]
"""Opens a maker for a replay that holds the ledger in this folder; the number is that of the ledger's next batch."""


def make_messages(batch: RowBatch, ts: int) -> list[Message]:
    """Make a batch's messages from its rows as they are."""
    return pack_texts(batch, {topic: rows.texts for topic, rows in batch.rows.items()}, ts)


def open_plain(ledger: Path, next_batch: int) -> MessageMaker:
    """Open the maker that sends rows as they are; it keeps nothing."""
    return make_messages


def pack_texts(batch: RowBatch, texts: Mapping[str, Sequence[str]], ts: int) -> list[Message]:
    """Make a batch's messages from row texts by topic; a flush ends with a heartbeat on each topic."""
    messages: list[Message] = []
    for topic in batch.domain.topics:
        rows = texts.get(topic, ())
        if rows:
            messages += pack(topic, rows, batch.number, batch.clock_ms, ts)
        if not batch.domain.has_heartbeats:
            messages += [] if rows else [empty(topic, batch.number, batch.clock_ms)]
        elif batch.is_flush or not rows:
            messages.append(heartbeat(topic, batch.number, batch.clock_ms, ts))
    return messages
