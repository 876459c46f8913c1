"""A second job on a world is refused in one line; on another world, or after the first, it is not."""

from pathlib import Path

import pytest

from contracts.domain import MUSIC, SHOP, Domain
from ops.stack.ports import free_port
from runtime.world import World
from spark_app.checks import job_lock
from spark_app.errors import JobError
from tests.conftest import Playproof


def test_a_second_job_is_refused_while_the_first_is_at_work(tmp_path: Path) -> None:
    first, other = World(tmp_path / "main"), World(tmp_path / "other")
    with job_lock.hold(first):
        with pytest.raises(JobError, match=r"another job is at work on world main: .*playproof status"):
            job_lock.hold(first).__enter__()
        with job_lock.hold(other):
            pass
    with job_lock.hold(first):
        pass


@pytest.mark.parametrize("domain", [MUSIC, SHOP], ids=lambda domain: str(domain.name))
def test_the_second_job_of_either_domain_is_refused_before_it_asks_the_broker_or_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, playproof: Playproof, domain: Domain
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    # nobody listens there: a job that asked for a broker would say so
    monkeypatch.setenv("PLAYPROOF_BROKER", f"127.0.0.1:{free_port()}")
    world = World(tmp_path / "main")
    for table in domain.static:
        folder = world.root / "static" / table / "as_of=2026-03-01"
        folder.mkdir(parents=True)
        (folder / "part.csv").touch()
        (folder.parent / "CURRENT").write_text(folder.name)
    world.set_domain(domain)
    with job_lock.hold(world):
        line = playproof("job", "run", "--world", "main").error
    assert line.startswith("error: another job is at work on world main: ")
    assert [file.name for file in world.unit.root.iterdir()] == [job_lock.FILE]
