"""Rejected rows in full, and which were sent again. `lake/rejected` says where they are, the topics have them."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from contracts.events import FIELDS, HEADER_CLOCK_MS, HEADER_RESENT, MISSING
from ops.errors import ResendError
from ops.reconcile.topic_rows import Span, all_partitions, record_chunks
from runtime.event_text import Headers, header_number, parse_time
from runtime.kafka.connection import KafkaConnection
from runtime.lake import committed_files
from runtime.parquet import read_parquet
from runtime.world import Unit
from spark_app.stages.parsing.decode import elements_of
from spark_app.stages.parsing.parse import all_rows

PLACE = re.compile(rb"[0-9]{1,18}(:[0-9]{1,18}){2}")
"""How a place is written in a header; another text is none."""


class Place(NamedTuple):
    """Where a row is: its message's partition and offset in a topic, and its position in the message's list."""

    partition: int
    offset: int
    position: int

    def __str__(self) -> str:
        return ":".join(map(str, self))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A rejected row."""

    topic: str
    place: Place
    reason: str
    """The rule that it broke when the job read it."""
    row: Any
    clock_ms: int
    """The clock that its time is compared with: its message's; without a usable one, the newest time in the message."""

    @property
    def event_ms(self) -> int:
        return time_of(self.row)


def time_of(row: Any) -> int:
    """Return the event time of a row, in epoch ms; 0 where it has none."""
    at = row.get("event_time") if isinstance(row, dict) else None
    return (parse_time(at) or 0) if isinstance(at, str) else 0


class Repaired(NamedTuple):
    """A row that somebody repaired, of a file of `write_letters`."""

    row: Any
    unsent_before: tuple[int, ...] = ()
    """By partition of its topic, the offset before which no message has the row again; empty where nobody knows."""


@dataclass(slots=True)
class DeadLetters:
    """What `lake/rejected` counts, row by row."""

    letters: list[DeadLetter] = field(default_factory=list)
    """Those that were not sent again yet."""
    gone: list[DeadLetter] = field(default_factory=list)
    """Those whose message Kafka has removed, without their row. No message that is left has them again."""
    read: dict[str, list[Span]] = field(default_factory=dict)
    """What is left of each topic, and up to where it was read; only topics of rejected rows."""
    sent_before: Counter[str] = field(default_factory=Counter)
    """Rows that were, by reason."""
    unreadable: Counter[str] = field(default_factory=Counter)
    """Rows of messages that are no list, by reason: there is nothing in them that could be sent."""


def read_dead_letters(unit: Unit, kafka: KafkaConnection, limit_ms: int, reason: str = "") -> DeadLetters:
    """Read every rejected row whose reason has the text `reason` in it, and look which were sent again.

    A clock over `limit_ms` is not usable. Raises ResendError where Kafka removes messages before they are read.
    """
    found = DeadLetters()
    rejected = _read_rejected(unit, reason, found.unreadable)
    for topic in (topic for topic in FIELDS if topic in rejected):
        # to the very end: what was sent again may come after a transaction that is open
        wanted, spans = rejected[topic], all_partitions(kafka, topic, "read_uncommitted")
        letters: dict[Place, DeadLetter] = {}
        resent: set[Place] = set()
        reached: dict[int, int] = {}
        for partition, records in record_chunks(kafka, spans):
            for record in records:
                reached[partition] = record.offset + 1
                resent |= places_in(record.headers)
                reasons = wanted.get((partition, record.offset), {})
                rows = (elements_of(record.value) or []) if reasons else []
                clock_ms = _clock_of(record.headers, rows, limit_ms)
                for position, why in reasons.items():
                    place = Place(partition, record.offset, position)
                    row = rows[position] if position < len(rows) else None
                    letters[place] = DeadLetter(topic, place, why, row, clock_ms)
        places = {
            Place(*message, position): why for message, reasons in wanted.items() for position, why in reasons.items()
        }
        gone = {place: DeadLetter(topic, place, why, None, 0) for place, why in places.items() if place not in letters}
        found.letters += [letter for place, letter in sorted(letters.items()) if place not in resent]
        found.gone += [letter for place, letter in sorted(gone.items()) if place not in resent]
        found.sent_before.update(why for place, why in places.items() if place in resent)
        found.read[topic] = _left_of(spans, reached, all_partitions(kafka, topic))
    return found


def _left_of(spans: Sequence[Span], reached: Mapping[int, int], now: Sequence[Span]) -> list[Span]:
    """Return the spans without what Kafka has removed by `now`. Raises ResendError where one was not read to its end.

    Where a message is removed before it is read, the client goes on at the end of its partition.
    """
    pairs = list(zip(spans, now, strict=False))  # a topic may get partitions meanwhile
    if any(later.first > span.first and reached.get(span.partition, 0) < span.end for span, later in pairs):
        raise ResendError(
            f"Kafka removed messages of topic {spans[0].topic} before they were read, so nobody can tell which rows "
            "were sent before; nothing was sent: run this again"
        )
    return [replace(span, first=later.first) for span, later in pairs]


