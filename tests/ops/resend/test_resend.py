"""Rejected rows are sent again once: those that keep the rules now, or after somebody repaired them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from contracts.events import BEHIND_MS, FAR_CLOCK, NO_CLOCK, PLAYS, UNREADABLE
from ops.errors import ResendError
from ops.resend.dead_letters import DeadLetter, Place, Repaired, places_in, read_repaired
from ops.resend.resend import LOCK, messages, resend
from ops.stack.broker import Broker
from runtime.event_text import format_time
from runtime.file_lock import hold_lock
from runtime.kafka.connection import KafkaConnection
from runtime.world import World
from tests.ops.resend.rejected_rows import BAD_MS, play, sent_again
from tests.producer.raw_world import START_MS

NO_OFFSETS = json.dumps({"topic": PLAYS, "partition": 0, "offset": 2, "position": 1, "row": {}, "unsent_before": 5})


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


@pytest.mark.parametrize(
    "text", ["{", "[]", "5", '{"topic": "plays"}', '{"topic": "plays", "partition": "x"}', NO_OFFSETS]
)
def test_a_line_that_is_no_repaired_row_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "rows").write_text(text + "\n")
    with pytest.raises(ResendError, match=r"line 1 of .* is no repaired row"):
        read_repaired(tmp_path / "rows")


def test_a_second_line_with_another_row_for_the_same_place_is_named(tmp_path: Path) -> None:
    line = {"topic": PLAYS, "partition": 0, "offset": 2, "position": 1, "row": play("d")}
    same, other = json.dumps(line), json.dumps(line | {"row": play("e")})
    (tmp_path / "rows").write_text(f"{same}\n{same}\n")
    assert len(read_repaired(tmp_path / "rows")) == 1
    (tmp_path / "rows").write_text(f"{same}\n{same}\n{other}\n")
    with pytest.raises(ResendError, match=r"line 3 of .* has another row than a line before it.* 0:2:1 "):
        read_repaired(tmp_path / "rows")


def test_a_repaired_row_may_have_any_character(tmp_path: Path) -> None:
    letter = {"topic": PLAYS, "partition": 0, "offset": 2, "position": 1, "row": play("d", note="a\u2028b\x85c")}
    (tmp_path / "rows").write_text(json.dumps(letter, ensure_ascii=False) + "\r\n\n", encoding="utf-8")
    assert read_repaired(tmp_path / "rows") == {(PLAYS, Place(0, 2, 1)): Repaired(letter["row"])}
    (tmp_path / "rows").write_bytes(b'{"topic": "pl\xff"}')
    with pytest.raises(ResendError, match=r"line 1 of .* is no repaired row"):
        read_repaired(tmp_path / "rows")


@pytest.mark.parametrize(
    "value",
    [None, b"", b"abc", b"1:2", b"0:-1:0", b"0:%s:0" % (b"9" * 5000), "0:٣:0".encode()],
    ids=["null", "empty", "word", "short", "negative", "long", "Arabic"],
)
def test_a_header_of_another_producer_names_no_place(value: bytes | None) -> None:
    assert places_in([("resent", value), ("resent", b"0:7:1 0:7:2"), ("rows", b"0:8:1")]) == {
        Place(0, 7, 1), Place(0, 7, 2),
    }  # fmt: skip


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


def test_a_row_is_sent_again_in_its_own_partition_and_no_minute_before_an_older_one() -> None:
    times = [START_MS + 1_000 * second for second in range(120)]
    letters = [
        DeadLetter(PLAYS, Place(offset % 2, offset, 0), "r", {"event_time": format_time(at)}, at)
        for offset, at in enumerate(times)
    ]
    sent = list(messages(letters))
    assert [{letter.place.partition for letter in message} for message in sent] == [{0}, {1}] * 2
    newest = [max(letter.clock_ms for letter in message) for message in sent]
    oldest = [min(letter.clock_ms for letter in message) for message in sent]
    assert all(before - after < 60_000 for before, after in zip(newest, oldest[1:], strict=False))
