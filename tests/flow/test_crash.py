"""What a crash leaves behind is mended by starting again: nothing lost, nothing twice, nothing different."""

from pathlib import Path

from runtime.checkpoint import writer_of
from runtime.lake import batch_of, last_number
from runtime.world import Unit
from tests.flow.conftest import JOB, Live
from tests.flow.lake import alerts_of, differences, newest_version, rows_of, sessions_by_key
from tests.flow.stage import Stage, kill_at_once, wait_until

QUERIES = ("sessions", "archive", "scores", "fraud_counts", "genuine_totals", "top_tracks")
VERSION_KEY = {"fraud_counts": "window_start", "genuine_totals": "as_of", "top_tracks": "rank"}


def is_between_files_and_commit(unit: Unit) -> bool:
    """Say whether there are files of sessions that a micro-batch after the second has written, and not added yet."""
    last = last_number(unit.table("sessions"), writer_of(unit, "sessions"))
    return last >= 1 and any(batch_of(file) > last for file in unit.table("sessions").glob("date=*/part-*.parquet"))


def commits(unit: Unit, query: str) -> list[Path]:
    """List a query's commit files, the newest last."""
    found = (unit.checkpoints / query / "commits").glob("[0-9]*")
    return sorted(found, key=lambda file: int(file.name))


def test_a_job_killed_in_the_middle_moved_and_started_again_writes_what_an_undisturbed_one_writes(
    rushed: Stage,
) -> None:
    killed = rushed.twin("killed")
    with killed.running(*JOB) as job:
        wait_until(lambda: is_between_files_and_commit(killed.world.unit), "a micro-batch at work", [job], every_s=0.01)
        kill_at_once(job)
    midway = killed.audit()
    assert midway["faults"] == []
    assert all(account["open"] > 0 for account in midway["topics"].values()), "it was killed with work left"

    killed = killed.moved("restored")
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
