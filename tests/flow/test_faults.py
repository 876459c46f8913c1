"""What goes wrong on the way is counted and touches nothing else; a second replay goes on where one ended."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from contracts.events import ACTIVITY, FAR_CLOCK, ID_FIELD, PLAYS, ROWS_PER_BATCH
from contracts.features import FEATURE_NAMES
from contracts.topics import TOPICS
from producer.replay.batches import time_of_row
from producer.replay.ledger import read_state
from runtime.event_text import parse_time
from tests.flow.conftest import TAKEN_BACK, Live
from tests.flow.lake import Row, messages, rows_of
from tests.flow.replays import Replayed, replays_of, rows_held_back
from tests.flow.stage import Stage
from tests.read_topic import read_topic

FATES = ("in_sessions", "late", "duplicate", "rejected", "open", "lost")


@pytest.fixture(scope="module")
def replays(rushed: Stage) -> list[Replayed]:
    """The clean replay, and those with bad rows, late rows and copies."""
    return replays_of(rushed.world.unit)


@pytest.fixture(scope="module")
def audit(rushed: Stage) -> dict[str, Any]:
    return rushed.audit()


@pytest.fixture(scope="module")
def sessions(rushed: Stage) -> list[Row]:
    return rows_of(rushed.world.unit, "sessions")


def epoch_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@pytest.mark.parametrize("topic", [PLAYS, ACTIVITY])
def test_every_row_has_one_fate(audit: dict[str, Any], topic: str) -> None:
    account = audit["topics"][topic]
    assert audit["faults"] == []
    assert sum(account[fate] for fate in FATES) == account["sent"]
    assert account["open"] == account["lost"] == 0
    assert min(account[fate] for fate in ("late", "duplicate", "rejected")) > 0, "the faults did happen"


@pytest.mark.parametrize("topic", [PLAYS, ACTIVITY])
def test_only_rows_that_were_held_back_are_late_and_only_copies_are_duplicates(
    rushed: Stage, audit: dict[str, Any], topic: str
) -> None:
    held_back = sum(row.topic == topic for row in rows_held_back(rushed.world.unit))
    times_sent = Counter(row[ID_FIELD[topic]] for row in rows_of(rushed.world.unit, topic))
    copies = times_sent.total() - len(times_sent)
    account = audit["topics"][topic]
    assert account["late"] <= held_back
    assert account["duplicate"] == copies
    assert account["in_sessions"] == len(times_sent) - account["late"]


def test_a_second_replay_goes_on_after_the_last_session_closed(rushed: Stage, replays: list[Replayed]) -> None:
    files = {topic: rushed.world.raw_files(topic) for topic in (PLAYS, ACTIVITY)}
    assert len(replays) == 4
    for before, after in pairwise(replays):
        begins_ms = min(time_of_row(files[topic], after.first[topic]) for topic in files) + after.shift_ms
        assert begins_ms > before.clocks_ms[-1]


def test_one_bad_row_among_two_hundred_is_rejected_alone_and_its_neighbours_are_scored(
    rushed: Stage, sessions: list[Row]
) -> None:
    archived = {row["play_id"] for row in rows_of(rushed.world.unit, PLAYS)}
    rejected = [row for row in rows_of(rushed.world.unit, "rejected") if row["topic"] == PLAYS]
    in_message = Counter((row["partition"], row["offset"]) for row in rejected)
    sent = {(partition, offset): rows for partition, offset, rows in messages(rushed.address, PLAYS)}
    spans: dict[str, list[tuple[int, int]]] = {}
    for session in sessions:
        spans.setdefault(session["user_id"], []).append(
            (epoch_ms(session["started_at"]), epoch_ms(session["ended_at"]))
        )

    alone = []
    for row in rejected:
        place = row["partition"], row["offset"]
        if in_message[place] == 1 and row["position"] is not None and len(sent[place]) == ROWS_PER_BATCH:
            alone.append(row)
    assert alone
    for bad in alone:
        rows = sent[bad["partition"], bad["offset"]]
        assert bad["rows"] == 1
        assert bad["reason"]
        neighbours = [row for position, row in enumerate(rows) if position != bad["position"]]
        assert len(neighbours) == ROWS_PER_BATCH - 1
        assert {row["play_id"] for row in neighbours} <= archived
        for row in neighbours:
            ended_ms = parse_time(row["event_time"]) or 0
            assert any(first <= ended_ms <= last for first, last in spans[row["user_id"]]), row["play_id"]


def test_a_producer_whose_clock_is_far_ahead_is_rejected_by_name_and_makes_nobody_late(rushed: Stage) -> None:
    """Its rows come first: the other tests find no row of the later replays late that was not held back."""
    rejected = Counter(row["topic"] for row in rows_of(rushed.world.unit, "rejected") if row["reason"] == FAR_CLOCK)
    assert rejected == {topic: TOPICS[topic].partitions for topic in (PLAYS, ACTIVITY)}


def test_what_a_producer_took_back_is_read_by_nobody(rushed: Stage, audit: dict[str, Any]) -> None:
    """It was a good row of each topic, and on time."""
    unit = rushed.world.unit
    acknowledged = read_state(unit.ledger).rows_acknowledged
    for topic in (PLAYS, ACTIVITY):
        assert any(TAKEN_BACK.encode() in record.value for record in read_topic(rushed.address, topic)), "it was sent"
        ahead = TOPICS[topic].partitions
        assert audit["topics"][topic]["sent"] == acknowledged[topic] + ahead
    assert audit["faults"] == []
    for table in ("sessions", PLAYS, ACTIVITY, "rejected", "alerts"):
        assert not any(TAKEN_BACK in str(row) for row in rows_of(unit, table)), table


def test_rows_sent_twice_change_no_session(live: Live, sessions: list[Row], replays: list[Replayed]) -> None:
    """The last part of the second pass had copies only: its sessions are those of the live run, some days later."""
    copied = replays[-1]
    files = {topic: live.stage.world.raw_files(topic) for topic in (PLAYS, ACTIVITY)}
    # a session that began before this part lacks the rows that an earlier part had
    begins_ms = max(time_of_row(files[topic], copied.first[topic]) for topic in files) + 30 * 60_000
    shift = timedelta(milliseconds=copied.shift_ms)
    found = {(row["user_id"], row["started_at"] - shift): row for row in sessions}
    undisturbed = [row for row in rows_of(live.stage.world.unit, "sessions") if epoch_ms(row["started_at"]) > begins_ms]
    # the account is older by then
    same = ["plays_rows", "activity_rows", *(name for name in FEATURE_NAMES if name != "account_age_days")]
    assert len(undisturbed) > 20
    for row in undisturbed:
        twin = found[row["user_id"], row["started_at"]]
        assert {name: twin[name] for name in same} == {name: row[name] for name in same}
        assert twin["ended_at"] - shift == row["ended_at"]
