"""Faults made on purpose: known to the ledger, the same for the same seed, each caught by the rule it breaks."""

import json

import numpy as np
import pytest

from contracts.events import ACTIVITY, PLAYS, check_row
from producer.errors import ReplayError
from producer.kafka.encode import join_rows, render_rows
from producer.kafka.messages import heartbeat, pack
from producer.replay.batches import Batch, Rows
from producer.replay.faults import BAD_ROWS, TORN, Faults, disturb_messages, disturb_rows, is_due, late_rows
from tests.producer.raw_world import START_MS, raw_table

COUNT = 400
TIMES = START_MS + np.arange(COUNT) * 1000


def batch(number: int = 0) -> Batch:
    rows = {
        topic: Rows(render_rows(topic, raw_table(topic, [{"event_ms": int(ms)} for ms in TIMES])), TIMES, 1000)
        for topic in (PLAYS, ACTIVITY)
    }
    return Batch(number, rows, int(TIMES[-1]))


def test_without_faults_a_batch_stays_as_it_is() -> None:
    whole = batch()
    texts, fates = disturb_rows(whole, Faults())
    assert texts == {topic: rows.texts for topic, rows in whole.rows.items()}
    assert fates == []


def test_the_same_seed_and_batch_give_the_same_faults_and_another_batch_gives_others() -> None:
    faults = Faults(late_share=0.1, corrupt_share=0.1, seed=3)
    assert disturb_rows(batch(4), faults) == disturb_rows(batch(4), faults)
    assert disturb_rows(batch(4), faults) != disturb_rows(batch(5), faults)


def test_a_late_row_leaves_its_batch_and_is_due_so_many_minutes_after_it_happened() -> None:
    texts, fates = disturb_rows(batch(), Faults(late_share=0.1, late_by_minutes=10))
    assert sum(map(len, texts.values())) + len(fates) == 2 * COUNT
    for fate, row in zip(fates, late_rows(fates), strict=True):
        assert row.due_ms == TIMES[fate["row"] - 1000] + 600_000
        assert row.text not in texts[row.topic]
        assert not is_due(row, row.due_ms - 1, is_flush=False)
        assert is_due(row, row.due_ms, is_flush=False)
        assert is_due(row, row.due_ms - 1, is_flush=True)


def test_a_bad_row_is_rejected_and_its_neighbours_are_not() -> None:
    texts, fates = disturb_rows(batch(), Faults(corrupt_share=0.2))
    bad = {(fate["topic"], fate["row"] - 1000) for fate in fates}
    assert {fate["fate"] for fate in fates} >= {*BAD_ROWS[PLAYS], *BAD_ROWS[ACTIVITY]}
    for topic in (PLAYS, ACTIVITY):
        rows = json.loads(join_rows(texts[topic], 7))
        rejected = {place for place, row in enumerate(rows) if check_row(topic, row, int(TIMES[-1])) is not None}
        assert {(topic, place) for place in rejected} == {each for each in bad if each[0] == topic}


def test_torn_messages_are_no_json_and_heartbeats_stay_whole() -> None:
    messages = [*pack(PLAYS, batch().rows[PLAYS].texts, 0, START_MS, 7), heartbeat(ACTIVITY, 0, START_MS, 7)]
    sent, fates = disturb_messages(messages, 0, Faults(corrupt_share=1))
    torn = {fate["message"] for fate in fates if fate["fate"] == TORN}
    assert torn
    for place, message in enumerate(sent):
        if place in torn:
            with pytest.raises(json.JSONDecodeError):
                json.loads(message.value)
        else:
            assert message == messages[place]
    assert 2 not in torn


def test_a_batch_that_is_sent_twice_is_sent_whole_twice() -> None:
    messages = pack(PLAYS, batch().rows[PLAYS].texts, 0, START_MS, 7)
    sent, fates = disturb_messages(messages, 0, Faults(duplicate_share=1))
    assert sent == messages + messages
    assert fates == [{"fate": "sent twice", "messages": 2}]


def test_a_heartbeat_keeps_the_rules() -> None:
    for topic in (PLAYS, ACTIVITY):
        (row,) = json.loads(heartbeat(topic, 3, START_MS, 7).value)
        assert check_row(topic, row, START_MS) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"late_share": -0.1}, "--late-share is -0.1: expected a share from 0 to 1"),
        ({"corrupt_share": 1.5}, "--corrupt-share is 1.5: expected a share from 0 to 1"),
        ({"late_share": 0.6, "corrupt_share": 0.6}, "together are over 1"),
        ({"late_share": 0.1, "late_by_minutes": 1.0}, "--late-by is 1.0 min: expected over 1"),
    ],
)
def test_half_said_settings_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ReplayError, match=said):
        Faults(**settings)  # type: ignore[arg-type]
