"""The job with its tables and checkpoints in HDFS, killed and started again: the sessions of a folder.

Not part of `make test`, as it takes minutes and fetches Hadoop: `make hdfs` runs it.
"""

import shutil
from pathlib import Path

import pytest

from ops.cluster.hadoop import USER, fetched_jar, running_hdfs
from runtime.resources import home
from tests.flow.lake import is_between_files_and_commit, require_same_tables
from tests.flow.stage import Stage, kill_at_once, wait_until

JOB = ("job", "run", "--available-now", "--max-messages", "8")
"""With all its queries."""


def test_a_job_killed_in_hdfs_goes_on_to_the_end_of_the_topics_and_writes_what_an_undisturbed_one_writes_in_a_folder(
    rushed: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HADOOP_USER_NAME", USER)
    with running_hdfs(tmp_path / "hdfs", fetched_jar(home() / "data" / "hadoop")) as hdfs:
        monkeypatch.setenv("PLAYPROOF_STORAGE", f"{hdfs.address}/team")
        there = rushed.twin("hdfs")
        unit = there.world.unit
        with there.running(*JOB) as job:
            wait_until(lambda: is_between_files_and_commit(unit), "a micro-batch at work", [job], every_s=0.01)
            kill_at_once(job)
        midway = there.audit()
        assert midway["faults"] == []
        assert all(account["open"] > 0 for account in midway["topics"].values()), "it was killed with work left"
        there.finish(*JOB)
        account = there.audit()
        assert account == {**rushed.audit(), "micro_batches": account["micro_batches"]}
        for folder in (unit.lake, unit.checkpoints):
            shutil.rmtree(folder)  # they were copies
        require_same_tables(unit, rushed.world.unit)
