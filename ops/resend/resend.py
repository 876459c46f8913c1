"""Send rejected rows again: those that keep today's rules, each once, however often this is called."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kafka import KafkaProducer

from contracts.events import BEHIND_MS, HEADER_CLOCK_MS, HEADER_RESENT, HEADER_ROWS, ID_FIELD, ROWS_PER_BATCH
from contracts.topics import MAX_MESSAGE_BYTES
from ops.errors import ResendError
from ops.reconcile.topic_rows import Span
from ops.resend.dead_letters import (
    DeadLetter,
    Place,
    Repaired,
    not_rejected,
    read_dead_letters,
    still_broken,
    time_of,
    write_letters,
)
from producer.kafka.sender import wait_for
from runtime.checkpoint import clock_ahead_ms, last_committed, watermark_after
from runtime.file_lock import hold_lock
from runtime.kafka.connection import KafkaConnection
from runtime.units import MINUTE_MS, SECOND_MS
from runtime.world import Unit, World

LOCK = "resend.lock"


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of the rejected rows: counts by the reason that they were rejected for."""

    sent: Counter[str] = field(default_factory=Counter)
    sent_before: Counter[str] = field(default_factory=Counter)
    still_rejected: Counter[str] = field(default_factory=Counter)
    """Rows that break a rule today as well, or that are in no readable message."""
    gone: Counter[str] = field(default_factory=Counter)
    """Rows whose message is no longer in the topic, and that were not sent: there is none for them in `repaired`."""
    late: int = 0
    """Of the rows sent: those at or before the job's watermark, which come into no session."""


def resend(
    world: World,
    kafka: KafkaConnection,
    *,
    reason: str = "",
    repaired: Mapping[tuple[str, Place], Repaired] | None = None,
    out: Path | None = None,
    is_dry: bool = False,
) -> Resent:
    """Send the rejected rows of the current version that keep the rules now, or, repaired, keep them.

    `reason`: only rows whose reason has this text in it. `repaired`: rows to send in place of the rejected ones.
    `out`: a file for the rows that are still rejected. `is_dry`: send nothing. A message that is sent names the places
    of its rows, and what a message in the topics names is not sent again. Raises DeliveryError; ResendError before
    anything is sent, also where a row of `repaired` was not rejected or may have been sent.
    """
    unit, repaired = world.unit, repaired or {}
    # two at once would send the same rows
    at_work = ResendError(f"rejected rows of world {world.name} are being sent already: wait for it")
    with hold_lock(unit.root / LOCK, at_work):
        _require_rejected(world, repaired)
        limit_ms = int(time.time() * SECOND_MS) + clock_ahead_ms(unit)
        found = read_dead_letters(unit, kafka, limit_ms, reason)
        gone_repaired = [letter for letter in found.gone if (letter.topic, letter.place) in repaired]
        _require_unsent(gone_repaired, repaired, found.read)
        letters = [_repaired(letter, repaired) for letter in (*found.letters, *gone_repaired)]
        broken = list(still_broken(letters, limit_ms))
        good = [letter for letter, why in zip(letters, broken, strict=True) if why is None]
        bad = [replace(letter, reason=why) for letter, why in zip(letters, broken, strict=True) if why]
        if out is not None:
            write_letters(out, bad, found.read)
        if not is_dry:
            _send(kafka, good)
    watermark_ms = _watermark_ms(unit)
    return Resent(
        sent=Counter(letter.reason for letter in good),
        sent_before=found.sent_before,
        still_rejected=Counter(letter.reason for letter in bad) + found.unreadable,
        gone=Counter(letter.reason for letter in found.gone) - Counter(letter.reason for letter in gone_repaired),
        late=sum(letter.event_ms <= watermark_ms for letter in good),
    )


def _require_rejected(world: World, repaired: Mapping[tuple[str, Place], Repaired]) -> None:
    """Raise ResendError where no row was rejected at the place of a repaired one."""
    unknown = not_rejected(world.unit, repaired) if repaired else []
    if unknown:
        raise ResendError(
            f"{_named(unknown)}: lake/rejected of world {world.name} has no row at that place, so nothing was sent: "
            "send a file of  playproof job replay-rejected --out  for this version, in which only rows were changed"
        )


def _require_unsent(
    gone: Sequence[DeadLetter], repaired: Mapping[tuple[str, Place], Repaired], read: Mapping[str, Sequence[Span]]
) -> None:
    """Raise ResendError where a repaired row, whose message is gone, may have been sent by one that is gone too."""
    unsure = [
        (letter.topic, letter.place)
        for letter in gone
        if not is_unsent(repaired[letter.topic, letter.place].unsent_before, read[letter.topic])
    ]
    if unsure:
        topic, place = unsure[0]
        nothing = Span(topic, place.partition, 0, 0)
        left = next((span for span in read[topic] if span.partition == place.partition), nothing)
        raise ResendError(
            f"{_named(unsure)}: Kafka has removed its message, and maybe one that sent the row again, so nothing was "
            f"sent: take the lines of partition {place.partition} whose offset is under {left.first} or over "
            f"{left.end - 1} out of the file, and let a producer send those of their rows whose {ID_FIELD[topic]} is "
            f"not in lake/{topic}"
        )


def is_unsent(unsent_before: Sequence[int], read: Sequence[Span]) -> bool:
    """Say of a row that is in no message of what was `read` of its topic whether it is in none that is gone either.

    No message before the offsets `unsent_before` has it, so one that is gone can have it only where a partition begins
    after its offset. Where one ends before, or there are more or fewer partitions, the topic was made again.

    >>> is_unsent([5], [Span("plays", 0, 5, 9)]), is_unsent([5], [Span("plays", 0, 6, 9)]), is_unsent([], [])
    (True, False, False)
    """
    return 0 < len(read) == len(unsent_before) and all(
        span.first <= offset <= span.end for span, offset in zip(read, unsent_before, strict=True)
    )


def _named(places: Sequence[tuple[str, Place]]) -> str:
    """Name the first of the repaired rows at some places, and count the others."""
    topic, place = places[0]
    others = f", and {len(places) - 1:,} more" if len(places) > 1 else ""
    return f"repaired row of topic {topic} at {place} (partition:offset:position){others}"


def _repaired(letter: DeadLetter, rows: Mapping[tuple[str, Place], Repaired]) -> DeadLetter:
    """Return the row that somebody repaired in place of the rejected one; its time counts as it is now."""
    if (letter.topic, letter.place) not in rows:
        return letter
    row = rows[letter.topic, letter.place].row
    return replace(letter, row=row, clock_ms=time_of(row))


def messages(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Cut rows of one topic into messages of one partition each, with as many rows and as much time as they may have.

    They are in order of time, but for rows of the same minute: the watermark is a minute behind.
    """
    message: list[DeadLetter] = []
    for letter in sorted(letters, key=lambda each: (each.event_ms // MINUTE_MS, each.place.partition, each.event_ms)):
        is_full = len(message) == ROWS_PER_BATCH
        # in its own partition: as long as Kafka has the rejected row, it has what was sent again behind it too
        is_other = bool(message) and letter.place.partition != message[0].place.partition
        if message and (is_full or is_other or letter.event_ms - message[0].event_ms > BEHIND_MS):
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
