"""Disturb one batch: hold rows back, spoil rows, cut messages off, send messages twice. Pure functions.

What is hit depends on the seed and the batch's number alone, so that a batch that is made again after a crash is the
same batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from contracts.events import ACTIVITY, ID_FIELD, PLAYS
from producer.kafka.messages import Message
from producer.replay.batches import RowBatch, Rows
from producer.replay.faults.settings import Faults

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LateRow:
    """A row that waits for a later batch. `row` is its number in the source, `text` is its JSON without `ts`."""

    topic: str
    row: int
    due_ms: int
    """Event time: the row goes with the first later batch whose clock has reached it."""
    text: str

    def is_due(self, clock_ms: int, is_flush: bool) -> bool:
        """Whether the row goes with a batch of this clock; no row waits longer than the flush."""
        return is_flush or self.due_ms <= clock_ms


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is sent broken. `row` is its number in the source."""

    topic: str
    row: int
    kind: str


@dataclass(frozen=True, slots=True)
class TornMessage:
    """A message that is cut off. `message` is its index in the batch, `rows` is how many rows it had."""

    topic: str
    message: int
    rows: int


def _without(key: str) -> Callable[[Row], Row]:
    return lambda row: {name: value for name, value in row.items() if name != key}


def _with(**values: str) -> Callable[[Row], Row]:
    return lambda row: {**row, **values}


_ANY_TOPIC: dict[str, Callable[[Row], Row]] = {
    "time without a date": _with(event_time="12:30"),
    "time in 2099": _with(event_time="2099-01-01T00:00:00.000Z"),
    "time in 1900": _with(event_time="1900-01-01T00:00:00.000Z"),
    "no account": _without("user_id"),
    "empty account": _with(user_id=""),
}
BAD_ROWS: dict[str, dict[str, Callable[[Row], Row]]] = {
    PLAYS: {**_ANY_TOPIC, "no id": _without(ID_FIELD[PLAYS]), "negative listen_ms": _with(listen_ms="-1")},
    ACTIVITY: {**_ANY_TOPIC, "no id": _without(ID_FIELD[ACTIVITY]), "unknown action": _with(action="dance")},
}
"""Ways to break a rule of `contracts.events`, by topic; each such row is rejected alone."""
NOT_AN_OBJECT = "not an object"


def disturb_rows(batch: RowBatch, faults: Faults) -> tuple[dict[str, Sequence[str]], list[LateRow], list[BadRow]]:
    """Return the row texts that go with a batch, by topic, then the rows held back, then the rows that were spoilt."""
    texts: dict[str, Sequence[str]] = {}
    late: list[LateRow] = []
    bad: list[BadRow] = []
    for index, (topic, rows) in enumerate(batch.rows.items()):
        rng = np.random.default_rng((faults.seed, batch.number, index))
        draws = rng.random(len(rows))
        is_late = draws < faults.late_share
        is_bad = ~is_late & (draws < faults.late_share + faults.corrupt_share / 2)
        topic_texts = list(rows.texts)
        bad += _spoil(topic, rows, topic_texts, np.flatnonzero(is_bad).tolist(), rng)
        late += [_late_row(topic, rows, i, faults) for i in np.flatnonzero(is_late).tolist()]
        texts[topic] = [text for text, waits in zip(topic_texts, is_late.tolist(), strict=True) if not waits]
    return texts, late, bad


def _spoil(
    topic: str, rows: Rows, texts: list[str], positions: Sequence[int], rng: np.random.Generator
) -> list[BadRow]:
    """Break the texts at some positions, each in a way that is drawn; return what was broken."""
    kinds = [*BAD_ROWS[topic], NOT_AN_OBJECT]
    bad = []
    for i in positions:
        kind = kinds[rng.integers(len(kinds))]
        texts[i] = "5" if kind == NOT_AN_OBJECT else _break_row(BAD_ROWS[topic][kind], texts[i])
        bad.append(BadRow(topic, rows.first + i, kind))
    return bad


def _break_row(fault: Callable[[Row], Row], text: str) -> str:
    return orjson.dumps(fault(orjson.loads(text + "}"))).decode()[:-1]


def _late_row(topic: str, rows: Rows, i: int, faults: Faults) -> LateRow:
    due_ms = int(rows.event_ms[i]) + int(faults.late_by_minutes * 60_000)
    return LateRow(topic, rows.first + i, due_ms, rows.texts[i])


def disturb_messages(messages: list[Message], batch: int, faults: Faults) -> tuple[list[Message], list[TornMessage]]:
    """Cut messages off, and send the whole batch twice, as the faults say; heartbeats are not cut off.

    Return the messages to send, and which of the given ones were cut off.
    """
    rng = np.random.default_rng((faults.seed, batch, len(BAD_ROWS)))
    sent, torn = [], []
    for index, message in enumerate(messages):
        if rng.random() < faults.corrupt_share / 2 and not message.is_heartbeat:
            sent.append(replace(message, value=message.value[: -len(message.value) // 3]))
            torn.append(TornMessage(message.topic, index, message.rows))
        else:
            sent.append(message)
    return sent * 2 if rng.random() < faults.duplicate_share else sent, torn
