"""What a crash leaves behind is mended by starting again: nothing lost, nothing twice, nothing different."""

import os
import signal
from collections import Counter
from pathlib import Path

from contracts.events import ACTIVITY, HEARTBEAT_USER, ID_FIELD, PLAYS, ROWS_PER_BATCH
from ops.stack.broker import running
from ops.stack.ports import free_port
from producer.kafka import topics
from producer.replay.ledger import read_state
from runtime.checkpoint import writer_of
from runtime.lake import batch_of, last_number
from runtime.parquet import read_parquet
from runtime.world import Unit, World
from tests.flow.conftest import JOB, Live, copy_of
from tests.flow.lake import alerts_of, differences, messages, newest_version, rows_of, sessions_by_key
from tests.flow.stage import Stage, kill_at_once, wait_until

QUERIES = ("sessions", "archive", "scores", "fraud_counts", "genuine_totals", "top_tracks")
VERSION_KEY = {"fraud_counts": "window_start", "genuine_totals": "as_of", "top_tracks": "rank"}
SOON_BACK = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}
"""A broker that was killed can be registered again when its session is over: by default after 9 s."""


def last_micro_batch(unit: Unit) -> int:
    """Return the last micro-batch whose sessions are in the table."""
    return last_number(unit.table("sessions"), writer_of(unit, "sessions"))


def is_between_files_and_commit(unit: Unit) -> bool:
    """Say whether there are files of sessions that a micro-batch after the second has written, and not added yet."""
    last = last_micro_batch(unit)
    return last >= 1 and any(batch_of(file) > last for file in unit.table("sessions").glob("date=*/part-*.parquet"))


def stop_in_a_micro_batch(stage: Stage) -> None:
    """Start the job, stop it as Ctrl-C in a terminal does, in a micro-batch after its first, and require a clean end.

    Its first one it may have begun before: what that wrote is there when the job starts.
    """
    unit, before = stage.world.unit, last_micro_batch(stage.world.unit)
    with stage.running(*JOB) as job:
        wait_until(lambda: last_micro_batch(unit) > before, "a micro-batch of this run", [job])
        wait_until(lambda: is_between_files_and_commit(unit), "a micro-batch at work", [job], every_s=0.01)
        os.killpg(job.process.pid, signal.SIGINT)
        wait_until(lambda: job.process.poll() is not None, "the end of the job")
    said = job.log.read_text()
    assert job.process.returncode == 0, said
    assert "stopped cleanly; the next run continues from here" in said


def commits(unit: Unit, query: str) -> list[Path]:
    """List a query's commit files, the newest last."""
    found = (unit.checkpoints / query / "commits").glob("[0-9]*")
    return sorted(found, key=lambda file: int(file.name))


def test_a_job_killed_in_the_middle_moved_and_started_again_writes_what_an_undisturbed_one_writes(
    rushed: Stage,
) -> None:
    """It is killed in a micro-batch, and on its way again it is stopped by Ctrl-C in another one."""
    killed = rushed.twin("killed")
    with killed.running(*JOB) as job:
        wait_until(lambda: is_between_files_and_commit(killed.world.unit), "a micro-batch at work", [job], every_s=0.01)
        kill_at_once(job)
    midway = killed.audit()
    assert midway["faults"] == []
    assert all(account["open"] > 0 for account in midway["topics"].values()), "it was killed with work left"

    killed = killed.moved("restored")
    stop_in_a_micro_batch(killed)
    killed.finish(*JOB)
    assert killed.audit() == {**rushed.audit(), "micro_batches": killed.audit()["micro_batches"]}
    undisturbed, mended = rushed.world.unit, killed.world.unit
    # the topics are the same, so even the times of sending are
    found, expected = (sessions_by_key(rows_of(unit, "sessions")) for unit in (mended, undisturbed))
    assert differences(found, expected) == []
    assert alerts_of(mended) == alerts_of(undisturbed)
    for table, key in (("plays", "play_id"), ("activity", "event_id"), ("rejected", "payload")):
        archived, complete = (sorted(str(row[key]) for row in rows_of(unit, table)) for unit in (mended, undisturbed))
        assert archived == complete, table


def test_without_its_newest_commit_a_query_does_its_last_batch_again_and_nothing_is_twice(live: Live) -> None:
    unit = live.stage.world.unit
    before = {table: rows_of(unit, table) for table in ("sessions", "plays", "activity", *VERSION_KEY)}
    alerts = alerts_of(unit)
    for query in QUERIES:
        newest = commits(unit, query)[-1]
        newest.unlink()
        # with its checksum: a crash leaves neither, and Spark takes a lone checksum for another writer's
        newest.with_name(f".{newest.name}.crc").unlink()

    live.stage.finish("job", "run", "--available-now")

    assert all(commits(unit, query) for query in QUERIES)
    audit = live.stage.audit()
    assert (audit["faults"], audit["duplicated"]) == ([], 0)
    assert alerts_of(unit) == alerts
    after = {table: rows_of(unit, table) for table in before}
    assert differences(sessions_by_key(after["sessions"]), sessions_by_key(before["sessions"])) == []
    for table, key in (("plays", "play_id"), ("activity", "event_id")):
        assert sorted(row[key] for row in after[table]) == sorted(row[key] for row in before[table])
    for table, key in VERSION_KEY.items():
        versions = [
            # a window in which nothing was scored tells only that the job ran
            [
                {k: v for k, v in row.items() if k != "batch_id"}
                for row in newest_version(rows, key)
                if row.get("sessions", 1)
            ]
            for rows in (after[table], before[table])
        ]
        assert sorted(map(str, versions[0])) == sorted(map(str, versions[1])), table


def test_a_replay_whose_broker_is_killed_goes_on_after_it_is_back_and_sends_every_row_once(
    source: World, tmp_path: Path
) -> None:
    world, address = copy_of(source, tmp_path), f"127.0.0.1:{free_port()}"
    unit = world.unit
    with running(unit.broker, address) as broker:
        topics.create(broker.kafka)
        with Stage(world, address).running("replay", "--interval", "0.2") as replay:
            wait_until(lambda: acknowledged_plays(unit) > 2 * ROWS_PER_BATCH, "some batches", [replay], every_s=0.01)
            broker.kill()
            assert not read_state(unit.ledger).has_ended, "the broker was killed with rows left"
            replay.require_alive()
            with running(unit.broker, address, SOON_BACK):
                wait_until(lambda: replay.process.poll() is not None, "the end of the replay")
                arrived = {topic: ids_in(address, topic) for topic in (PLAYS, ACTIVITY)}
    assert replay.process.returncode == 0, replay.log.read_text()
    for topic, ids in arrived.items():
        columns = [read_parquet(file, [ID_FIELD[topic]]).column(0) for file in world.raw_files(topic)]
        assert ids == Counter(row_id for column in columns for row_id in column.to_pylist()), topic


def acknowledged_plays(unit: Unit) -> int:
    return read_state(unit.ledger).rows_acknowledged[PLAYS]


def ids_in(address: str, topic: str) -> Counter[str]:
    """Count the ids of the rows in a topic, without heartbeats."""
    rows = (row for _, _, sent in messages(address, topic) for row in sent)
    return Counter(row[ID_FIELD[topic]] for row in rows if row["user_id"] != HEARTBEAT_USER)
