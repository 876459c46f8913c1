"""The job with its tables and checkpoints in a bucket, killed, and with the bucket away: the sessions of a folder.

Not part of `make test`, as it takes minutes: `make chaos` runs it.
"""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from ops.cluster.seaweed import BUCKET, S3, free_ports, running_s3
from runtime.checkpoint import writer_of
from runtime.lake import batch_of, last_number
from tests.flow.conftest import JOB, WORLD
from tests.flow.lake import alerts_of, differences, rows_of, sessions_by_key
from tests.flow.stage import Stage, kill_at_once, wait_until

VERSION = f"team/{WORLD}/v1"


def is_between_files_and_commit(s3: S3, stage: Stage) -> bool:
    """Say whether the bucket has files of sessions of a micro-batch after the second, and its commit not yet."""
    unit = stage.world.unit
    written = [batch_of(Path(file)) for file in s3.files(f"{VERSION}/lake/sessions") if "/part-" in file]
    if max(written, default=0) < 2:
        return False
    return max(written) > last_number(unit.table("sessions"), writer_of(unit, "sessions"))


def micro_batches(s3: S3) -> int:
    return len(s3.files(f"{VERSION}/checkpoints/sessions/commits"))


def test_a_job_killed_in_a_bucket_that_is_away_for_a_while_too_writes_what_an_undisturbed_one_writes_in_a_folder(
    rushed: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = free_ports()
    with ExitStack() as storage, ExitStack() as jobs:
        s3 = storage.enter_context(running_s3(tmp_path / "s3", ports))
        s3.make_bucket()
        for name, value in {**s3.environment, "PLAYPROOF_STORAGE": f"s3://{BUCKET}/team"}.items():
            monkeypatch.setenv(name, value)
        away = rushed.twin("away")
        with away.running(*JOB) as job:
            wait_until(lambda: is_between_files_and_commit(s3, away), "a micro-batch at work", [job], every_s=0.01)
            kill_at_once(job)
        midway = away.audit()
        assert midway["faults"] == []
        assert all(account["open"] > 0 for account in midway["topics"].values()), "it was killed with work left"

        done = micro_batches(s3)
        job = jobs.enter_context(away.running(*JOB))
        wait_until(lambda: micro_batches(s3) > done, "a micro-batch after the kill", [job])
        storage.close()
        wait_until(lambda: job.process.poll() is not None, "the end of a job whose bucket is away")
        assert job.process.returncode == 1
        assert job.log.read_text().splitlines()[-1].startswith("error: ")
    with running_s3(tmp_path / "s3", ports):
        away.finish(*JOB)
        assert away.audit() == {**rushed.audit(), "micro_batches": away.audit()["micro_batches"]}
        unit, undisturbed = away.world.unit, rushed.world.unit
        for folder in (unit.lake, unit.checkpoints):
            shutil.rmtree(folder)  # they were copies
        found, expected = (sessions_by_key(rows_of(of, "sessions")) for of in (unit, undisturbed))
        assert differences(found, expected) == []
        assert alerts_of(unit) == alerts_of(undisturbed)
        for table, key in (("plays", "play_id"), ("activity", "event_id"), ("rejected", "payload")):
            archived = sorted(str(row[key]) for row in rows_of(unit, table))
            assert archived == sorted(str(row[key]) for row in rows_of(undisturbed, table)), table
