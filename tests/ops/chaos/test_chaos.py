"""Kills by a seed, and processes that are kept running; `make chaos` runs the whole."""

import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from ops.chaos import chaos, kept_processes
from ops.chaos.victims import BROKER, JOB, REPLAY, Victims
from tests.flow.stage import still_alive, wait_until


def test_the_same_seed_kills_the_same_processes_within_the_time() -> None:
    drawn = list(chaos.kills(7, 900))
    assert drawn == list(chaos.kills(7, 900))
    assert drawn != list(chaos.kills(8, 900))
    assert sum(kill.after_s + kill.away_s for kill in drawn) <= 900
    assert set(Counter(kill.victim for kill in drawn)) == {JOB, BROKER, REPLAY}


WAITS = "import threading; threading.Event().wait()"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{WAITS}']); {WAITS}"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Victims:
    """A job that has a child and does not end, and a replay that ends at once; no broker."""
    monkeypatch.setattr(kept_processes, "playproof", lambda *code: [sys.executable, "-c", *code])
    monkeypatch.setattr(kept_processes, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(Victims, "start_broker", lambda self: None)
    return Victims({}, tmp_path / "log", {JOB: [PARENT], REPLAY: ["pass"]}, folder=tmp_path, address="")


def test_what_ends_is_started_again_and_a_kill_takes_the_whole_family(kept: Victims) -> None:
    before = set(psutil.Process().children(recursive=True))
    while kept.restarts.get(REPLAY, 0) < 2 or len(set(psutil.Process().children(recursive=True)) - before) < 2:
        kept.keep_running(0.1)
    assert JOB not in kept.restarts
    family = set(psutil.Process().children(recursive=True)) - before
    kept.kill(JOB)
    kept.kill(REPLAY)
    kept.kill(BROKER)
    wait_until(lambda: not still_alive([*family]), "the end of the family")
    kept.end()
