"""Send rejected rows again: those that keep today's rules, each once, however often this is called."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from contracts.events import BEHIND_MS, HEADER_CLOCK_MS, HEADER_RESENT, HEADER_ROWS, ROWS_PER_BATCH
from contracts.topics import MAX_MESSAGE_BYTES
from ops.errors import ResendError
from ops.resend.dead_letters import DeadLetter, Place, read_dead_letters, still_broken, time_of, write_letters
from producer.kafka.sender import wait_for
from runtime.checkpoint import clock_ahead_ms, last_committed, watermark_after
from runtime.file_lock import hold_lock
from runtime.kafka.connection import KafkaConnection
from runtime.units import SECOND_MS
from runtime.world import Unit, World

LOCK = "resend.lock"


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of the rejected rows: counts by the reason that they were rejected for."""

    sent: Counter[str] = field(default_factory=Counter)
    sent_before: Counter[str] = field(default_factory=Counter)
    still_rejected: Counter[str] = field(default_factory=Counter)
    """Rows that break a rule today as well, or that are in no readable message."""
    late: int = 0
    """Of the rows sent: those at or before the job's watermark, which come into no session."""


def resend(
    world: World,
    kafka: KafkaConnection,
    *,
    reason: str = "",
    repaired: Mapping[tuple[str, Place], Any] | None = None,
    out: Path | None = None,
    is_dry: bool = False,
) -> Resent:
    """Send the rejected rows of the current version that keep the rules now, or, repaired, keep them.

    `reason`: only rows whose reason has this text in it. `repaired`: rows to send in place of the rejected ones.
    `out`: a file for the rows that are still rejected. `is_dry`: send nothing. A message that is sent names the places
    of its rows, and what a message in the topics names is not sent again. Raises ResendError, DeliveryError.
    """
    unit, repaired = world.unit, repaired or {}
    # two at once would send the same rows
    at_work = ResendError(f"rejected rows of world {world.name} are being sent already: wait for it")
    with hold_lock(unit.root / LOCK, at_work):
        limit_ms = int(time.time() * SECOND_MS) + clock_ahead_ms(unit)
        found = read_dead_letters(unit, kafka, limit_ms, reason)
        letters = [_repaired(letter, repaired) for letter in found.letters]
        broken = list(still_broken(letters, limit_ms))
        good = [letter for letter, why in zip(letters, broken, strict=True) if why is None]
        bad = [replace(letter, reason=why) for letter, why in zip(letters, broken, strict=True) if why]
        if out is not None:
            write_letters(out, bad)
        if not is_dry:
            _send(kafka, good)
    watermark_ms = _watermark_ms(unit)
    return Resent(
        sent=Counter(letter.reason for letter in good),
        sent_before=found.sent_before,
        still_rejected=Counter(letter.reason for letter in bad) + found.unreadable,
        late=sum(letter.event_ms <= watermark_ms for letter in good),
    )


def _repaired(letter: DeadLetter, rows: Mapping[tuple[str, Place], Any]) -> DeadLetter:
    """Return the row that somebody repaired in place of the rejected one; its time counts as it is now."""
    if (letter.topic, letter.place) not in rows:
        return letter
    row = rows[letter.topic, letter.place]
    return replace(letter, row=row, clock_ms=time_of(row))


def messages(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Cut rows of one topic into messages, in order of time: as many rows and as much time as a message may have."""
    message: list[DeadLetter] = []
    for letter in sorted(letters, key=lambda each: (each.event_ms, each.place)):
        is_full = len(message) == ROWS_PER_BATCH
        if message and (is_full or letter.event_ms - message[0].event_ms > BEHIND_MS):
            yield message
            message = []
        message.append(letter)
    if message:
        yield message


def _send(kafka: KafkaConnection, letters: Sequence[DeadLetter]) -> None:
    if not letters:
        return
    with KafkaProducer(
        **kafka.python(), acks="all", enable_idempotence=True, max_request_size=MAX_MESSAGE_BYTES
    ) as producer:
        for topic in sorted({letter.topic for letter in letters}):
            for message in messages([letter for letter in letters if letter.topic == topic]):
                headers = {
                    HEADER_ROWS: len(message),
                    HEADER_CLOCK_MS: message[-1].event_ms,
                    HEADER_RESENT: " ".join(str(letter.place) for letter in message),
                }
                value = json.dumps([letter.row for letter in message], separators=(",", ":")).encode()
                pairs = [(name, str(text).encode()) for name, text in headers.items()]
                # one after another: older rows first, so that they make none of the others late
                wait_for(producer.send(topic, value, headers=pairs, partition=message[0].place.partition))


def _watermark_ms(unit: Unit) -> int:
    return watermark_after(unit, "sessions", last_committed(unit, "sessions"))
