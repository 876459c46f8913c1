"""Every row of the source is sent exactly once, in order; a second replay sends all again, later."""

from collections import Counter

import numpy as np
import pytest

from contracts import topics as contract
from contracts.events import ACTIVITY, HEARTBEAT_USER, ID_FIELD, PLAYS
from ops.reconcile.row_rules import check_rows
from producer.errors import ReplayError
from producer.replay.attempt import FLUSH_MS
from producer.replay.faults.settings import Faults
from producer.replay.ledger import read_state
from runtime.event_text import parse_time
from runtime.units import DAY_MS, MINUTE_MS
from tests.producer.raw_world import START_MS
from tests.producer.replay.replayed import ACTIVITY_IDS, LAST_MS, PLAY_IDS, PLAY_TIMES, Setting


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


def test_a_world_of_the_future_is_refused_before_anything_is_sent(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the clock of this machine is at the first play: the last one is minutes ahead
    monkeypatch.setattr("producer.replay.attempt.time.time", lambda: START_MS / 1000)
    with pytest.raises(ReplayError, match=r"is ahead of the clock of this machine.*PLAYPROOF_CLOCK_AHEAD="):
        setting.replay()
    assert setting.messages(PLAYS) == []
