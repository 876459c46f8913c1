"""The check of a shop balances when all is right, and names what is lost, doubled, late or open when it is not."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.shop import BROWSING, TOPICS, TRANSACTIONS
from ops.reconcile import shop_rows
from ops.reconcile.command import format_reconciliation
from ops.reconcile.shop import OPEN_MS, ShopReconciliation, reconcile_shop
from ops.reconcile.topic_rows import Span
from producer.commands.shop import simulate_shop
from producer.kafka.messages import Message
from producer.replay.pace import Pace
from producer.replay.replay import replay
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.security import KafkaSecurity
from runtime.world import World
from tests.producer.replay.memory_topics import MemoryTopics

KAFKA = KafkaConnection("nowhere:1", KafkaSecurity.parse(""))
SENT_AT = 1_745_818_012
SETTLED_MS = SENT_AT * 1000 + OPEN_MS
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> MemoryTopics:
    memory = MemoryTopics()
    memory.install(monkeypatch)
    monkeypatch.setattr("producer.replay.attempt.time", SimpleNamespace(time=lambda: SENT_AT))

    def record_chunks(kafka: KafkaConnection, spans: list[Span]) -> Iterator[tuple[int, list[Any]]]:
        for span in spans:
            yield (
                span.partition,
                [
                    SimpleNamespace(value=message.value, headers=message.headers(number), offset=offset)
                    for offset, (number, message) in enumerate(memory.messages[span.topic])
                ],
            )

    def all_partitions(kafka: KafkaConnection, topic: str) -> list[Span]:
        return [Span(topic, 0, 0, len(memory.messages[topic]))] if topic in memory.messages else []

    monkeypatch.setattr(shop_rows, "record_chunks", record_chunks)
    monkeypatch.setattr(shop_rows, "all_partitions", all_partitions)
    return memory


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    simulate_shop(World(root := tmp_path_factory.mktemp("data") / "s"), {}, users=200, days=1, seed=3)
    return root


@pytest.fixture
def world(simulated: Path, topics: MemoryTopics, tmp_path: Path) -> World:
    """A small shop, all of it sent; no job has run."""
    world = World(shutil.copytree(simulated, tmp_path / "s"))
    replay(world, KAFKA, Pace(speed=0))
    return world


def write_parquet(world: World, table: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    folder = world.unit.table(table)
    (folder / "_spark_metadata").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "part-0.parquet")
    entry = {"path": f"file://{folder}/part-0.parquet", "action": "add"}
    (folder / "_spark_metadata" / "1").write_text(f"v1\n{json.dumps(entry)}")


def run_job(world: World, topics: MemoryTopics, leave_out: Callable[[str, dict[str, Any]], bool]) -> None:
    """Write what the job would have made of two micro-batches: the rows of the first one, and a later watermark."""
    rows: Rows = {topic: [row for row in topics.rows(topic) if not leave_out(topic, row)] for topic in TOPICS}
    carts: dict[str, list[str]] = {}
    for row in rows[TRANSACTIONS]:
        carts.setdefault(row["session_id"], []).append(row["transaction_id"])
    counts = Counter(row["session_id"] for row in rows[BROWSING])
    sessions = [
        {"session_id": each, "browsing_rows": counts[each], "transaction_ids": carts.get(each)}
        for each in counts.keys() | carts.keys()
    ]
    schema = pa.schema(
        [("session_id", pa.string()), ("browsing_rows", pa.int64()), ("transaction_ids", pa.list_(pa.string()))]
    )
    write_parquet(world, "predictions", sessions, schema)
    write_offsets(world, topics, [0, SETTLED_MS])


def write_offsets(world: World, topics: MemoryTopics, watermarks: list[int]) -> None:
    folder = world.unit.checkpoints / "predictions" / "offsets"
    folder.mkdir(parents=True, exist_ok=True)
    sources = [json.dumps({topic: {"0": len(topics.messages[topic])}}) for topic in TOPICS]
    for number, watermark in enumerate(watermarks):
        lines = ["v1", json.dumps({"batchWatermarkMs": watermark}), *sources, '{"logOffset":3}']
        (folder / str(number)).write_text("\n".join(lines))
        (folder.parent / "commits").mkdir(exist_ok=True)
        (folder.parent / "commits" / str(number)).write_text("v1\n{}")


def check(world: World) -> ShopReconciliation:
    return reconcile_shop(world, KAFKA)


def test_before_a_job_has_run_every_row_is_open_and_none_is_lost(world: World, topics: MemoryTopics) -> None:
    result = check(world)
    for topic in TOPICS:
        rows = result.topics[topic]
        assert rows.sent == rows.open == len(topics.rows(topic)) > 0
        assert (rows.lost, rows.duplicated, rows.unaccounted) == (0, 0, 0)
    assert result.faults == []


def test_once_the_job_is_done_every_row_is_in_a_session(world: World, topics: MemoryTopics) -> None:
    run_job(world, topics, lambda topic, row: False)
    result = check(world)
    for topic in TOPICS:
        rows = result.topics[topic]
        assert rows.sent == rows.in_sessions == len(topics.rows(topic))
    assert result.faults == []
    assert "every row is accounted for once" in format_reconciliation(result)[-1]
    assert json.loads(json.dumps(result.as_dict()))["topics"][BROWSING]["lost"] == 0


def test_a_session_that_is_missing_is_open_before_the_watermark_has_passed_it_and_lost_after(
    world: World, topics: MemoryTopics
) -> None:
    session = topics.rows(TRANSACTIONS)[0]["session_id"]
    run_job(world, topics, lambda topic, row: row["session_id"] == session)
    result = check(world)
    assert result.topics[TRANSACTIONS].lost == sum(row["session_id"] == session for row in topics.rows(TRANSACTIONS))
    assert result.topics[BROWSING].lost > 0
    write_offsets(world, topics, [0, SETTLED_MS - 1])
    result = check(world)
    assert result.topics[TRANSACTIONS].open > 0
    assert result.faults == []


def test_rows_at_or_before_the_watermark_of_the_micro_batch_before_are_late(world: World, topics: MemoryTopics) -> None:
    run_job(world, topics, lambda topic, row: True)
    write_offsets(world, topics, [SENT_AT * 1000])
    ends = {topic: len(topics.messages[topic]) for topic in TOPICS}
    first = world.unit.checkpoints / "predictions" / "offsets" / "0"
    first.write_text(first.read_text().replace(f'"0": {ends[BROWSING]}', '"0": 1'))
    write_second = first.with_name("1")
    write_second.write_text(first.read_text().replace('"0": 1}', f'"0": {ends[BROWSING]}}}'))
    (first.parent.parent / "commits" / "1").write_text("v1\n{}")
    rows = check(world).topics[BROWSING]
    assert rows.late == rows.sent - 200
    assert rows.late + rows.open == rows.sent


def test_rejected_rows_are_those_that_the_table_names(world: World, topics: MemoryTopics) -> None:
    first = topics.rows(BROWSING)[0]
    run_job(world, topics, lambda topic, row: row == first)
    reject(world, 0, 0)
    result = check(world)
    assert result.topics[BROWSING].rejected == 1
    assert result.faults == []


def reject(world: World, offset: int, position: int | None) -> None:
    schema = pa.schema(
        [("topic", pa.string()), ("partition", pa.int32()), ("offset", pa.int64()), ("position", pa.int32())]
    )
    place = {"topic": BROWSING, "partition": 0, "offset": offset, "position": position}
    write_parquet(world, "rejected", [place], schema)


@pytest.mark.parametrize(
    ("value", "position"),
    [
        (b'[{"a":[1]}]', 0),
        (None, None),
        (b'[{"ts":1%030d}]' % 0, 0),
        (b"[" * 10_000, None),
        (b'{"session_id":{"a":1}}', 0),
        (b'[1,{"ts":1}]', None),
    ],
    ids=["a list as a value", "no value", "a great ts", "too deep", "no list", "a number as a row"],
)
def test_a_hostile_message_that_the_job_rejects_is_rejected_and_no_fault(
    world: World, topics: MemoryTopics, value: Any, position: int | None
) -> None:
    run_job(world, topics, lambda topic, row: False)
    before, offset = check(world).topics[BROWSING], len(topics.messages[BROWSING])
    topics.messages[BROWSING].append((99, Message(BROWSING, value, 3, 99, 0)))
    write_offsets(world, topics, [0, SETTLED_MS])
    reject(world, offset, position)
    result, more = check(world), 3 if position is None else 1
    assert result.faults == []
    assert result.topics[BROWSING] == replace(before, sent=before.sent + more, rejected=more)


def test_a_message_that_never_arrived_is_lost_and_one_that_came_twice_is_doubled(
    world: World, topics: MemoryTopics
) -> None:
    _, gone = topics.messages[TRANSACTIONS].pop(0)
    topics.messages[BROWSING].append(topics.messages[BROWSING][0])
    result = check(world)
    assert result.topics[TRANSACTIONS].lost == gone.rows > 0
    assert result.topics[BROWSING].duplicated == 200
    assert len(result.faults) == 2


def test_a_field_that_was_changed_on_the_way_is_seen(world: World, topics: MemoryTopics) -> None:
    number, message = topics.messages[TRANSACTIONS][0]
    changed: Message = replace(message, value=message.value.replace(b'"clear_payment":"1"', b'"clear_payment":1'))
    assert changed != message
    topics.messages[TRANSACTIONS][0] = (number, changed)
    rows = check(world).topics[TRANSACTIONS]
    assert rows.lost == rows.duplicated > 0


def test_what_is_no_list_of_rows_is_counted_as_its_header_says(world: World, topics: MemoryTopics) -> None:
    topics.messages[BROWSING].append((99, Message(BROWSING, b"{", 5, 99, 0)))
    assert check(world).topics[BROWSING].sent == len(topics.rows(BROWSING)[:-1]) + 5
