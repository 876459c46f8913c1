"""Every row of the source is sent exactly once, in order, whatever happens on the way."""

import json
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kafka import KafkaConsumer, TopicPartition

from contracts import topics as contract
from contracts.events import ACTIVITY, HEARTBEAT_USER, ID_FIELD, PLAYS
from ops.reconcile.row_rules import check_rows
from ops.stack.broker import Broker
from producer.errors import DeliveryError, ReplayError
from producer.kafka.sender import Sender
from producer.replay import batches, replay
from producer.replay.attempt import FLUSH_MS
from producer.replay.faults.injector import with_faults
from producer.replay.faults.settings import Faults
from producer.replay.ledger import read_state
from producer.replay.pace import Pace
from producer.replay.replay import Outcome
from runtime.event_text import parse_time
from runtime.kafka.connection import KafkaConnection
from runtime.units import DAY_MS, MINUTE_MS
from runtime.world import World
from tests.producer.empty_topics import empty_topics
from tests.producer.raw_world import START_MS, at, write_raw

PLAY_TIMES = [place * 2 * MINUTE_MS for place in range(50)]
"""Fifty plays, two minutes apart: five batches of ten."""
ACTIVITY_TIMES = [*range(-5, 20), *(place * 5 * MINUTE_MS for place in range(4, 10)), 200 * MINUTE_MS]
"""Some before the first play, none in the fourth batch, one far behind the last play."""
LAST_MS = START_MS + ACTIVITY_TIMES[-1]


@dataclass
class Sent:
    """What one message holds."""

    partition: int
    headers: dict[str, int]
    rows: list[dict[str, Any]]


@dataclass
class Setting:
    """A world, a broker with empty topics, and a look into them."""

    world: World
    kafka: KafkaConnection

    def replay(self, faults: Faults | None = None, batches: int | None = None, pace: Pace | None = None) -> Outcome:
        open_maker = with_faults(faults or Faults())
        return replay.replay(self.world, self.kafka, pace or Pace(speed=0), open_maker, batches=batches)

    def messages(self, topic: str) -> list[Sent]:
        """Read a topic's messages in the order of their numbers."""
        places = [TopicPartition(topic, p) for p in range(contract.TOPICS[topic].partitions)]
        found = []
        with KafkaConsumer(**self.kafka.python(), auto_offset_reset="earliest") as consumer:
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            while any(consumer.position(place) < ends[place] for place in places):
                for place, records in consumer.poll(500).items():
                    for record in records:
                        headers = {key: int(value) for key, value in record.headers}
                        found.append(Sent(place.partition, headers, json.loads(record.value)))
        return sorted(found, key=lambda sent: sent.headers["message"])

    def rows(self, topic: str) -> list[dict[str, Any]]:
        return [row for sent in self.messages(topic) if not sent.headers["heartbeat"] for row in sent.rows]

    def ids(self, topic: str) -> list[str]:
        return [row[ID_FIELD[topic]] for row in self.rows(topic)]


@pytest.fixture
def setting(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 10)
    world = write_raw(tmp_path / "data" / "w", at(*PLAY_TIMES), at(*ACTIVITY_TIMES))
    empty_topics(broker.kafka)
    return Setting(world, broker.kafka)


PLAY_IDS = [f"p{place}" for place in range(len(PLAY_TIMES))]
ACTIVITY_IDS = [f"a{place}" for place in range(len(ACTIVITY_TIMES))]


def test_sent_is_what_was_generated_in_order_and_nothing_else(setting: Setting) -> None:
    outcome = setting.replay()
    assert setting.ids(PLAYS) == PLAY_IDS
    assert setting.ids(ACTIVITY) == ACTIVITY_IDS
    assert outcome.rows == {PLAYS: len(PLAY_IDS), ACTIVITY: len(ACTIVITY_IDS)}
    assert read_state(setting.world.unit.ledger).rows_acknowledged == outcome.rows


