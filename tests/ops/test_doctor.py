"""The doctor names each thing that is missing, and its cure."""

import json
from pathlib import Path

import pytest

from ops import doctor
from ops.doctor import Finding, examine, is_healthy
from ops.stack import ports
from ops.stack.broker import Broker
from runtime.settings import Settings
from tests.conftest import Playproof


def test_a_machine_with_everything_is_healthy(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MEMORY_NEEDED_GB", 0)  # what else runs here is no matter of this test
    findings = examine(Settings(broker=broker.address, docker=False))
    assert [finding.line for finding in findings if not finding.is_ok] == []
    assert is_healthy(findings)


def test_an_old_python_is_missing_with_its_cure() -> None:
    assert (
        doctor.python((3, 10, 4)).line
        == "missing  Python    3.10.4  ->  install Python 3.11 or later, then  playproof setup jars"
    )


def test_a_wrong_java_is_missing_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "")
    monkeypatch.setattr("runtime.jvm.shutil.which", lambda name: None)
    monkeypatch.setattr("runtime.jvm.BUNDLED_JRE", tmp_path)
    found = doctor.java()
    assert not found.is_ok
    assert "found none" in found.found
    assert "playproof setup jars" in found.cure


def test_too_little_memory_is_missing_with_its_cure() -> None:
    found = doctor.memory(available=1_500_000_000)
    assert (found.is_ok, found.found) == (False, "1.5 GB free")
    assert doctor.memory(available=5_000_000_000).is_ok


def test_a_tampered_jar_is_named(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / "kafka.jar").write_bytes(b"tampered")
    listed = tmp_path / "jars.sha256"
    listed.write_text(f"{'0' * 64}  broker/kafka.jar\n")
    found = doctor.installed_jars(tmp_path, listed)
    assert (
        found.line
        == "missing  jars      1 of 1 wrong (broker/kafka.jar: wrong checksum)  ->  run  playproof setup jars"
    )


def test_a_package_of_another_version_is_named(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "typer==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1 \\\n    --hash=sha256:00\n"
        "colorama==1 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
    )
    found = doctor.packages(lock)
    assert not found.is_ok
    assert found.found.startswith("2 differ (typer is ")


def test_a_broker_that_is_not_up_is_no_fault_but_a_taken_port_is() -> None:
    absent = doctor.broker(Settings(broker=f"127.0.0.1:{ports.free_port()}"))
    assert not absent.is_ok
    assert is_healthy([absent])
    assert not is_healthy([doctor.broker(Settings(broker="nowhere.invalid:9092"))])


def test_the_command_exits_with_1_and_prints_json_where_something_is_missing(
    playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Finding("Java", False, "found none", "run  playproof setup jars")
    monkeypatch.setattr(doctor, "examine", lambda settings: [missing])
    ended = playproof("doctor", "--json")
    assert ended.exit_code == 1
    assert json.loads(ended.out) == [missing.as_dict()]
