"""The check balances when the tables are right, and names what is missing, doubled or wrong when they are not."""

import itertools
import json
from pathlib import Path

import pyarrow as pa
import pytest
from kafka import KafkaAdminClient, TopicPartition

from contracts.events import ACTIVITY, PLAYS
from ops.errors import ReconciliationError
from ops.reconcile import lake_tables, reconciliation, topic_rows
from ops.reconcile.command import format_reconciliation
from ops.reconcile.reconciliation import MANY_MESSAGES, process_count, reconcile
from ops.stack.broker import Broker
from runtime.world import Unit, World
from tests import lake_rows
from tests.ops.reconcile.small_world import RIGHT, reconciled, session, write_world
from tests.runtime.monitoring.test_progress import report


@pytest.fixture
def world(broker: Broker, tmp_path: Path) -> World:
    return write_world(broker, tmp_path / "w")


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


@pytest.mark.parametrize(("cpus", "processes"), [(64, 4), (3, 3), (1, 1), (None, 1)])
def test_four_processes_at_most_share_the_work_whatever_the_machine(
    monkeypatch: pytest.MonkeyPatch, cpus: int | None, processes: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cpus)
    assert process_count(MANY_MESSAGES + 1) == processes
    assert process_count(MANY_MESSAGES) == 1, "to start them would take longer"


def test_messages_that_kafka_has_removed_cannot_be_accounted_for(world: World, broker: Broker) -> None:
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        admin.delete_records({TopicPartition(PLAYS, 0): 2})
    expected = r"^partition 0 of topic plays begins at offset 2, and the job began before 1: .* up --reread$"
    with pytest.raises(ReconciliationError, match=expected):
        reconciled(world, broker, RIGHT)


def test_messages_that_kafka_has_removed_of_the_first_micro_batch_cannot_either(world: World, broker: Broker) -> None:
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        admin.delete_records({TopicPartition(PLAYS, 0): 1})
    # as if the job had begun with what is left
    assert reconciled(world, broker, RIGHT).topics[PLAYS].sent == 4
    noted = world.unit.checkpoints / "sessions" / "sources" / "0" / "0"
    noted.parent.mkdir(parents=True)
    noted.write_bytes(b'\0v1\n{"plays":{"0":0}}')
    expected = r"^partition 0 of topic plays begins at offset 1, and the job began at 0: .* up --reread$"
    with pytest.raises(ReconciliationError, match=expected):
        reconciled(world, broker, RIGHT)


def test_alerts_that_the_job_raised_and_the_table_lacks_are_lost(world: World, broker: Broker) -> None:
    world.unit.progress.mkdir()
    counts = {"alerts": 2, "open_rows": 0}
    line = json.dumps(report(0, observedMetrics={"session_step": counts}))
    (world.unit.progress / "sessions.jsonl").write_text(f'{line}\n{{"name": "sess')
    result = reconciled(world, broker, RIGHT)
    assert result.faults == ["2 alerts are lost"]
    assert format_reconciliation(result)[-1] == "FAULT: 2 alerts are lost"
    assert reconcile(world, broker.kafka, expiring=("plays", "alerts")).faults == [], "old ones may have been removed"


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
