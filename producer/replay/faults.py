"""Things that go wrong on the way, made on purpose and known to the ledger: late rows, bad rows, copies, torn messages.

Which rows are hit depends on the seed and the batch's number alone, so a batch that has to be sent again after a crash
is the same batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from contracts.events import ACTIVITY, ID_FIELD, PLAYS
from producer.errors import ReplayError
from producer.kafka.messages import Message
from producer.replay.batches import Batch, Rows

Row = dict[str, Any]
Fate = dict[str, Any]
"""One line of the ledger about a row that is not sent as it came: topic, row (its place in the source), fate, …"""

WATERMARK_DELAY_MINUTES = 1.0
"""The job's watermark is a minute behind: a row that waits less is not late."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What to do wrong. Shares are of rows, `duplicate_share` of batches; none by default."""

    late_share: float = 0.0
    late_by_minutes: float = 10.0
    """A late row goes with the first batch whose clock is this far past it, or with the flush."""
    duplicate_share: float = 0.0
    corrupt_share: float = 0.0
    """Half of these rows go bad one by one, half in messages that are torn off."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("late_share", "duplicate_share", "corrupt_share"):
            if not 0 <= getattr(self, name) <= 1:
                option = name.replace("_", "-")
                raise ReplayError(f"--{option} is {getattr(self, name)}: expected a share from 0 to 1")
        if self.late_share + self.corrupt_share > 1:
            raise ReplayError("--late-share and --corrupt-share together are over 1: a row has one fate")
        if self.late_by_minutes <= WATERMARK_DELAY_MINUTES:
            raise ReplayError(f"--late-by is {self.late_by_minutes} min: expected over 1, the watermark's delay")

    @property
    def any(self) -> bool:
        return self.late_share + self.duplicate_share + self.corrupt_share > 0


@dataclass(frozen=True, slots=True)
class LateRow:
    """A row that waits for a later batch."""

    topic: str
    text: str
    due_ms: int


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
"""Ways for a row to break a rule of contracts.events.check_row; each is rejected alone."""
NOT_AN_OBJECT = "not an object"
TORN = "message torn off"


def is_due(row: LateRow, clock_ms: int, is_flush: bool) -> bool:
    """Say whether a waiting row goes with the batch of this clock; nothing waits longer than the flush."""
    return is_flush or row.due_ms <= clock_ms


def disturb_rows(batch: Batch, faults: Faults) -> tuple[dict[str, Sequence[str]], list[Fate]]:
    """Return by topic the texts of a batch's rows that go with it, some of them spoilt, and the fates of the others."""
    if not faults.any:
        return {topic: rows.texts for topic, rows in batch.rows.items()}, []
    texts: dict[str, Sequence[str]] = {}
    fates: list[Fate] = []
    for place, (topic, rows) in enumerate(batch.rows.items()):
        rng = np.random.default_rng((faults.seed, batch.number, place))
        texts[topic], made = _disturbed(topic, rows, faults, rng)
        fates += made
    return texts, fates


def late_rows(fates: Sequence[Fate]) -> list[LateRow]:
    """Return the rows that a batch's fates send later."""
    return [LateRow(fate["topic"], fate["text"], fate["due_ms"]) for fate in fates if fate["fate"] == "late"]


def _disturbed(topic: str, rows: Rows, faults: Faults, rng: np.random.Generator) -> tuple[list[str], list[Fate]]:
    draws = rng.random(len(rows))
    is_late = draws < faults.late_share
    is_bad = ~is_late & (draws < faults.late_share + faults.corrupt_share / 2)
    kinds = [*BAD_ROWS[topic], NOT_AN_OBJECT]
    kept, fates = list(rows.texts), []
    for i in map(int, np.flatnonzero(is_bad)):
        kind = kinds[rng.integers(len(kinds))]
        kept[i] = "5" if kind == NOT_AN_OBJECT else _broken(BAD_ROWS[topic][kind], kept[i])
        fates.append({"topic": topic, "row": rows.first + i, "fate": kind})
    for i in map(int, np.flatnonzero(is_late)):
        due_ms = int(rows.event_ms[i]) + int(faults.late_by_minutes * 60_000)
        fates.append({"topic": topic, "row": rows.first + i, "fate": "late", "due_ms": due_ms, "text": kept[i]})
    return [text for text, late in zip(kept, is_late.tolist(), strict=True) if not late], fates


def _broken(fault: Callable[[Row], Row], text: str) -> str:
    return orjson.dumps(fault(orjson.loads(text + "}"))).decode()[:-1]


def disturb_messages(messages: list[Message], batch: int, faults: Faults) -> tuple[list[Message], list[Fate]]:
    """Tear messages off and double the batch, as the settings say; heartbeats stay as they are."""
    if not faults.any:
        return messages, []
    rng = np.random.default_rng((faults.seed, batch, len(BAD_ROWS)))
    sent, fates = [], []
    for place, message in enumerate(messages):
        if rng.random() < faults.corrupt_share / 2 and not message.is_heartbeat:
            sent.append(replace(message, value=message.value[: -len(message.value) // 3]))
            fates.append({"topic": message.topic, "message": place, "fate": TORN, "rows": message.rows})
        else:
            sent.append(message)
    if rng.random() < faults.duplicate_share:
        fates.append({"fate": "sent twice", "messages": len(sent)})
        sent += sent
    return sent, fates