def not_rejected(unit: Unit, places: Iterable[tuple[str, Place]]) -> list[tuple[str, Place]]:
    """Return those of the places, by topic, at which `lake/rejected` has no row."""
    rejected = _read_rejected(unit, "", Counter())
    return [
        (topic, place)
        for topic, place in places
        if place.position not in rejected.get(topic, {}).get((place.partition, place.offset), {})
    ]


def _clock_of(headers: Headers, rows: Sequence[Any], limit_ms: int) -> int:
    clock_ms = header_number(headers, HEADER_CLOCK_MS)
    if clock_ms is None or clock_ms > limit_ms:
        return max((at for at in map(time_of, rows) if at <= limit_ms), default=0)
    return clock_ms


def _read_rejected(
    unit: Unit, reason: str, unreadable: Counter[str]
) -> dict[str, dict[tuple[int, int], dict[int, str]]]:
    """Return the reasons of rejected rows by topic, message and position; count those without a position."""
    rejected: dict[str, dict[tuple[int, int], dict[int, str]]] = {}
    for file in committed_files(unit.table("rejected")):
        columns = ["topic", "partition", "offset", "position", "rows", "reason"]
        for line in read_parquet(file, columns).to_pylist():
            if reason not in line["reason"]:
                continue
            if line["position"] is None:
                unreadable[line["reason"]] += 0 if line["reason"] == MISSING else line["rows"]
                continue
            message = rejected.setdefault(line["topic"], {}).setdefault((line["partition"], line["offset"]), {})
            message[line["position"]] = line["reason"]
    return rejected


def places_in(headers: Headers) -> set[Place]:
    """Return the places that a message's rows were rejected at, from its header; none in any other message.

    >>> places_in([("resent", b"0:7:1 0:7:2")]) == {Place(0, 7, 1), Place(0, 7, 2)}
    True
    """
    texts = [text for name, value in headers if name == HEADER_RESENT for text in (value or b"").split()]
    return {Place(*map(int, text.split(b":"))) for text in texts if PLACE.fullmatch(text)}


def still_broken(letters: Sequence[DeadLetter], limit_ms: int) -> Iterator[str | None]:
    """Yield for each row the rule that it breaks today; None for a good one."""
    for letter in letters:
        message = {"partition": [0], "offset": [0], "value": [json.dumps([letter.row]).encode()], "sent_rows": [0]}
        clock = {"clock_ms": [letter.clock_ms], "limit_ms": [limit_ms]}
        (line,) = [
            line
            for lines in all_rows([pa.RecordBatch.from_pydict(message | clock)], letter.topic)
            for line in lines.select(["reason"]).to_pylist()
        ]
        yield line["reason"]


def write_letters(file: Path, letters: Iterable[DeadLetter], read: Mapping[str, Sequence[Span]]) -> None:
    """Write rows of topics that were `read`, to be repaired, as JSON lines.

    Fields: topic, partition, offset, position, reason, row, and unsent_before (`Repaired`).
    """
    ends = {topic: [span.end for span in spans] for topic, spans in read.items()}
    lines = [
        json.dumps(
            {"topic": letter.topic, **letter.place._asdict(), "reason": letter.reason, "row": letter.row}
            | {"unsent_before": ends[letter.topic]}
        )
        for letter in letters
    ]
    file.write_text("".join(f"{line}\n" for line in lines))


def read_repaired(file: Path) -> dict[tuple[str, Place], Repaired]:
    """Read what `write_letters` wrote and somebody repaired: the rows by topic and place. Raises ResendError."""
    rows: dict[tuple[str, Place], Repaired] = {}
    # bytes: a line ends at \n only, not at one of the other line ends of Unicode, which JSON may have in a text
    for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            letter = json.loads(line)
            place = Place(*(int(letter[name]) for name in Place._fields))
            repaired = Repaired(letter["row"], tuple(map(int, letter.get("unsent_before", ()))))
            at_place = rows.setdefault((letter["topic"], place), repaired)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise ResendError(
                f"line {number} of {file} is no repaired row ({error!r}): expected JSON with topic, partition, offset, "
                "position and row, as  playproof job replay-rejected --out  writes it"
            ) from None
        if at_place.row != repaired.row:
            raise ResendError(
                f"line {number} of {file} has another row than a line before it, for the same topic and place {place} "
                "(partition:offset:position): leave one of the two"
            )
    return rows
