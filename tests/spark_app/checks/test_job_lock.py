"""A second job on a world is refused in one line; on another world, or after the first, it is not."""

from pathlib import Path

import pytest

from runtime.world import World
from spark_app.checks import job_lock
from spark_app.errors import JobError


def test_a_second_job_is_refused_while_the_first_is_at_work(tmp_path: Path) -> None:
    first, other = World(tmp_path / "main"), World(tmp_path / "other")
    with job_lock.hold(first):
        with pytest.raises(JobError, match=r"another job is at work on world main: .*playproof status"):
            job_lock.hold(first).__enter__()
        with job_lock.hold(other):
            pass
    with job_lock.hold(first):
        pass
