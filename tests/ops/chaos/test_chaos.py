"""Kills by a seed, and processes that are kept running; `make chaos` runs the whole."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from ops.chaos import chaos, job_progress, kept_processes
from ops.chaos.chaos import Injected, Kill
from ops.chaos.kept_processes import KeptProcesses
from ops.chaos.victims import BROKER, JOB, KINDS, REPLAY, Victims
from ops.errors import StackError
from ops.stack import broker
from runtime.settings import Settings
from runtime.world import Unit
from tests.flow.stage import still_alive, wait_until


def test_the_same_seed_kills_the_same_processes_within_the_time() -> None:
    drawn = list(chaos.kills(7, 900))
    assert drawn == list(chaos.kills(7, 900))
    assert drawn != list(chaos.kills(8, 900))
    assert sum(kill.after_s + kill.away_s for kill in drawn) <= 900
    assert set(Counter(kill.victim for kill in drawn)) == set(KINDS)


def test_each_kind_is_killed_before_one_is_again_and_there_is_time_for_it_whatever_the_seed() -> None:
    for seed in range(200):
        first = [kill.victim for kill in chaos.kills(seed, chaos.MINUTE_S * chaos.ENOUGH_MINUTES)][: len(KINDS)]
        assert sorted(first) == sorted(KINDS)


def test_minutes_that_are_too_few_for_every_kind_are_refused_before_anything_begins(tmp_path: Path) -> None:
    refused = r"0\.2 minutes are too few, no fault would be injected in .*: run it for longer, --minutes 2\.25"
    with pytest.raises(StackError, match=refused):
        chaos.run(Settings(data=tmp_path), chaos.ChaosParameters(minutes=0.2), print)
    assert list(tmp_path.iterdir()) == []


WAITS = "import threading; threading.Event().wait()"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{WAITS}']); {WAITS}"
FAILS = "raise SystemExit(1)"


@pytest.fixture(autouse=True)
def _code_in_place_of_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_processes, "playproof", lambda *code: [sys.executable, "-c", *code])
    monkeypatch.setattr(kept_processes, "LOOK_EVERY_S", 0.05)


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Processes in place of brokers, as they are started."""
    started: list[subprocess.Popen[bytes]] = []

    def start(folder: Path, address: str) -> broker.Broker:
        started.append(subprocess.Popen([sys.executable, "-c", WAITS]))
        return broker.Broker(address, folder, started[-1])

    monkeypatch.setattr(broker, "start", start)
    return started


def victims_of(tmp_path: Path, job: str, replay: str) -> Victims:
    return Victims({}, tmp_path / "log", {JOB: [job], REPLAY: [replay]}, folder=tmp_path, address="")


def children() -> set[psutil.Process]:
    return set(psutil.Process().children())


def with_child(processes: set[psutil.Process]) -> list[psutil.Process]:
    """Return the first of some processes that has started another, and that one."""
    return next(([each, *started] for each in processes if (started := each.children())), [])


@pytest.mark.usefixtures("brokers")
def test_what_ends_is_started_again_and_a_kill_takes_the_whole_family(tmp_path: Path) -> None:
    kept, before = victims_of(tmp_path, PARENT, FAILS), children()
    while kept.restarts.get(REPLAY, 0) < 2 or not with_child(children() - before):
        kept.keep_running(0.1)
    assert set(kept.restarts) == {REPLAY}
    family = with_child(children() - before)
    assert kept.kill(JOB)
    wait_until(lambda: not still_alive(family), "the end of the family")
    assert not kept.kill(JOB), "it is not there any more"
    kept.end()


def test_a_process_that_had_ended_by_itself_is_not_killed_and_counts_as_ended(tmp_path: Path) -> None:
    kept, before = KeptProcesses({}, tmp_path / "log", {REPLAY: [FAILS]}), children()
    assert not kept.kill(REPLAY), "it was never started"
    kept.look()
    replay = list(children() - before)
    wait_until(lambda: not still_alive(replay), "its end")
    assert not kept.kill(REPLAY)
    kept.look()
    assert kept.restarts == {REPLAY: 1}
    kept.end()


