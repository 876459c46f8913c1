"""Counting by batch and by window, within bounds."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from consumer_viz.feed.counts import MAX_AHEAD_S, FeedCounts, PlotBatch
from consumer_viz.feed.messages import FraudWindow, MessageCounts
from contracts.events import ACTIVITY, PLAYS
from contracts.topics import ALERTS

NOW = 1_795_000_000


def test_messages_of_one_batch_add_up_whatever_their_order() -> None:
    parts = [
        MessageCounts(ACTIVITY, NOW, 1, 200, 0, 0),
        MessageCounts(PLAYS, NOW, 1, 200, 120, 0),
        MessageCounts(ACTIVITY, NOW, 1, 30, 0, 0),
    ]
    for order in (parts, parts[::-1]):
        counts = FeedCounts()
        for part in order:
            counts.add_rows(part)
        assert counts.snapshot(at=NOW).batches == (PlotBatch(NOW, 1, 200, 120, 230),)


def test_the_newest_version_of_a_window_is_kept_whenever_it_arrives() -> None:
    versions = [FraudWindow(0, 120, 10, flagged, 0, batch_id) for flagged, batch_id in ((1, 1), (5, 3), (2, 2))]
    counts = FeedCounts()
    for version in [*versions, versions[0]]:
        counts.add_window(version)
    assert [w.flagged for w in counts.snapshot(at=NOW).windows] == [5]


def test_an_alert_counts_once_and_stays_withdrawn_however_often_either_arrives() -> None:
    raised = {"session_key": "u1:5", "alerted_at": "2026-11-22T00:00:09Z", "ts": NOW, "withdrawn": False}
    withdrawn = raised | {"alerted_at": "2026-11-22T03:00:00Z", "withdrawn": True}
    of_another = withdrawn | {"session_key": "u2:7"}  # its alert is older than what the feed has read
    counts = FeedCounts()
    for message in (raised, raised, withdrawn, raised, of_another):
        counts.add_message(ALERTS, orjson.dumps(message), [], now=NOW)
    (alert,) = counts.snapshot(at=NOW).alerts
    assert (alert.session_key, alert.ts, alert.is_withdrawn) == ("u1:5", NOW, True)
    assert counts.snapshot(at=NOW, since=alert.at + 1).alerts == ()
    for wrong in ({"ts": "5"}, {"session_key": None}, {"withdrawn": 0}, {"alerted_at": "soon"}):
        counts.add_message(ALERTS, orjson.dumps(raised | wrong), [], now=NOW)
    assert counts.snapshot(at=NOW).bad_messages == 4


def test_a_bad_message_is_counted_with_its_position_and_without_its_content() -> None:
    counts = FeedCounts()
    counts.add_message(PLAYS, b"secret {", [], now=NOW, position="plays[2]@17")
    assert counts.snapshot(at=NOW).bad_messages == 1
    assert counts.last_bad == "plays[2]@17: not JSON"


def test_a_batch_from_the_future_does_not_stretch_the_axis() -> None:
    counts = FeedCounts()
    for ts in (NOW + MAX_AHEAD_S, NOW + MAX_AHEAD_S + 1):
        counts.add_message(ACTIVITY, orjson.dumps([{"user_id": "u", "ts": ts}]), [], now=NOW)
    snapshot = counts.snapshot(at=NOW)
    assert [b.ts for b in snapshot.batches] == [NOW + MAX_AHEAD_S]
    assert snapshot.bad_messages == 1


@given(st.lists(st.integers(0, 50), max_size=200), st.integers(1, 20))
def test_the_newest_batches_are_kept_up_to_the_bound(numbers: list[int], bound: int) -> None:
    counts = FeedCounts(max_batches=bound)
    for number in numbers:
        counts.add_rows(MessageCounts(PLAYS, NOW, number, 200, 100, 0))
    numbers_kept = {b.number for b in counts.snapshot(at=NOW).batches}
    assert len(numbers_kept) == min(bound, len(set(numbers)))
    assert not numbers or numbers[-1] in numbers_kept
    assert counts.master_rows == 200 * len(numbers)


def test_a_snapshot_does_not_change_when_more_arrives() -> None:
    counts = FeedCounts()
    counts.add_rows(MessageCounts(PLAYS, NOW, 1, 200, 120, 0))
    before = counts.snapshot(at=NOW)
    counts.add_rows(MessageCounts(PLAYS, NOW, 2, 200, 120, 0))
    assert len(before.batches) == 1


def test_a_snapshot_since_a_moment_leaves_out_what_was_before() -> None:
    counts = FeedCounts()
    for ts in (NOW - 5, NOW):
        counts.add_rows(MessageCounts(PLAYS, ts, 1, 200, 120, 0))
        counts.add_window(FraudWindow(ts - 120, ts, 1, 0, 0, 0))
    snapshot = counts.snapshot(at=NOW, since=NOW)
    assert ([b.ts for b in snapshot.batches], [w.end for w in snapshot.windows]) == ([NOW], [NOW])
