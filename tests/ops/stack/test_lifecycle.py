"""The processes of `playproof up`, under a real supervisord."""

import math
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ops.errors import StackError
from ops.stack import lifecycle, ports
from ops.stack.broker import Broker
from ops.stack.supervisor import Supervisor, _has_message
from producer.errors import ReplayError
from producer.replay.ledger import Ledger
from runtime.errors import BrokerError
from runtime.kafka.access import answers, wait_until_up
from runtime.resources import CODE as ROOT
from runtime.resources import code_changed_at
from runtime.settings import Settings
from runtime.world import World
from spark_app.scratch import FolderError
from tests.flow.stage import still_alive

SOCKET_PATH_LIMIT = 107
"""sizeof(sun_path) - 1 on Linux (unix(7)); 103 on macOS."""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of an empty world in a folder with spaces; whatever is started for it is stopped."""
    settings = Settings(data=tmp_path / "some data", world="w", broker=f"127.0.0.1:{ports.free_port()}", docker=False)
    yield settings
    lifecycle.supervisor_of(settings.the_world()).stop()


def test_broker_and_job_are_started_reported_and_stopped_with_nothing_left_behind(settings: Settings) -> None:
    supervisor = lifecycle.supervisor_of(settings.the_world())
    supervisor.start(settings)
    pid = supervisor.pid()
    supervisor.start(settings)
    assert supervisor.pid() == pid, "a second start changes nothing"
    supervisor.launch(lifecycle.BROKER, lifecycle.BROKER_WITHIN_S)
    wait_until_up(settings.kafka())
    assert lifecycle.status(settings)["broker_answers"]
    assert supervisor.state(lifecycle.BROKER) == "RUNNING"

    with pytest.raises(StackError, match=r"job did not start: .*static table tracks is missing in world w"):
        supervisor.launch(lifecycle.JOB, lifecycle.JOB_WITHIN_S, ready_message=lifecycle.JOB_IS_UP)
    assert supervisor.state(lifecycle.JOB) in ("STOPPED", "EXITED", "FATAL")

    assert pid is not None
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    assert len(family) == 2, "supervisord and the broker's JVM itself"
    assert lifecycle.down(settings)
    assert still_alive(family) == []
    assert not answers(settings.kafka())
    assert not lifecycle.down(settings), "a second stop finds nothing"


def test_the_socket_path_fits_whatever_the_checkout_is_called() -> None:
    deep = Supervisor(Path("/" + "/".join(["a-very-long-folder-name"] * 20)) / "run")
    assert len(str(deep.socket)) <= SOCKET_PATH_LIMIT
    assert deep.socket != Supervisor(Path("/elsewhere/run")).socket


def test_what_changed_since_the_processes_began_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` leaves what runs as it is: an upgrade, a new key, another retention would seem to count."""
    supervisor = lifecycle.supervisor_of(settings.the_world())
    assert supervisor.changes(settings, math.inf) == [], "nothing runs"
    supervisor.start(settings)
    assert supervisor.changes(settings, 0) == []
    assert code_changed_at() >= Path(lifecycle.__file__).stat().st_mtime
    for name in ("PLAYPROOF_KEEP_DAYS", "PLAYPROOF_DASH_PORT", "PLAYPROOF_HOLD_DAYS", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "1")
    assert supervisor.changes(settings, math.inf) == ["PLAYPROOF_KEEP_DAYS", "Playproof itself"]
    in_a_bucket = settings.model_copy(update={"storage": "s3://bucket"})
    assert supervisor.changes(in_a_bucket, 0) == ["AWS_SESSION_TOKEN", "PLAYPROOF_KEEP_DAYS"]


def test_a_socket_folder_open_to_others_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"playproof-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(FolderError, match="is open to other users"):
        lifecycle.supervisor_of(settings.the_world()).start(settings)


def test_a_taken_port_stops_up_before_anything_is_started(broker: object, settings: Settings, tmp_path: Path) -> None:
    taken = settings.model_copy(update={"broker": broker.address})  # type: ignore[attr-defined]
    supervisor = lifecycle.supervisor_of(settings.the_world())
    with pytest.raises(BrokerError, match="is taken by java"):
        lifecycle._begin_broker(taken, supervisor)


def test_a_broker_on_another_machine_is_not_started_here(settings: Settings) -> None:
    remote = settings.model_copy(update={"broker": "kafka.example:9092"})
    lifecycle._begin_broker(remote, lifecycle.supervisor_of(settings.the_world()))
    assert lifecycle.supervisor_of(settings.the_world()).pid() is None


def test_a_world_that_cannot_be_simulated_leaves_no_broker_behind(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "FIRST_WORLD", ("--scenario", "none"))
    with pytest.raises(StackError, match="world w could not be simulated"):
        lifecycle.up(settings, print)
    assert lifecycle.supervisor_of(settings.the_world()).pid() is None


def test_topics_are_not_read_again_under_a_broker_or_a_replay_at_work(broker: Broker, settings: Settings) -> None:
    busy = settings.model_copy(update={"broker": broker.address})
    with pytest.raises(StackError, match="a broker still runs at"):
        lifecycle.reread(busy)
    with Ledger(busy.the_world().unit.ledger), pytest.raises(ReplayError, match="another replay is at work"):
        lifecycle.reread(busy)
    assert busy.the_world().version == 1
    lifecycle.reread(settings)
    assert settings.the_world().version == 2


def test_status_without_processes_says_so(settings: Settings) -> None:
    found = lifecycle.status(settings)
    assert found["processes"] == []
    assert found["broker_answers"] is False
    assert found["addresses"]["Kafka"] == settings.broker


def test_logs_of_a_world_that_never_ran_are_named_as_missing(settings: Settings) -> None:
    with pytest.raises(StackError, match=r"there is no log of job in world w: run  playproof up"):
        lifecycle.show_logs(settings, [lifecycle.JOB])


def test_the_supervisor_of_a_world_keeps_its_logs_beside_the_versions(tmp_path: Path) -> None:
    assert lifecycle.supervisor_of(World(tmp_path / "w")).log("job") == tmp_path / "w" / "run" / "job.log"


def test_a_program_is_up_once_it_says_so_in_this_run_not_in_an_earlier_one(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_text("scoring world w\n")
    before = log.stat().st_size
    assert not _has_message(log, lifecycle.JOB_IS_UP, before)
    with log.open("a") as file:
        file.write("scoring world w\n")
    assert _has_message(log, lifecycle.JOB_IS_UP, before)
    log.write_text("scoring world w\n")
    assert _has_message(log, lifecycle.JOB_IS_UP, before * 2), "the log was rotated"


def test_the_job_prints_the_words_that_are_waited_for() -> None:
    assert lifecycle.JOB_IS_UP in (ROOT / "spark_app" / "start.py").read_text()
