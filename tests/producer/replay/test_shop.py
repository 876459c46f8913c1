"""A shop is replayed on the same machinery as music: every row once, unchanged, 200 browsing rows a batch."""

import csv
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.domain import SHOP
from contracts.shop import BROWSING, COLUMNS, TIME_COLUMN, TRANSACTIONS, TS, column_names
from producer.errors import ReplayError
from producer.importers.shop import import_shop
from producer.kafka.messages import Message
from producer.replay import batches
from producer.replay.faults.settings import Faults
from producer.replay.ledger import read_state
from producer.replay.pace import Pace
from producer.replay.replay import Outcome, replay
from producer.simulator.shop.build import FILES, build_shop
from producer.simulator.shop.scenario import ShopScenario
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.security import KafkaSecurity
from runtime.world import World
from tests.producer.replay.memory_topics import MemoryTopics

GOLDEN = Path(__file__).resolve().parents[3] / "contracts" / "golden"
KAFKA = KafkaConnection("nowhere:1", KafkaSecurity.parse(""))
SENT_AT = 1_745_818_012


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> MemoryTopics:
    memory = MemoryTopics()
    memory.install(monkeypatch)
    monkeypatch.setattr("producer.replay.attempt.time", SimpleNamespace(time=lambda: SENT_AT + 0.9))
    return memory


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("source")
    build_shop(ShopScenario(customers=200, days=1, promo_households=1, takeovers=5), folder)
    return {name: folder / FILES[name] for name in COLUMNS}


@pytest.fixture
def world(source: dict[str, Path], tmp_path: Path) -> World:
    import_shop(source, world := World(tmp_path / "data" / "shop"))
    return world


def send(world: World, batches: int | None = None) -> Outcome:
    return replay(world, KAFKA, Pace(speed=0), batches=batches)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, column_names(name), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_rows_that_the_assignment_prints_are_sent_as_it_prints_them(
    source: dict[str, Path], topics: MemoryTopics, tmp_path: Path
) -> None:
    golden = {topic: json.loads((GOLDEN / f"{topic}.json").read_text()) for topic in SHOP.topics}
    files = {topic: write_csv(tmp_path / f"{topic}.csv", topic, golden[topic]) for topic in SHOP.topics}
    import_shop({**source, **files}, world := World(tmp_path / "data" / "shop"))
    send(world)
    for topic in SHOP.topics:
        ((_, message),) = topics.messages[topic]
        rows = json.loads(message.value)
        expected = [{**row, TS: SENT_AT} for row in golden[topic]]
        assert rows == expected
        assert [list(row) for row in rows] == [list(row) for row in expected]


def test_every_row_is_sent_once_with_one_ts_and_the_transactions_of_the_time_of_its_batch(
    world: World, source: dict[str, Path], topics: MemoryTopics
) -> None:
    outcome = send(world)
    sent = {topic: [json.loads(message.value) for _, message in topics.messages[topic]] for topic in SHOP.topics}
    for topic in SHOP.topics:
        rows = [row for message in sent[topic] for row in message]
        assert {row.pop(TS) for row in rows} == {SENT_AT}
        assert rows == read_csv(source[topic])
        assert outcome.rows[topic] == len(rows)
    sizes = [len(message) for message in sent[BROWSING]]
    assert set(sizes[:-1]) == {200}
    assert len(sent[TRANSACTIONS]) == len(sizes) == outcome.batches > 3
    ends = [message[-1][TIME_COLUMN[BROWSING]] for message in sent[BROWSING]]
    for before, end, message in zip(["", *ends], [*ends[:-1], "9999"], sent[TRANSACTIONS], strict=False):
        assert all(before < row[TIME_COLUMN[TRANSACTIONS]] <= end for row in message)


def test_no_message_is_a_heartbeat_and_a_batch_without_transactions_is_an_empty_list(
    world: World, topics: MemoryTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 3)
    send(world, batches=30)
    messages = [message for listed in topics.messages.values() for _, message in listed]
    assert not any(message.is_heartbeat for message in messages)
    assert b"[]" in [message.value for message in messages]
    assert len(messages) == 2 * 30


class Crash(Exception):
    """What a `kill -9` is to the code: it ends here."""


@pytest.mark.parametrize("after", [0, 1, 4])
def test_after_a_crash_nothing_is_lost_nor_sent_twice(
    world: World, source: dict[str, Path], topics: MemoryTopics, after: int
) -> None:
    def die() -> None:
        if sum(map(len, topics.messages.values())) == after:
            raise Crash

    topics.before_send = die
    with pytest.raises(Crash):
        send(world)
    topics.before_send = lambda: None
    send(world)
    for topic in SHOP.topics:
        expected = Counter(tuple(row.items()) for row in read_csv(source[topic]))
        assert Counter(tuple(row.items()) for row in topics.rows(topic)) == expected
    assert read_state(world.unit.ledger).has_ended


def test_a_message_of_another_producer_hides_none_that_did_not_arrive(
    world: World, source: dict[str, Path], topics: MemoryTopics
) -> None:
    def die() -> None:
        if topics.messages:
            raise Crash

    topics.before_send = die
    with pytest.raises(Crash):
        send(world)
    topics.before_send = lambda: None
    topics.messages[TRANSACTIONS] = [(0, Message(TRANSACTIONS, b"[]", 0, batch=99, clock_ms=5))]
    send(world)
    assert topics.numbers(TRANSACTIONS)[:2] == [0, 0]
    assert topics.rows(TRANSACTIONS) == read_csv(source[TRANSACTIONS])


def test_a_later_replay_sends_what_is_left_unchanged_and_a_further_one_is_refused(
    world: World, source: dict[str, Path], topics: MemoryTopics
) -> None:
    send(world, batches=2)
    send(world)
    assert topics.rows(BROWSING) == read_csv(source[BROWSING])
    assert topics.rows(TRANSACTIONS) == read_csv(source[TRANSACTIONS])
    with pytest.raises(ReplayError, match=r"every row of world shop is sent, .*up --world shop --fresh"):
        send(world)


def test_faults_are_refused(world: World) -> None:
    with pytest.raises(ReplayError, match="rows of world shop, a shop, are sent once and unchanged: leave out"):
        Faults(late_share=0.1).check(world)
    Faults().check(world)
