"""The parts of a cluster without running one: what brokers, machines and the network are set up with."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.chaos import kept_processes
from ops.cluster import failing_parts, network, one_machine, run
from ops.cluster.brokers import COUNT, Brokers, properties
from ops.cluster.failing_parts import Parts
from ops.cluster.seaweed import S3
from ops.cluster.worker import READY, Worker, machine_script
from ops.errors import StackError
from ops.stack.broker import server_properties
from ops.stack.lifecycle import JOB_IS_UP
from runtime.resources import CODE
from runtime.world import Unit
from tests.flow.stage import WITHIN_S


def test_three_brokers_have_the_same_voters_and_no_address_in_common() -> None:
    listed = [
        dict(line.split("=", 1) for line in server_properties(1, 2, properties(n)).splitlines()) for n in range(3)
    ]
    assert len({each["controller.quorum.voters"] for each in listed}) == 1
    assert len({each["node.id"] for each in listed}) == COUNT
    advertised = [address for each in listed for address in each["advertised.listeners"].split(",")[1:]]
    assert [address.removeprefix("NETWORK://") for address in advertised] == Brokers(Path()).addresses.split(",")
    assert {each["min.insync.replicas"] for each in listed} == {"2"}


def test_the_script_of_a_machine_is_one_that_a_shell_reads_whatever_the_names(tmp_path: Path) -> None:
    script = machine_script(tmp_path / "a 'b' $c", "10.0.0.2", ["echo", "it's"], {"KEY": "a b'c"})
    subprocess.run(["sh", "-n", "-c", script], check=True)
    assert script.index("remount,bind,ro") < script.index(READY) < script.index("chroot")
    assert str(CODE) not in script.replace(sys.prefix, ""), "no checkout"


def test_a_system_without_namespaces_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not network.is_inside()
    (tmp_path / "unshare").write_text("#!/bin/sh\necho unshare: no >&2; exit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    monkeypatch.setattr(network, "search_path", lambda: str(tmp_path))
    with pytest.raises(
        StackError, match="this machine has no setpriv, ip, mount, chroot: install util-linux and iproute2"
    ):
        network.enter([])
    monkeypatch.setattr(network, "NEEDED", ("unshare",))
    with pytest.raises(StackError, match=r"refuses them \(unshare: no\): run it as root"):
        network.enter([])


def test_a_command_below_unshare_ends_with_the_one_that_started_it() -> None:
    ends = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)); "
    inside = ends + "print('up', flush=True); signal.pause()"
    unshare = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); subprocess.call(sys.argv[1:])"
    )
    below = [sys.executable, "-c", unshare, sys.executable, "-c", inside]
    outside = ends + f"from ops.cluster.network import run_below; run_below({below}, {{}})"
    with subprocess.Popen([sys.executable, "-c", outside], stdout=subprocess.PIPE, cwd=CODE) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == b"up\n"
        command.terminate()
        assert command.communicate(timeout=WITHIN_S)[0] == b"", "nobody has it any more"
        assert command.returncode == 143


def test_damaged_state_is_what_it_was_when_it_is_written_back(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    with pytest.raises(StackError, match="no state was written"):
        one_machine.damage_state(unit)
    delta = unit.checkpoints / "sessions" / "state" / "0" / "0" / "1.delta"
    delta.parent.mkdir(parents=True)
    delta.write_bytes(b"12345678")
    damaged = one_machine.damage_state(unit)
    assert delta.read_bytes() == b"1234"
    assert damaged == {delta: b"12345678"}


def test_an_error_that_has_to_come_and_does_not_is_an_error(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def refusal(code: str, part: str) -> str:
        return one_machine.refusal(one_machine.start([sys.executable, "-c", code], {}, log), log, part)

    fails = "print('a trace'); import sys; sys.exit('error: No space left on device')"
    assert refusal(fails, "No space") == "No space left on device"
    with pytest.raises(StackError, match="expected an error with 'No state', and the job ended with 1: No space"):
        refusal(fails, "No state")
    with pytest.raises(StackError, match="the job ended with 0"):
        refusal("", "")
    ended = one_machine.start([sys.executable, "-c", ""], {}, log)
    with pytest.raises(StackError, match="ended before its first micro-batch"):
        one_machine.fill_while_it_runs(ended, Unit(tmp_path))


def test_a_job_that_was_killed_is_waited_for_until_it_scores_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_processes, "playproof", lambda *code: [sys.executable, "-uc", *code])
    scores = f"print('{JOB_IS_UP} w'); import threading; threading.Event().wait()"
    processes = kept_processes.KeptProcesses({}, tmp_path / "log", {failing_parts.JOB: [scores]})
    failing_parts.keep_until_scoring(processes)
    assert failing_parts.times_up(processes.log) == 1
    assert processes.kill(failing_parts.JOB)
    failing_parts.keep_until_scoring(processes)
    assert failing_parts.times_up(processes.log) == 2
    failing_parts.keep_until_scoring(processes, starts=1)
    processes.end()


def test_a_part_that_had_ended_before_it_was_to_fail_is_an_error(tmp_path: Path) -> None:
    storage, worker = S3(tmp_path), Worker(1, tmp_path, {})
    assert not storage.kill()
    processes = kept_processes.KeptProcesses({}, tmp_path / "log", {})
    parts = Parts(storage, Brokers(tmp_path), {1: worker}, processes)
    said: list[str] = []
    with pytest.raises(StackError, match="worker 1 is killed, with its files, but it had ended before by itself"):
        failing_parts.fail_in_turn(parts, Unit(tmp_path), 0.0, said.append)
    assert said == []


def test_the_summary_says_what_failed_what_ended_besides_and_what_is_open() -> None:
    figures = {"rows": 9000, "sessions": 40, "lost": 0, "open": 0, "duplicated": 0, "wrong": 0}
    results: dict[str, Any] = {
        "failed": ["broker 2 is killed"], "restarts": {"job": 2}, "compared": [], "reconciliation": [],
        "differences": ["lake/sessions is missing in B"],
    }  # fmt: skip
    assert run.remarks(results | figures) == [
        "broker 2 is killed; 9,000 rows, 40 sessions",
        "ended by an error and started again: job 2",
        "lost 0, open 0, duplicated 0, wrong 0",
        "lake/sessions is missing in B",
    ]
    assert run.failures(results) == ["lake/sessions is missing in B"]