def test_a_replay_that_came_to_its_end_begins_again_and_is_no_error(tmp_path: Path) -> None:
    kept = KeptProcesses({}, tmp_path / "log", {REPLAY: ["print('sent')"]})
    kept.look()
    while kept.log.read_text().count("sent") < 2:
        kept.keep_running(0.1)
    assert kept.restarts == {}
    kept.end()


def test_a_broker_that_is_not_there_is_not_killed(tmp_path: Path, brokers: list[subprocess.Popen[bytes]]) -> None:
    kept = victims_of(tmp_path, WAITS, WAITS)
    assert not kept.kill(BROKER)
    kept.start_broker()
    assert kept.kill(BROKER)
    kept.start_broker()
    assert kept.restarts == {}
    brokers[-1].kill()
    brokers[-1].wait()
    assert not kept.kill(BROKER)
    kept.start_broker()
    assert (kept.restarts, len(brokers)) == ({BROKER: 1}, 3)
    kept.end()
    assert all(process.poll() is not None for process in brokers)


def job_that_reads(unit: Unit) -> str:
    """Return the code of a process that reports, as the job does, that it has read 5 messages, and goes on."""
    source = {"description": "KafkaV2[Subscribe[plays]]", "endOffset": {"plays": {"0": 3, "1": 2}}}
    report = {"name": "sessions", "batchId": 0, "timestamp": "2026-11-22T03:11:15.000Z", "sources": [source]}
    unit.progress.mkdir()
    file, line = str(unit.progress / "sessions.jsonl"), json.dumps(report) + "\n"
    return f"with open({file!r}, 'a') as file: file.write({line!r})\n{WAITS}"


@pytest.mark.usefixtures("brokers")
def test_the_first_kill_of_the_job_waits_until_it_reads_and_what_was_killed_is_counted(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    said: list[str] = []
    kept = victims_of(tmp_path, job_that_reads(unit), WAITS)
    planned = [Kill(0.0, victim, 0.0) for victim in (JOB, BROKER, JOB, REPLAY)]
    injected = chaos.inject(kept, unit, planned, said.append)
    kept.end()
    assert injected.killed == {JOB: 2, BROKER: 1, REPLAY: 1}
    assert injected.while_reading == 1, "the second job read nothing that the first one had not"
    assert injected.lacking == []
    assert [line.split(",")[0] for line in said] == [f"{kill.victim} killed" for kill in planned]


@pytest.mark.usefixtures("brokers")
def test_a_job_that_never_reads_is_an_error_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_progress, "READS_WITHIN_S", 0.0)
    kept = victims_of(tmp_path, WAITS, WAITS)
    kept.log.write_text("error: no topic plays\n")
    with pytest.raises(StackError, match="the job has read no message within 0 s: error: no topic plays"):
        chaos.inject(kept, Unit(tmp_path), [Kill(0.0, JOB, 0.0)], print)
    kept.end()


def test_faults_that_did_not_come_about_are_named() -> None:
    assert Injected(Counter({JOB: 2, BROKER: 1}), while_reading=1).lacking == [
        "no fault was injected in replay; run it for longer"
    ]
    assert Injected(Counter(KINDS)).lacking == ["the job had read nothing before any of its kills; run it for longer"]
    results = {"reconciliation": ["4 rows of plays are lost"], "not_injected": Injected().lacking}
    assert len(chaos.failures(results)) == 1 + len(KINDS)


def test_the_summary_says_what_was_killed_what_ended_besides_and_what_is_open() -> None:
    figures = {"rows": 9000, "sessions": 40, "lost": 0, "open": 12, "duplicated": 0, "wrong": 0}
    results: dict[str, Any] = {"faults": {REPLAY: 1, JOB: 3}, "killed_while_reading": 2, "restarts": {REPLAY: 1}}
    assert chaos.remarks(results | figures) == [
        "killed: job 3 (2 while it read), replay 1; 9,000 rows, 40 sessions",
        "ended by an error and started again: replay 1",
        "lost 0, open 12, duplicated 0, wrong 0",
    ]
