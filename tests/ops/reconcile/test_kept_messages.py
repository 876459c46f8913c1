"""What topics must still have: what the broker acknowledged, what the job has read; and no reading waits for ever."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.errors import KafkaTimeoutError

from contracts.events import ACTIVITY, HEADER_MESSAGE, PLAYS
from ops.errors import ReconciliationError
from ops.reconcile import topic_rows
from ops.reconcile.kept_messages import first_offsets
from ops.reconcile.reconciliation import reconcile
from ops.reconcile.topic_rows import Span, explained, read_topic, record_chunks, require_what_was_read
from ops.reconcile.workers import Result, Task, Workers
from ops.stack.broker import Broker
from ops.stack.ports import free_port
from producer.replay.ledger import Entry, Ledger, Run, Sent
from runtime.checkpoint import OffsetLog, Partition, read_offset_log
from runtime.errors import BrokerError, CheckpointError
from runtime.kafka.connection import KafkaConnection
from runtime.world import Unit, World
from tests.ops.reconcile.small_world import RIGHT, headers, play, reconciled, write_world


@pytest.fixture
def world(broker: Broker, tmp_path: Path) -> World:
    return write_world(broker, tmp_path / "w")


def acknowledge(unit: Unit, rows: int, offset: int) -> None:
    """Note in the ledger that the broker acknowledged a message of so many plays, at an offset of partition 0."""
    with Ledger(unit.ledger) as ledger:
        ledger.begin(Run({PLAYS: rows, ACTIVITY: 0}))
        ledger.intend(Entry(0, 1, 0, {PLAYS: [0, rows], ACTIVITY: [0, 0]}, [Sent(PLAYS, 0, rows, False)]))
        ledger.acknowledge(0, [(PLAYS, 0, offset)])


def send_as_replay(broker: Broker) -> int:
    """Send a play as the replay does; return the offset of its message."""
    message = json.dumps([play("of the replay", "bob", 67)]).encode()
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        sent = producer.send(PLAYS, message, headers=headers(1, **{HEADER_MESSAGE: b"0"}), partition=0)
        return int(sent.get(60).offset)


def test_a_partition_that_ends_before_what_the_broker_acknowledged_is_named(world: World, broker: Broker) -> None:
    acknowledge(world.unit, rows=6, offset=7)
    assert reconciled(world, broker, RIGHT).faults == [
        "plays[0] ends at offset 3, and the broker acknowledged offset 7",
        "6 rows of plays are lost",
    ]


@pytest.mark.parametrize(("rows", "faults"), [(1, []), (3, ["2 rows of plays are lost"])])
def test_rows_of_other_producers_do_not_stand_for_rows_of_the_replay(
    world: World, broker: Broker, rows: int, faults: list[str]
) -> None:
    acknowledge(world.unit, rows, send_as_replay(broker))
    assert reconciled(world, broker, RIGHT).faults == faults


def test_rows_behind_a_transaction_that_is_open_are_open_and_neither_lost_nor_waited_for(
    world: World, broker: Broker
) -> None:
    with KafkaProducer(bootstrap_servers=broker.address, transactional_id="left-open") as other:
        other.init_transactions()
        other.begin_transaction()
        other.send(PLAYS, b"not yet", partition=0)
        other.flush()
        acknowledge(world.unit, 1, send_as_replay(broker))
        hidden = reconciled(world, broker, RIGHT)
        other.abort_transaction()
    assert hidden.faults == []
    assert (hidden.topics[PLAYS].sent, hidden.topics[PLAYS].open) == (10, 4)
    assert reconcile(world, broker.kafka) == hidden, "the row can be read now, and its session is open"


def test_a_topic_of_which_nothing_more_comes_is_named(
    world: World, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_rows, "GIVE_UP_AFTER_S", 0.5)
    one_too_many = Span(PLAYS, 0, 0, 4)
    expected = r"^nothing of topic plays came from 127.0.0.1:\d+ for 0.5 s, and there are \d messages more: "
    with pytest.raises(BrokerError, match=expected):
        list(record_chunks(broker.kafka, [one_too_many]))


@pytest.mark.parametrize("error", [KafkaTimeoutError("late"), ConnectionResetError()])
def test_what_the_client_raises_is_one_line(error: Exception) -> None:
    nobody = KafkaConnection(f"127.0.0.1:{free_port()}")
    with pytest.raises(BrokerError, match=f"^no broker answers at {nobody.address} "), explained(nobody):
        raise error


class Removing(Workers):
    """Begins to work when Kafka has removed the first message of partition 0."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self._broker = broker

    def map(self, step: str, function: Callable[[Task], Result], tasks: Iterable[Task], of: int) -> Iterator[Result]:
        with KafkaAdminClient(bootstrap_servers=self._broker.address) as admin:
            admin.delete_records({TopicPartition(PLAYS, 0): 1})
        return super().map(step, function, tasks, of)


def test_messages_that_kafka_removes_before_they_are_read_are_not_passed_over(world: World, broker: Broker) -> None:
    progress = read_offset_log(world.unit, "sessions", last=1)
    with pytest.raises(ReconciliationError, match="begins at offset 1, and the job began at 0: Kafka has removed"):
        read_topic(broker.kafka, PLAYS, progress, {(PLAYS, 0): 0}, clock_ahead_ms=0, workers=Removing(broker))


@pytest.mark.parametrize(
    ("begins", "begun", "is_gone"),
    [
        (3, None, False),
        (4, None, True),
        (1, 1, False),
        (1, 0, True),
        (7, 5, False),
    ],
)
def test_the_job_has_read_from_where_it_began_to_the_end_of_its_last_micro_batch(
    begins: int, begun: int | None, is_gone: bool
) -> None:
    progress = OffsetLog(np.zeros(2, np.int64), {(PLAYS, 0): np.array([3, 5])})
    noted: dict[Partition, int] = {} if begun is None else {(PLAYS, 0): begun}
    partitions = [Span(PLAYS, 0, begins, 9), Span(PLAYS, 1, 8, 9)]
    if is_gone:
        with pytest.raises(ReconciliationError, match=f"^partition 0 of topic plays begins at offset {begins}, "):
            require_what_was_read(partitions, progress, noted)
    else:
        require_what_was_read(partitions, progress, noted)


def note(unit: Unit, source: int, text: bytes) -> None:
    file = unit.checkpoints / "sessions" / "sources" / str(source) / "0"
    file.parent.mkdir(parents=True)
    file.write_bytes(text)


def test_spark_notes_where_a_query_begins_to_read(tmp_path: Path) -> None:
    assert first_offsets(Unit(tmp_path), "sessions") == {}
    note(Unit(tmp_path), 0, b'\0v1\n{"plays":{"0":7,"1":0}}')
    note(Unit(tmp_path), 1, b'\0v1\n{"activity":{"0":3}}')
    assert first_offsets(Unit(tmp_path), "sessions") == {(PLAYS, 0): 7, (PLAYS, 1): 0, (ACTIVITY, 0): 3}


@pytest.mark.parametrize("left", [b"", b"\0v1", b"\0v1\n[]", b'\0v1\n{"plays":{"0":null}}', b'\0v2\n{"plays":{"0":7}}'])
def test_a_note_that_cannot_be_read_is_named(tmp_path: Path, left: bytes) -> None:
    note(Unit(tmp_path), 0, left)
    with pytest.raises(CheckpointError, match=r"^offset file .*sources/0/0 is unreadable .*: restore it from a copy$"):
        first_offsets(Unit(tmp_path), "sessions")
