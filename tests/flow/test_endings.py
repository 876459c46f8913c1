"""How the job ends: cleanly when asked to, with one clear line and a non-zero exit code where it cannot work."""

import shutil
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from contracts.topics import FRAUD_COUNTS
from models.registry.artefact import SHIPPED_SCORER
from ops.stack.broker import Broker
from producer.kafka import topics
from runtime.world import World
from tests.flow.conftest import Live
from tests.flow.stage import Done, Stage, still_alive, wait_until


def test_sigterm_ends_the_job_cleanly_within_30_seconds_and_leaves_no_process_behind(live: Live) -> None:
    assert live.job.exit_code == 0
    assert live.job.seconds < 30
    assert len(live.job.family) > 1, "it had a JVM at least"
    assert still_alive(live.job.family) == []
    assert live.job.said.rstrip().endswith("stopped cleanly; the next run continues from here")


def test_driver_jvm_and_workers_take_connections_on_loopback_only(live: Live) -> None:
    assert live.job.listened_on == {"127.0.0.1"}


def refusal(done: Done) -> str:
    """Return the one line that a refused run says."""
    lines = done.stderr.splitlines()
    assert done.exit_code == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def ready(tmp_path: Path, broker: Broker) -> Stage:
    """Static tables and topics, and nothing else: enough for the job to look at all it needs."""
    topics.create(broker.kafka)
    for table in ("tracks", "users"):
        folder = tmp_path / "w" / "static" / table / "as_of=2025-03-03"
        folder.mkdir(parents=True)
        (folder / "part.csv").touch()
        (folder.parent / "CURRENT").write_text(folder.name)
    return Stage(World(tmp_path / "w"), broker.address)


def test_a_missing_topic_is_named_with_the_command_that_makes_it(ready: Stage) -> None:
    with KafkaAdminClient(bootstrap_servers=ready.address) as admin:
        admin.delete_topics([FRAUD_COUNTS])
        wait_until(lambda: FRAUD_COUNTS not in admin.list_topics(), "the topic is gone")
    line = refusal(ready.run("job", "run"))
    assert line.startswith(f"error: no topic {FRAUD_COUNTS} at {ready.address}")
    assert "playproof topics" in line


def test_a_missing_static_table_is_named_with_the_command_that_makes_it(ready: Stage) -> None:
    shutil.rmtree(ready.world.root / "static" / "users")
    line = refusal(ready.run("job", "run"))
    assert line.startswith("error: static table users is missing in world w")
    assert "playproof simulate --world w" in line


def test_a_model_with_one_byte_changed_is_refused(ready: Stage, tmp_path: Path) -> None:
    tampered = tmp_path / SHIPPED_SCORER.name
    shutil.copytree(SHIPPED_SCORER, tampered)
    content = bytearray((tampered / "model.zip").read_bytes())
    content[len(content) // 2] ^= 1
    (tampered / "model.zip").write_bytes(content)
    line = refusal(ready.run("job", "run", "--model", str(tampered)))
    assert "model.zip is not the file that is trusted" in line
    assert "restore it from git" in line


def test_a_model_that_is_not_there_is_named(ready: Stage) -> None:
    line = refusal(ready.run("job", "run", "--model", "nowhere/session_xgb"))
    assert "no model at nowhere/session_xgb: expected the zip of a saved PipelineModel" in line


@pytest.mark.parametrize("name", ["metadata", "offsets/0"])
def test_an_unreadable_checkpoint_is_named_and_left_as_it_is(ready: Stage, name: str) -> None:
    file = ready.world.unit.checkpoints / "sessions" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\x00garbage\xff")
    line = refusal(ready.run("job", "run"))
    assert line.startswith(f"error: checkpoints/sessions/{name} is unreadable")
    assert "playproof up --reread" in line
    assert file.read_bytes() == b"\x00garbage\xff"
