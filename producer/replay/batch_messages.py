"""What goes out for one batch: its rows and the late ones that are due, spoilt as the faults say, as messages."""

from collections.abc import Sequence

from producer.kafka.messages import Message, heartbeat, pack
from producer.replay.batches import Batch
from producer.replay.faults import Fate, Faults, LateRow, disturb_messages, disturb_rows, is_due
from producer.replay.ledger import TOPICS


def messages_of(batch: Batch, faults: Faults, waiting: Sequence[LateRow], ts: int) -> tuple[list[Message], list[Fate]]:
    """Make a batch's messages, faults and all; a flush takes every row that waited, then a heartbeat on each topic."""
    is_flush = not batch.rows
    texts, fates = disturb_rows(batch, faults)
    messages: list[Message] = []
    for topic in TOPICS:
        late = [row.text for row in waiting if row.topic == topic and is_due(row, batch.clock_ms, is_flush)]
        rows = [*texts.get(topic, ()), *late] if late else texts.get(topic, ())
        if rows:
            messages += pack(topic, rows, batch.number, batch.clock_ms, ts)
        if is_flush or not rows:
            messages.append(heartbeat(topic, batch.number, batch.clock_ms, ts))
    if is_flush:
        return messages, fates
    messages, torn = disturb_messages(messages, batch.number, faults)
    return messages, fates + torn
