"""The check balances when the tables are right, and names what is missing, doubled or wrong when they are not."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from contracts.events import ACTIVITY, HEADER_CLOCK_MS, HEADER_ROWS, HEARTBEAT_USER, PLAYS
from ops.errors import ReconciliationError
from ops.reconcile import lake_tables, reconciliation, topic_rows
from ops.reconcile.command import format_reconciliation
from ops.reconcile.reconciliation import Reconciliation, reconcile
from ops.reconcile.row_rules import hash64
from ops.stack.broker import Broker
from runtime.event_text import format_time
from runtime.units import MINUTE_MS
from runtime.world import Unit, World
from tests import lake_rows
from tests.producer.empty_topics import empty_topics
from tests.producer.raw_world import START_MS

WATERMARK_MS = START_MS + 60 * MINUTE_MS
Session = dict[str, Any]


def play(play_id: str, user: str, minute: float) -> dict[str, Any]:
    when = format_time(START_MS + int(minute * MINUTE_MS))
    return {"play_id": play_id, "user_id": user, "event_time": when, "track_id": "t", "listen_ms": "30000", "ts": 1}


def session(user: str, plays: dict[str, float]) -> Session:
    """Describe a session of plays (id -> minute) as the job would write it."""
    ids = sum(hash64(play_id) for play_id in plays)
    return {
        "user_id": user,
        "started_at": START_MS + int(min(plays.values()) * MINUTE_MS) - 30_000,
        "ended_at": START_MS + int(max(plays.values()) * MINUTE_MS),
        "plays_rows": len(plays),
        "plays_hash": int(np.uint64(ids % 2**64).view(np.int64)),
        "activity_rows": 0,
        "activity_hash": 0,
    }


RIGHT = [session("ann", {"p1": 5, "p2": 10}), session("bob", {"p3": 6})]
"""What the job must have written of the first message below, whose heartbeat moves the watermark to an hour."""
MESSAGES: list[list[Any]] = [
    [
        play("p1", "ann", 5),
        play("p2", "ann", 10),
        play("p3", "bob", 6),
        play("p1", "ann", 5),
        5,
        play("beat", HEARTBEAT_USER, 61),
    ],
    [play("late", "ann", 20), play("open", "ann", 65)],
    [play("unread", "bob", 66), "unread and bad"],
]
BEAT = {
    "event_id": "beat",
    "action": "search",
    "user_id": HEARTBEAT_USER,
    "event_time": format_time(WATERMARK_MS + MINUTE_MS),
}
"""The activity that micro-batch 0 reads, as far as its plays."""


def write_sessions(unit: Unit, sessions: list[Session]) -> None:
    """Make sessions the content of the table."""
    times = pa.timestamp("us", "UTC")
    columns = {name: [s[name] for s in sessions] for name in RIGHT[0]}
    table = pa.table(columns)
    for name in ("started_at", "ended_at"):
        milliseconds = table.column(name).cast(pa.int64()).cast(pa.timestamp("ms", "UTC"))
        table = table.set_column(table.schema.get_field_index(name), name, milliseconds.cast(times))
    shutil.rmtree(unit.table("sessions"), ignore_errors=True)
    lake_rows.commit(unit.table("sessions"), table, writer="sessions", batch=1)


def write_offsets(unit: Unit, batch: int, watermark_ms: int, plays_end: int) -> None:
    folder = unit.checkpoints / "sessions" / "offsets"
    folder.mkdir(parents=True, exist_ok=True)
    lines = {"batchWatermarkMs": watermark_ms}, {PLAYS: {"0": plays_end}}, {ACTIVITY: {"0": 1}}
    (folder / str(batch)).write_text("\n".join(["v1", *map(json.dumps, lines)]))


@pytest.fixture
def world(broker: Broker, tmp_path: Path) -> World:
    """Three messages: the first read by micro-batch 0, the second by 1 under an hour's watermark, the third unread."""
    made = World(tmp_path / "w")
    empty_topics(broker.kafka)
    producer = KafkaProducer(bootstrap_servers=broker.address)
    for topic, rows in [*((PLAYS, rows) for rows in MESSAGES), (ACTIVITY, [BEAT])]:
        clock_ms = START_MS + 65 * MINUTE_MS
        headers = [(HEADER_CLOCK_MS, str(clock_ms).encode()), (HEADER_ROWS, str(len(rows)).encode())]
        producer.send(topic, json.dumps(rows).encode(), headers=headers, partition=0)
    producer.close()
    write_offsets(made.unit, 0, WATERMARK_MS - 1, 1)
    write_offsets(made.unit, 1, WATERMARK_MS, 2)
    return made


def reconciled(world: World, broker: Broker, sessions: list[Session]) -> Reconciliation:
    write_sessions(world.unit, sessions)
    return reconcile(world, broker.kafka)


def test_every_row_is_accounted_for_where_the_table_is_right(world: World, broker: Broker) -> None:
    result = reconciled(world, broker, RIGHT)
    rows = result.topics[PLAYS]
    assert result.faults == []
    assert rows.unaccounted == 0
    counts = (rows.sent, rows.in_sessions, rows.late, rows.duplicate, rows.rejected, rows.open)
    assert counts == (9, 3, 1, 1, 1, 3)
    assert format_reconciliation(result)[-1] == "every row is accounted for once; nothing is lost or there twice"


