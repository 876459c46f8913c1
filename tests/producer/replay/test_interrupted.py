"""A replay that is stopped, crashes or loses its broker goes on without a gap; what it cannot continue it refuses."""

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer

from contracts.events import ACTIVITY, PLAYS
from producer.errors import DeliveryError, ReplayError
from producer.kafka.sender import Sender
from producer.replay import replay
from producer.replay.faults.settings import Faults
from producer.replay.ledger import read_state
from producer.replay.pace import Pace
from runtime.event_text import parse_time
from tests.flow.stage import WITHIN_S
from tests.producer.empty_topics import empty_topics
from tests.producer.raw_world import START_MS, at, write_raw
from tests.producer.replay.replayed import ACTIVITY_IDS, PLAY_IDS, PLAY_TIMES, Setting
from tests.read_topic import read_topic


class Crash(Exception):
    """What a `kill -9` is to the code: it ends here."""


@pytest.mark.parametrize("after", [0, 1, 3, 6, 10, 11])
def test_after_a_crash_nothing_is_lost_nor_sent_twice(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    faults = Faults(late_share=0.2, late_by_minutes=15, seed=2)
    send = Sender.send
    sent: list[tuple[Any, ...]] = []

    def dying(self: Sender, *message: Any) -> Any:
        if len(sent) == after:
            raise Crash
        sent.append(message)
        return send(self, *message)

    with monkeypatch.context() as patched:
        patched.setattr(Sender, "send", dying)
        with pytest.raises(Crash):
            setting.replay(faults)
    setting.replay(faults)
    assert Counter(setting.ids(PLAYS)) == Counter(PLAY_IDS)
    assert Counter(setting.ids(ACTIVITY)) == Counter(ACTIVITY_IDS)
    assert read_state(setting.world.unit.ledger).has_ended
    numbers = [sent.headers["message"] for sent in setting.messages(PLAYS)]
    assert numbers == list(range(len(numbers)))


def test_a_broker_that_fails_a_replay_is_waited_for(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    send, calls = Sender.send, []

    def failing(self: Sender, *message: Any) -> Any:
        calls.append(message)
        if len(calls) == 4:
            raise DeliveryError("the broker is gone")
        return send(self, *message)

    monkeypatch.setattr(Sender, "send", failing)
    setting.replay()
    assert setting.ids(PLAYS) == PLAY_IDS
    assert setting.ids(ACTIVITY) == ACTIVITY_IDS


def test_a_stopped_replay_goes_on_where_it_stopped_without_a_gap_in_time(setting: Setting) -> None:
    pace = Pace(speed=0)
    outcome = replay.replay(setting.world, setting.kafka, pace, report_progress=lambda rows, clock_ms: pace.stop.set())
    assert outcome.is_stopped
    assert outcome.batches == 1
    setting.replay()
    assert setting.ids(PLAYS) == PLAY_IDS
    times = [parse_time(row["event_time"]) for row in setting.rows(PLAYS)]
    assert times == [START_MS + ms for ms in PLAY_TIMES]


def test_headers_of_another_producer_stop_no_replay(setting: Setting) -> None:
    setting.replay(batches=1)
    with KafkaProducer(bootstrap_servers=setting.kafka.address) as producer:
        for number in (b"abc", b"", b"1_0", b"9" * 5000):
            producer.send(PLAYS, b"[]", headers=[("message", number)], partition=0)
    setting.replay()
    rows = [row for record in read_topic(setting.kafka.address, PLAYS) for row in json.loads(record.value)]
    assert Counter(row["play_id"] for row in rows if row["play_id"] in PLAY_IDS) == Counter(PLAY_IDS)


def test_topics_that_the_ledger_does_not_know_are_refused(setting: Setting) -> None:
    setting.replay(batches=1)
    setting.world.start_version()
    with pytest.raises(ReplayError, match=r"topic plays holds 2 messages .* version 2, does not know"):
        setting.replay()


def test_a_topic_that_was_made_anew_is_refused(setting: Setting) -> None:
    setting.replay(batches=1)
    empty_topics(setting.kafka)
    with pytest.raises(ReplayError, match=r"plays\[0\] ends at offset 0, but the ledger knows of 1"):
        setting.replay()


def test_a_source_that_has_changed_is_refused(setting: Setting) -> None:
    setting.replay(batches=1)
    setting.world.raw_files(PLAYS)[-1].unlink()
    with pytest.raises(ReplayError, match=r"the source has .* begin a new version with  --fresh"):
        setting.replay()


def test_sigterm_ends_the_command_cleanly_and_says_how_to_go_on(setting: Setting, tmp_path: Path) -> None:
    address = setting.kafka.address
    world = write_raw(tmp_path / "other" / "w", at(*range(500)), at(0))
    command = [sys.executable, "-m", "ops", "replay", "--world", "w", "--interval", "3600"]
    environment = {"PLAYPROOF_DATA": str(world.root.parent), "PLAYPROOF_BROKER": address}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with KafkaConsumer(PLAYS, **setting.kafka.python(), auto_offset_reset="earliest") as consumer:
        assert consumer.poll(1000 * WITHIN_S), "the first batch"
    process.send_signal(signal.SIGTERM)
    said, complained = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, complained) == (0, "")
    assert "every one acknowledged" in said
    assert said.endswith("to go on:  playproof replay --world w\n")
