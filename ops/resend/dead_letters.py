"""Rejected rows in full, and which were sent again. `lake/rejected` says where they are, the topics have them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from contracts.events import FIELDS, HEADER_CLOCK_MS, HEADER_RESENT, MISSING
from ops.errors import ResendError
from ops.reconcile.row_rules import Headers, header_number
from ops.reconcile.topic_rows import all_partitions, record_chunks
from runtime.event_text import parse_time
from runtime.kafka.connection import KafkaConnection
from runtime.lake import committed_files
from runtime.parquet import read_parquet
from runtime.world import Unit
from spark_app.stages.parsing.decode import elements_of
from spark_app.stages.parsing.parse import all_rows


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


@dataclass(slots=True)
class DeadLetters:
    """What `lake/rejected` counts, row by row."""

    letters: list[DeadLetter] = field(default_factory=list)
    """Those that were not sent again yet."""
    sent_before: Counter[str] = field(default_factory=Counter)
    """Rows that were, by reason."""
    unreadable: Counter[str] = field(default_factory=Counter)
    """Rows of messages that are no list, by reason: there is nothing in them that could be sent."""


def read_dead_letters(unit: Unit, kafka: KafkaConnection, limit_ms: int, reason: str = "") -> DeadLetters:
    """Read every rejected row whose reason has the text `reason` in it, and look which were sent again.

    A clock over `limit_ms` is not usable.
    """
    found = DeadLetters()
    rejected = _read_rejected(unit, reason, found.unreadable)
    for topic in FIELDS:
        wanted = rejected.get(topic, {})
        letters: dict[Place, DeadLetter] = {}
        resent: set[Place] = set()
        for partition, records in record_chunks(kafka, all_partitions(kafka, topic)) if wanted else ():
            for record in records:
                resent |= places_in(record.headers)
                reasons = wanted.get((partition, record.offset), {})
                rows = (elements_of(record.value) or []) if reasons else []
                clock_ms = _clock_of(record.headers, rows, limit_ms)
                for position, why in reasons.items():
                    place = Place(partition, record.offset, position)
                    row = rows[position] if position < len(rows) else None
                    letters[place] = DeadLetter(topic, place, why, row, clock_ms)
        found.letters += [letter for place, letter in sorted(letters.items()) if place not in resent]
        found.sent_before.update(letter.reason for place, letter in letters.items() if place in resent)
    return found


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
    texts = [value.decode(errors="replace") for name, value in headers if name == HEADER_RESENT]
    numbers = [place.split(":") for text in texts for place in text.split()]
    return {Place(*map(int, place)) for place in numbers if len(place) == 3 and all(map(str.isdecimal, place))}


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


def write_letters(file: Path, letters: Iterable[DeadLetter]) -> None:
    """Write rows as JSON lines, to be repaired: topic, partition, offset, position, reason, row."""
    lines = [
        json.dumps({"topic": letter.topic, **letter.place._asdict(), "reason": letter.reason, "row": letter.row})
        for letter in letters
    ]
    file.write_text("".join(f"{line}\n" for line in lines))


def read_repaired(file: Path) -> dict[tuple[str, Place], Any]:
    """Read what `write_letters` wrote and somebody repaired: the rows by topic and place. Raises ResendError."""
    rows: dict[tuple[str, Place], Any] = {}
    # bytes: a line ends at \n only, not at one of the other line ends of Unicode, which JSON may have in a text
    for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            letter = json.loads(line)
            place = Place(*(int(letter[name]) for name in Place._fields))
            rows[letter["topic"], place] = letter["row"]
        except (ValueError, KeyError, TypeError) as error:
            raise ResendError(
                f"line {number} of {file} is no repaired row ({error!r}): expected JSON with topic, partition, offset, "
                "position and row, as  playproof job replay-rejected --out  writes it"
            ) from None
    return rows
