"""Faults are the same for the same seed and batch, and each is caught by the rule that it breaks."""

import json

import numpy as np
import pytest

from contracts.events import ACTIVITY, PLAYS
from ops.reconcile.row_rules import check_rows
from producer.errors import ReplayError
from producer.kafka.encode import join_rows, render_rows
from producer.kafka.messages import heartbeat, pack
from producer.replay.batches import RowBatch, Rows
from producer.replay.faults.disturbance import BAD_ROWS, disturb_messages, disturb_rows
from producer.replay.faults.settings import Faults
from tests.producer.raw_world import START_MS, raw_table

COUNT = 400
TIMES = START_MS + np.arange(COUNT) * 1000


def batch(number: int = 0) -> RowBatch:
    rows = {
        topic: Rows(render_rows(topic, raw_table(topic, [{"event_ms": int(ms)} for ms in TIMES])), TIMES, 1000)
        for topic in (PLAYS, ACTIVITY)
    }
    return RowBatch(number, rows, int(TIMES[-1]))


def test_the_same_seed_and_batch_give_the_same_faults_and_another_batch_gives_others() -> None:
    faults = Faults(late_share=0.1, corrupt_share=0.1, seed=3)
    assert disturb_rows(batch(4), faults) == disturb_rows(batch(4), faults)
    assert disturb_rows(batch(4), faults) != disturb_rows(batch(5), faults)


def test_a_late_row_leaves_its_batch_and_is_due_so_many_minutes_after_it_happened() -> None:
    texts, late, bad = disturb_rows(batch(), Faults(late_share=0.1, late_by_minutes=10))
    assert bad == []
    assert late
    assert sum(map(len, texts.values())) + len(late) == 2 * COUNT
    for row in late:
        assert row.due_ms == TIMES[row.row - 1000] + 600_000
        assert row.text not in texts[row.topic]
        assert not row.is_due(row.due_ms - 1, is_flush=False)
        assert row.is_due(row.due_ms, is_flush=False)
        assert row.is_due(row.due_ms - 1, is_flush=True)


def test_a_bad_row_is_rejected_and_its_neighbours_are_not() -> None:
    texts, late, bad = disturb_rows(batch(), Faults(corrupt_share=0.2))
    assert late == []
    assert {row.kind for row in bad} >= {*BAD_ROWS[PLAYS], *BAD_ROWS[ACTIVITY]}
    for topic in (PLAYS, ACTIVITY):
        rows = json.loads(join_rows(texts[topic], 7))
        is_good, _ = check_rows(topic, rows, np.full(len(rows), TIMES[-1]))
        rejected = {*np.flatnonzero(~is_good).tolist()}
        assert rejected == {row.row - 1000 for row in bad if row.topic == topic}


def test_torn_messages_are_no_json_and_heartbeats_stay_whole() -> None:
    messages = [*pack(PLAYS, batch().rows[PLAYS].texts, 0, START_MS, 7), heartbeat(ACTIVITY, 0, START_MS, 7)]
    sent, torn = disturb_messages(messages, 0, Faults(corrupt_share=1))
    positions = {message.message for message in torn}
    assert positions
    for i, message in enumerate(sent):
        if i in positions:
            with pytest.raises(json.JSONDecodeError):
                json.loads(message.value)
        else:
            assert message == messages[i]
    assert 2 not in positions


def test_a_batch_that_is_sent_twice_is_sent_whole_twice() -> None:
    messages = pack(PLAYS, batch().rows[PLAYS].texts, 0, START_MS, 7)
    assert disturb_messages(messages, 0, Faults(duplicate_share=1)) == (messages + messages, [])


def test_a_heartbeat_keeps_the_rules() -> None:
    for topic in (PLAYS, ACTIVITY):
        (row,) = json.loads(heartbeat(topic, 3, START_MS, 7).value)
        assert check_rows(topic, [row], np.array([START_MS]))[0].all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"late_share": -0.1}, "--late-share is -0.1: expected a share from 0 to 1"),
        ({"corrupt_share": 1.5}, "--corrupt-share is 1.5: expected a share from 0 to 1"),
        ({"late_share": 0.6, "corrupt_share": 0.6}, "together are over 1"),
        ({"late_share": 0.1, "late_by_minutes": 1.0}, "--late-by is 1.0 min: expected over 1"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ReplayError, match=message):
        Faults(**settings)  # type: ignore[arg-type]