def test_messages_go_round_the_partitions_with_headers_that_are_true(setting: Setting) -> None:
    setting.replay()
    for topic in (PLAYS, ACTIVITY):
        messages = setting.messages(topic)
        for number, sent in enumerate(messages):
            assert sent.headers["message"] == number
            assert sent.partition == number % contract.TOPICS[topic].partitions
            assert sent.headers["rows"] == len(sent.rows)
            assert {row["ts"] for row in sent.rows} == {sent.rows[0]["ts"]}
            assert check_rows(topic, sent.rows, np.full(len(sent.rows), sent.headers["clock_ms"]))[0].all()
    plays, activity = setting.messages(PLAYS), setting.messages(ACTIVITY)
    clocks = [sent.headers["clock_ms"] for sent in plays]
    assert clocks[:4] == [START_MS + PLAY_TIMES[place] for place in (9, 19, 29, 39)]
    assert clocks[4:] == [LAST_MS, LAST_MS + FLUSH_MS]
    assert [sent.headers["batch"] for sent in activity] == list(range(6))


def test_a_topic_with_nothing_in_a_batch_has_a_heartbeat_and_both_end_with_a_flush(setting: Setting) -> None:
    setting.replay()
    beats = {
        topic: [(s.headers["batch"], s.rows) for s in setting.messages(topic) if s.headers["heartbeat"]]
        for topic in (PLAYS, ACTIVITY)
    }
    assert [batch for batch, _ in beats[PLAYS]] == [5]
    assert [batch for batch, _ in beats[ACTIVITY]] == [3, 5]
    for rows in (rows for listed in beats.values() for _, rows in listed):
        assert [row["user_id"] for row in rows] == [HEARTBEAT_USER]
    for listed in beats.values():
        assert parse_time(listed[-1][1][0]["event_time"]) == LAST_MS + 31 * MINUTE_MS + 1000
    ids = [row[ID_FIELD[ACTIVITY]] for _, rows in beats[ACTIVITY] for row in rows]
    assert len(set(ids)) == len(ids)


def test_a_replay_of_some_batches_flushes_and_the_next_goes_on_days_later(setting: Setting) -> None:
    setting.replay(batches=2)
    flushed_ms = START_MS + PLAY_TIMES[19] + FLUSH_MS
    setting.replay()
    assert setting.ids(PLAYS) == PLAY_IDS
    assert setting.ids(ACTIVITY) == ACTIVITY_IDS
    times = [parse_time(row["event_time"]) or 0 for row in setting.rows(PLAYS)]
    moved = [ms - START_MS - own for ms, own in zip(times, PLAY_TIMES, strict=True)]
    assert set(moved[:20]) == {0}
    assert len(set(moved[20:])) == 1
    assert moved[20] > 0
    assert moved[20] % DAY_MS == 0
    assert times[20] > flushed_ms


def test_a_second_replay_sends_all_again_later_and_under_new_ids(setting: Setting) -> None:
    setting.replay()
    setting.replay()
    for topic, own in ((PLAYS, PLAY_IDS), (ACTIVITY, ACTIVITY_IDS)):
        assert setting.ids(topic) == own + [f"{each}~2" for each in own]
        times = [parse_time(row["event_time"]) or 0 for row in setting.rows(topic)]
        assert min(times[len(own) :]) > LAST_MS + FLUSH_MS
        assert {ms % DAY_MS for ms in times[: len(own)]} == {ms % DAY_MS for ms in times[len(own) :]}


def test_late_rows_come_once_with_a_later_batch_or_the_flush(setting: Setting) -> None:
    setting.replay(Faults(late_share=0.3, late_by_minutes=25, seed=1))
    assert Counter(setting.ids(PLAYS)) == Counter(PLAY_IDS)
    assert Counter(setting.ids(ACTIVITY)) == Counter(ACTIVITY_IDS)
    behind = [
        sent.headers["clock_ms"] - (parse_time(row["event_time"]) or 0)
        for sent in setting.messages(PLAYS)
        if not sent.headers["heartbeat"]
        for row in sent.rows
    ]
    assert sum(ms >= 25 * MINUTE_MS for ms in behind) >= 5


def test_a_batch_sent_twice_has_every_row_twice(setting: Setting) -> None:
    outcome = setting.replay(Faults(duplicate_share=1))
    assert Counter(setting.ids(PLAYS)) == Counter(PLAY_IDS * 2)
    assert outcome.rows == {PLAYS: 2 * len(PLAY_IDS), ACTIVITY: 2 * len(ACTIVITY_IDS)}


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
        assert consumer.poll(60_000), "the first batch"
    process.send_signal(signal.SIGTERM)
    said, complained = process.communicate(timeout=60)
    assert (process.returncode, complained) == (0, "")
    assert "every one acknowledged" in said
    assert said.endswith("to go on:  playproof replay --world w\n")
