"""The job with its tables and checkpoints in a bucket, killed, and with the bucket away: the sessions of a folder.

Then the daily run on another machine, which has nothing but the world's static tables: the user-days of a folder.

Not part of `make test`, as it takes minutes: `make chaos` runs it.
"""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from ops.cluster.seaweed import BUCKET, S3, free_ports, running_s3
from runtime.storage import MARKER
from runtime.world import Unit, World
from tests.flow.conftest import JOB, WORLD
from tests.flow.lake import is_between_files_and_commit, require_same_tables, rows_of
from tests.flow.stage import Stage, kill_at_once, wait_until

VERSION = f"team/{WORLD}/v1"


def on_another_machine(stage: Stage, folder: Path) -> Stage:
    """Copy what another machine needs of a world's folder, as docs/reference/storage.md says."""
    of, world = stage.world, World(folder / stage.world.name)
    shutil.copytree(of.root / "static", world.root / "static")
    world.unit.root.mkdir()
    shutil.copy(of.unit.root / MARKER, world.unit.root / MARKER)
    return Stage(world, stage.address)


def user_days(unit: Unit) -> list[str]:
    return sorted(map(str, rows_of(unit, "user_days")))


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
        unit, undisturbed = away.world.unit, rushed.world.unit
        with away.running(*JOB) as job:
            wait_until(lambda: is_between_files_and_commit(unit), "a micro-batch at work", [job], every_s=0.01)
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
        line = job.log.read_text().splitlines()[-1]
        assert line.startswith("error: ")
        assert f"s3://{BUCKET}/{VERSION}" in line, line
    with running_s3(tmp_path / "s3", ports):
        away.finish(*JOB)
        assert away.audit() == {**rushed.audit(), "micro_batches": away.audit()["micro_batches"]}
        for folder in (unit.lake, unit.checkpoints):
            shutil.rmtree(folder)  # they were copies
        require_same_tables(unit, undisturbed)
        monkeypatch.delenv("PLAYPROOF_STORAGE")  # a version knows where it is
        elsewhere = on_another_machine(away, tmp_path / "elsewhere")
        assert "user-days" in elsewhere.finish("days", "run")
        rushed.finish("days", "run")
        assert user_days(unit) == user_days(undisturbed)
        for table in ("user_day_flags", "account_risk"):
            assert len(rows_of(unit, table)) == len(rows_of(undisturbed, table)) > 0, table
