"""Rows of messages that Kafka has removed are counted; repaired ones are sent where none can be sent a second time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from contracts.events import ACTIVITY, FAR_CLOCK, NO_CLOCK, PLAYS, UNREADABLE
from ops.errors import ResendError
from ops.reconcile.topic_rows import Span, record_chunks
from ops.resend import dead_letters
from ops.resend.dead_letters import Place, Repaired, read_repaired
from ops.resend.resend import resend
from ops.stack.broker import Broker
from runtime.kafka.connection import KafkaConnection
from runtime.world import World
from tests.conftest import Playproof
from tests.ops.resend.rejected_rows import BAD_MS, MESSAGES, play, remove, sent_again, write_rejected


def test_rows_whose_message_kafka_has_removed_are_counted_by_reason(world: World, broker: Broker) -> None:
    remove(broker, 2)
    result = resend(world, broker.kafka)
    assert (result.sent, result.gone) == (Counter(), {NO_CLOCK: 2, FAR_CLOCK: 1})
    assert result.still_rejected == {BAD_MS: 1, "row: not an object": 1, UNREADABLE: 1}
    assert sent_again(broker) == []


def test_the_command_has_a_column_for_them(
    world: World, broker: Broker, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(world.root.parent))
    monkeypatch.setenv("PLAYPROOF_BROKER", broker.address)
    remove(broker, 2)
    ended = playproof("job", "replay-rejected", "--world", world.name)
    names, *lines = ended.out.splitlines()
    assert names.endswith("no longer in the topic")
    assert [line.split()[-4:] for line in lines if NO_CLOCK in line] == [["0", "0", "0", "2"]]
    assert lines[-1] == "0 rows sent again"


def test_a_row_that_was_sent_is_counted_so_after_kafka_has_removed_its_first_message(
    world: World, broker: Broker
) -> None:
    resend(world, broker.kafka)
    remove(broker, len(MESSAGES))
    again = resend(world, broker.kafka)
    assert (again.sent, again.sent_before) == (Counter(), {NO_CLOCK: 2, FAR_CLOCK: 1})
    assert again.gone == {BAD_MS: 1, "row: not an object": 1}


def test_a_repaired_row_is_sent_once_also_after_kafka_has_removed_its_message(world: World, broker: Broker) -> None:
    file = world.root / "rejected.jsonl"
    resend(world, broker.kafka, reason="listen_ms", out=file)
    file.write_text(file.read_text().replace('"-1"', '"40000"'))
    repaired = read_repaired(file)
    remove(broker, len(MESSAGES))
    assert resend(world, broker.kafka, repaired=repaired, is_dry=True).sent == {BAD_MS: 1}
    assert resend(world, broker.kafka, repaired=repaired, reason="clock_ms").sent == Counter()
    result = resend(world, broker.kafka, repaired=repaired)
    assert (result.sent, result.gone) == ({BAD_MS: 1}, {NO_CLOCK: 2, FAR_CLOCK: 1, "row: not an object": 1})
    again = resend(world, broker.kafka, repaired=repaired)
    assert (again.sent, again.sent_before) == (Counter(), {BAD_MS: 1})
    assert sent_again(broker) == [(["d"], {Place(0, 2, 1)})]
    remove(broker, len(MESSAGES) + 1)
    with pytest.raises(ResendError, match=r"^repaired row of topic plays at 0:2:1 .*: Kafka has removed its message"):
        resend(world, broker.kafka, repaired=repaired)
    assert sent_again(broker) == []


def test_a_repaired_row_that_may_have_been_sent_before_is_refused(world: World, broker: Broker) -> None:
    """A line without `unsent_before` does not tell."""
    remove(broker, len(MESSAGES))
    rows = {(PLAYS, Place(0, 2, position)): Repaired(play("d", 4)) for position in (1, 2)}
    expected = r"0:2:1 \(partition:offset:position\), and 1 more: .* partition 0 whose offset is under 3 or over 2 out"
    with pytest.raises(ResendError, match=expected):
        resend(world, broker.kafka, repaired=rows)
    assert sent_again(broker) == []


def test_what_kafka_removes_before_it_is_read_is_not_taken_for_unsent(
    world: World, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed_first(kafka: KafkaConnection, spans: Sequence[Span]) -> Iterator[tuple[int, list[Any]]]:
        remove(broker, len(MESSAGES))
        return record_chunks(kafka, spans)

    monkeypatch.setattr(dead_letters, "record_chunks", removed_first)
    with pytest.raises(ResendError, match=r"^Kafka removed messages of topic plays before they were read"):
        resend(world, broker.kafka)
    assert sent_again(broker) == []


@pytest.mark.parametrize(
    ("topic", "place"),
    [(PLAYS, Place(0, 2, 0)), (PLAYS, Place(3, 2, 1)), (PLAYS, Place(0, 9, 1)), (ACTIVITY, Place(0, 2, 1))],
)
def test_a_repaired_row_where_none_was_rejected_is_named_before_anything_is_read_or_sent(
    tmp_path: Path, topic: str, place: Place
) -> None:
    world, nobody = World(tmp_path / "w"), KafkaConnection("localhost:1")
    write_rejected(world)
    places = [(PLAYS, Place(0, 2, 1)), (topic, place), (PLAYS, Place(8, 8, 8))]
    expected = rf"^repaired row of topic {topic} at {place} .*, and 1 more: lake/rejected of world w has no row "
    with pytest.raises(ResendError, match=expected):
        resend(world, nobody, repaired={each: Repaired(play("d")) for each in places})
