"""Rejected rows are sent again once: those that keep the rules now, or after somebody repaired them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kafka import KafkaProducer

from contracts.events import BEHIND_MS, FAR_CLOCK, HEADER_CLOCK_MS, HEADER_ROWS, NO_CLOCK, PLAYS, UNREADABLE
from ops.errors import ResendError
from ops.reconcile.row_rules import header_number, parse_messages
from ops.reconcile.topic_rows import all_partitions, record_chunks
from ops.resend.dead_letters import DeadLetter, Place, places_in, read_repaired
from ops.resend.resend import LOCK, messages, resend
from ops.stack.broker import Broker
from runtime.event_text import format_time
from runtime.file_lock import hold_lock
from runtime.kafka.connection import KafkaConnection
from runtime.world import World
from tests.producer.empty_topics import empty_topics
from tests.producer.raw_world import START_MS

Line = tuple[int, int | None, str]
"""A line of lake/rejected: offset, position and reason."""
BAD_MS = "listen_ms: expected whole milliseconds, at most 8 digits"
FAR_MS = 4_083_000_000_000


def play(name: str, minute: int = 0, **changes: Any) -> dict[str, Any]:
    at = format_time(START_MS + minute * 60_000)
    return {"play_id": name, "user_id": "u", "event_time": at, "track_id": "t", "listen_ms": "40000"} | changes


MESSAGES: list[tuple[list[Any], int | None]] = [
    ([play("a", 1), play("b", 2)], None),
    ([play("c", 3)], FAR_MS),
    ([play("good", 4), play("d", 4, listen_ms="-1"), "no object"], START_MS),
]
"""Rows, and the clock that they came with."""
REJECTED: list[Line] = [
    (0, 0, NO_CLOCK), (0, 1, NO_CLOCK), (1, 0, FAR_CLOCK), (2, 1, BAD_MS), (2, 2, "row: not an object"),
    (7, None, UNREADABLE),
]  # fmt: skip


@pytest.fixture
def world(broker: Broker, tmp_path: Path) -> World:
    """Three messages of topic plays, and what the job rejected of them."""
    made = World(tmp_path / "w")
    empty_topics(broker.kafka)
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for rows, clock_ms in MESSAGES:
            headers = [] if clock_ms is None else [(HEADER_CLOCK_MS, str(clock_ms).encode())]
            producer.send(PLAYS, json.dumps(rows).encode(), headers=headers, partition=0)
    folder = made.unit.table("rejected") / "batch_id=0"
    folder.mkdir(parents=True)
    lines = [
        {"topic": PLAYS, "partition": 0, "offset": offset, "position": position, "rows": 1, "reason": reason}
        for offset, position, reason in REJECTED
    ]
    pq.write_table(pa.Table.from_pylist(lines), folder / "part.parquet")
    (folder / "_SUCCESS").touch()
    return made


def sent_again(broker: Broker) -> list[tuple[list[str], set[Place]]]:
    """Return the rows of each message that was sent again, and the places that it names. The rules must accept it."""
    found = []
    for _, records in record_chunks(broker.kafka, all_partitions(broker.kafka, PLAYS)):
        for record in records[len(MESSAGES) :]:
            rows = json.loads(record.value)
            assert header_number(record.headers, HEADER_ROWS) == len(rows)
            parsed = parse_messages(PLAYS, [(record.value, record.headers)], [record.timestamp])
            assert parsed.rejected.tolist() == [0]
            found.append(([row["play_id"] for row in rows], places_in(record.headers)))
    return found


def test_rows_that_keep_the_rules_now_are_sent_once_and_the_others_counted(world: World, broker: Broker) -> None:
    assert resend(world, broker.kafka, is_dry=True).sent == {NO_CLOCK: 2, FAR_CLOCK: 1}
    assert sent_again(broker) == []
    result = resend(world, broker.kafka)
    assert result.sent == {NO_CLOCK: 2, FAR_CLOCK: 1}
    assert result.still_rejected == {BAD_MS: 1, "row: not an object": 1, UNREADABLE: 1}
    expected = [(["a", "b", "c"], {Place(0, 0, 0), Place(0, 0, 1), Place(0, 1, 0)})]
    assert sent_again(broker) == expected
    again = resend(world, broker.kafka)
    assert (again.sent, again.sent_before) == (Counter(), {NO_CLOCK: 2, FAR_CLOCK: 1})
    assert sent_again(broker) == expected


def test_a_row_that_somebody_repaired_is_sent_in_place_of_the_rejected_one(world: World, broker: Broker) -> None:
    file = world.root / "rejected.jsonl"
    resend(world, broker.kafka, reason="listen_ms", out=file)
    assert sent_again(broker) == []
    file.write_text(file.read_text().replace('"-1"', '"40000"'))
    result = resend(world, broker.kafka, reason="listen_ms", repaired=read_repaired(file))
    assert (result.sent, result.still_rejected) == ({BAD_MS: 1}, Counter())
    assert sent_again(broker) == [(["d"], {Place(0, 2, 1)})]


@pytest.mark.parametrize("text", ["{", "[]", "5", '{"topic": "plays"}', '{"topic": "plays", "partition": "x"}'])
def test_a_line_that_is_no_repaired_row_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "rows").write_text(text + "\n")
    with pytest.raises(ResendError, match=r"line 1 of .* is no repaired row"):
        read_repaired(tmp_path / "rows")


def test_a_repaired_row_may_have_any_character(tmp_path: Path) -> None:
    letter = {"topic": PLAYS, "partition": 0, "offset": 2, "position": 1, "row": play("d", note="a\u2028b\x85c")}
    (tmp_path / "rows").write_text(json.dumps(letter, ensure_ascii=False) + "\r\n\n", encoding="utf-8")
    assert read_repaired(tmp_path / "rows") == {(PLAYS, Place(0, 2, 1)): letter["row"]}
    (tmp_path / "rows").write_bytes(b'{"topic": "pl\xff"}')
    with pytest.raises(ResendError, match=r"line 1 of .* is no repaired row"):
        read_repaired(tmp_path / "rows")


def test_a_second_call_at_the_same_time_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path / "w")
    nobody = KafkaConnection("localhost:1")
    with hold_lock(world.unit.root / LOCK, AssertionError()), pytest.raises(ResendError, match="being sent already"):
        resend(world, nobody)


def test_a_message_has_at_most_200_rows_and_no_row_too_far_behind_its_clock() -> None:
    def letter(number: int, at: int) -> DeadLetter:
        return DeadLetter(PLAYS, Place(0, number, 0), "r", {"event_time": format_time(at)}, at)

    old = [letter(i, START_MS + i) for i in range(250)]
    sizes = [len(message) for message in messages([letter(999, START_MS + BEHIND_MS + 200), *old])]
    assert sizes == [200, 51], "the last row is within 7 days of the others in its message"
    assert [len(m) for m in messages([letter(0, START_MS), letter(1, START_MS + BEHIND_MS + 1)])] == [1, 1]