def test_several_processes_give_the_same(world: World, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    write_archive(world.unit, batch=3, ends=2, plays=ARCHIVED)
    alone = reconciled(world, broker, RIGHT)
    monkeypatch.setattr(reconciliation, "MANY_MESSAGES", 0)
    monkeypatch.setattr(topic_rows, "SPAN_MESSAGES", 2)
    assert reconcile(world, broker.kafka) == alone


def test_messages_that_kafka_has_removed_cannot_be_accounted_for(world: World, broker: Broker) -> None:
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        admin.delete_records({TopicPartition(PLAYS, 0): 2})
    expected = r"^partition 0 of topic plays begins at offset 2, and the job began before 1: .* up --reread$"
    with pytest.raises(ReconciliationError, match=expected):
        reconciled(world, broker, RIGHT)


def write_archive(unit: Unit, batch: int, ends: int, plays: list[str]) -> None:
    """Write a micro-batch of the archive: the ids that it has of topic plays, and how far it has read."""
    for log in ("offsets", "commits"):
        folder = unit.checkpoints / "archive" / log
        folder.mkdir(parents=True, exist_ok=True)
        text = f'v1\n{{"batchWatermarkMs": 0}}\n{{"{PLAYS}": {{"0": {ends}}}}}' if log == "offsets" else "v1\n{}"
        (folder / str(batch)).write_text(text)
    lake_rows.commit(unit.table(PLAYS), pa.table({"play_id": pa.array(plays, pa.string())}), batch=batch)


ARCHIVED = ["p1", "p2", "p3", "p1", "late", "open"]
"""The good rows of the first two messages: late rows and duplicates are archived too."""


@pytest.mark.parametrize(
    ("plays", "fault"),
    [
        (ARCHIVED, None),
        (ARCHIVED[1:], "lake/plays has 1 rows too few"),
        ([], "lake/plays has 6 rows too few"),
        ([*ARCHIVED, "p2"], "lake/plays has 1 rows too many"),
        ([*ARCHIVED[:-1], "other"], "lake/plays has other rows than topic plays"),
    ],
)
def test_the_archive_has_every_good_row_of_the_messages_that_it_read(
    world: World, broker: Broker, plays: list[str], fault: str | None
) -> None:
    write_archive(world.unit, 0, 2, plays)
    # a crash came after its files, before its commit
    write_archive(world.unit, 1, 3, ["unread"])
    (world.unit.checkpoints / "archive" / "commits" / "1").unlink()
    result = reconciled(world, broker, RIGHT)
    assert [f for f in result.faults if "rejected" not in f] == ([fault] if fault else [])
    assert result.archived == {PLAYS: len(plays), ACTIVITY: 0}


def test_the_rows_of_a_missing_session_are_lost(world: World, broker: Broker) -> None:
    result = reconciled(world, broker, RIGHT[:1])
    assert result.topics[PLAYS].lost == 1
    assert result.faults == ["1 rows of plays are lost", "1 sessions are missing"]


def test_a_session_that_is_there_twice_is_duplicated(world: World, broker: Broker) -> None:
    result = reconciled(world, broker, [*RIGHT, RIGHT[0]])
    assert result.faults == ["1 sessions are in the table more than once"]
    assert result.topics[PLAYS].lost == 0


def test_a_session_with_another_row_in_it_is_wrong(world: World, broker: Broker) -> None:
    result = reconciled(world, broker, [RIGHT[0], {**RIGHT[1], "plays_hash": 7}])
    assert (result.wrong, result.missing, result.topics[PLAYS].lost) == (1, 1, 0)
    assert format_reconciliation(result)[-1].startswith("FAULT: ")


def test_a_session_that_was_split_is_two_wrong_ones_and_loses_nothing(world: World, broker: Broker) -> None:
    halves = [session("ann", {"p1": 5}), session("ann", {"p2": 10})]
    result = reconciled(world, broker, [*halves, RIGHT[1]])
    assert (result.wrong, result.missing) == (2, 1)
    assert result.topics[PLAYS].lost == 0
    assert result.topics[PLAYS].unaccounted == 0


def test_rejected_rows_are_compared_as_far_as_the_archive_is(world: World, broker: Broker) -> None:
    unit = world.unit
    for kind in ("offsets", "commits"):
        (unit.checkpoints / "archive" / kind).mkdir(parents=True)
        (unit.checkpoints / "archive" / kind / "4").write_text(
            f'v1\n{{"batchWatermarkMs":0}}\n{json.dumps({PLAYS: {"0": 2}})}'
        )
    assert reconciled(world, broker, RIGHT).wrongly_rejected == 1, "the archive has read it and not written it"
    lines = {"topic": [PLAYS] * 2, "partition": [0, 0], "offset": [0, 2], "rows": [1, 1]}
    lake_rows.commit(unit.table("rejected"), pa.table(lines), batch=4)
    assert reconciled(world, broker, RIGHT).wrongly_rejected == 0, "rows after the archive's end do not count"


def test_without_a_job_every_row_is_open(broker: Broker, world: World) -> None:
    elsewhere = World(world.root.parent / "untouched")
    result = reconcile(elsewhere, broker.kafka)
    assert result.topics[PLAYS].open == result.topics[PLAYS].sent == 9
    assert result.topics[ACTIVITY].sent == 0


def test_a_job_that_commits_during_every_read_is_named(
    world: World, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = {"archive": itertools.repeat(-1), "sessions": itertools.count()}
    for module in (reconciliation, lake_tables):
        monkeypatch.setattr(module, "last_committed", lambda unit, query: next(commits[query]))
    with pytest.raises(ReconciliationError, match=r"committed a micro-batch during each of 20 reads"):
        reconcile(world, broker.kafka)
