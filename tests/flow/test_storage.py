"""The job with its tables and checkpoints in a bucket: the sessions of a job in a folder, after a kill too."""

import shutil
from pathlib import Path

import pytest

from tests.flow.conftest import JOB, WORLD
from tests.flow.lake import alerts_of, differences, rows_of, sessions_by_key
from tests.flow.stage import Stage, kill_at_once, wait_until
from tests.seaweed import BUCKET, make_bucket, running_s3

VERSION = f"team/{WORLD}/v1"


def test_a_job_killed_in_a_bucket_and_started_again_writes_what_an_undisturbed_one_writes_in_a_folder(
    rushed: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_s3(tmp_path / "s3") as s3:
        make_bucket(s3)
        for name, value in {**s3.environment, "PLAYPROOF_STORAGE": f"s3://{BUCKET}/team"}.items():
            monkeypatch.setenv(name, value)
        away = rushed.twin("away")
        with away.running(*JOB) as job:
            wait_until(lambda: len(s3.files(f"{VERSION}/checkpoints/sessions/commits")) > 1, "two micro-batches", [job])
            kill_at_once(job)
        away.finish(*JOB)
        assert away.audit() == {**rushed.audit(), "micro_batches": away.audit()["micro_batches"]}

        unit = away.world.unit
        for folder in (unit.lake, unit.checkpoints):
            shutil.rmtree(folder)  # they were copies
        found, expected = (sessions_by_key(rows_of(of, "sessions")) for of in (unit, rushed.world.unit))
        assert differences(found, expected) == []
        assert alerts_of(unit) == alerts_of(rushed.world.unit)
        for table, key in (("plays", "play_id"), ("activity", "event_id"), ("rejected", "payload")):
            archived, complete = (
                sorted(str(row[key]) for row in rows_of(of, table)) for of in (unit, rushed.world.unit)
            )
            assert archived == complete, table
