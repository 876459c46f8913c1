"""Rows to sessions in batch: the gap, the cut, duplicates, heartbeats; and a reference in plain Python."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import count, pairwise

import numpy as np
import pytest
from pyspark.sql import SparkSession

from contracts.events import ACTIVITY, HEARTBEAT_USER, ID_FIELD, PLAYS
from spark_app.pipeline import build_sessions
from spark_app.stages.sessions.session_records import RECORD
from spark_app.stages.sessions.session_rows import CUT_MS
from tests.spark_app.typed import (
    NOON_MS,
    TypedRow,
    event,
    hash_of,
    heartbeats,
    of_topic,
    pack,
    play,
    sessions_with_features,
    topic_of,
    tracks,
    users,
)

GAP_S = 1800
Found = tuple[str, tuple[tuple[int, int], ...]]
"""A session: account, and its rows' (event_ms, hash of the id) sorted."""


def sessions_of(spark: SparkSession, rows: Sequence[TypedRow]) -> Counter[Found]:
    """Run the stages up to the sessions, as a multiset."""
    plays, activity = of_topic(spark, PLAYS, rows), of_topic(spark, ACTIVITY, rows)
    sessions = build_sessions(*pack(plays, activity, tracks(spark)), users(spark))
    collected = sessions.select("user_id", "records").collect()
    pairs = [(user, np.frombuffer(records, RECORD)[["event_ms", "id_hash"]].tolist()) for user, records in collected]
    return Counter((user, tuple(sorted(of_session))) for user, of_session in pairs)


def millis(row: TypedRow) -> int:
    return round(row["event_time"].timestamp() * 1000)


def cut_of(user: str, event_ms: int) -> int:
    """Number the 3-h stretch of an account that a moment lies in."""
    return (event_ms + hash_of(user) % CUT_MS) // CUT_MS


def reference(rows: Iterable[TypedRow]) -> Counter[Found]:
    """Sessionize in plain Python: sort, and break at a cut or a gap."""
    unique = {(topic_of(row), row[ID_FIELD[topic_of(row)]]): row for row in rows}
    sessions: list[tuple[str, list[tuple[int, int]]]] = []
    last = ("", 0, 0)
    for (_, row_id), row in sorted(unique.items(), key=lambda pair: (pair[1]["user_id"], millis(pair[1]))):
        user, ms = row["user_id"], millis(row)
        if user == HEARTBEAT_USER:
            continue
        if last[:2] != (user, cut_of(user, ms)) or ms - last[2] > GAP_S * 1000:
            sessions.append((user, []))
        sessions[-1][1].append((ms, hash_of(row_id)))
        last = (user, cut_of(user, ms), ms)
    return Counter((user, tuple(sorted(items))) for user, items in sessions)


def calm(scenario: str) -> str:
    """Name an account that has no cut from 1 h before noon to 1 h after."""
    hour = 3_600_000
    names = (f"{scenario} {i}" for i in count())
    return next(name for name in names if cut_of(name, NOON_MS - hour) == cut_of(name, NOON_MS + hour))


EXACT, OVER, TWICE, ALWAYS_ON, ALSO_ALWAYS_ON = map(calm, ("exact", "over", "twice", "on", "also on"))
SCENARIOS = [
    play(0, user=EXACT),
    play(GAP_S, user=EXACT),
    play(0, user=OVER),
    event(GAP_S + 0.001, user=OVER),
    *[play(0, user=TWICE, play_id="x")] * 2,
    *[event(5, user=TWICE, event_id="x")] * 3,
    *(play(60 * i, user=user) for user in (ALWAYS_ON, ALSO_ALWAYS_ON) for i in range(12 * 60)),
    *heartbeats(0),
    *heartbeats(60),
]
"""An account a scenario, so that one Spark job serves all."""


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str, list[list[int]]]:
    """Each account's sessions in order: the times of their rows in ms."""
    by_account = defaultdict(list)
    for user, items in sessions_of(spark, SCENARIOS):
        by_account[user].append([ms for ms, _ in items])
    return {user: sorted(sessions) for user, sessions in by_account.items()}


def test_a_gap_of_exactly_30_minutes_keeps_one_session(found: dict[str, list[list[int]]]) -> None:
    assert [len(times) for times in found[EXACT]] == [2]


def test_a_gap_of_a_millisecond_more_begins_another(found: dict[str, list[list[int]]]) -> None:
    assert [len(times) for times in found[OVER]] == [1, 1]


def test_an_account_that_never_pauses_is_cut_every_3_hours_at_a_moment_of_its_own(
    found: dict[str, list[list[int]]],
) -> None:
    cuts = {}
    for user in (ALWAYS_ON, ALSO_ALWAYS_ON):
        first, *after_cuts = (times[0] for times in found[user])
        assert first == NOON_MS
        assert {later - earlier for earlier, later in pairwise(after_cuts)} == {CUT_MS}
        assert all((start + hash_of(user) % CUT_MS) % CUT_MS < 60_000 for start in after_cuts)
        cuts[user] = after_cuts
    assert cuts[ALWAYS_ON] != cuts[ALSO_ALWAYS_ON]


def test_a_row_that_came_twice_counts_once_and_topics_have_ids_of_their_own(found: dict[str, list[list[int]]]) -> None:
    assert [len(times) for times in found[TWICE]] == [2]


def test_heartbeats_make_no_session(found: dict[str, list[list[int]]]) -> None:
    assert set(found) == {EXACT, OVER, TWICE, ALWAYS_ON, ALSO_ALWAYS_ON}


def test_sessions_are_those_of_plain_python(spark: SparkSession) -> None:
    """300 accounts with gaps about the 30 minutes and long enough for cuts, rows twice and in any order."""
    rng = random.Random(20260301)
    gaps = (0, 0.001, 1, 600, GAP_S - 0.001, GAP_S, GAP_S + 0.001, 2 * GAP_S)
    rows: list[TypedRow] = []
    for number in range(300):
        second = rng.uniform(0, 86_400).__round__(3)
        for i in range(rng.randint(1, 14)):
            row_id, user = f"{number}/{i}", f"user {number}"
            is_play = rng.choice([True, False])
            rows.append(
                play(second, user=user, play_id=row_id) if is_play else event(second, user=user, event_id=row_id)
            )
            second = round(second + rng.choice(gaps), 3)
    rows += rng.sample(rows, 200) + heartbeats(40_000)
    rng.shuffle(rows)
    expected = reference(rows)
    assert sessions_of(spark, rows) == expected
    assert 500 < sum(expected.values()) < len(rows) / 2


def test_sessions_with_features_keep_unknown_tracks_and_accounts_and_sum_the_hashes(spark: SparkSession) -> None:
    rows = [
        play(40, 40, user="u1", track_id="t1", reason_start="clickrow", reason_end="fwdbtn"),
        play(80, 40, user="u1", track_id="nobody knows it", reason_start="trackdone", reason_end="trackdone"),
        event(90, "search", user="u1", network="vpn", country="AU"),
        play(0, 30, user="stranger", track_id="t3", device_id="d1", ip="192.0.2.1", country="NZ", network="mobile"),
    ]  # fmt: skip
    found = {
        row["user_id"]: row
        for row in sessions_with_features(
            of_topic(spark, PLAYS, rows), of_topic(spark, ACTIVITY, rows), tracks(spark), users(spark)
        ).collect()
    }
    known, stranger = found["u1"], found["stranger"]
    assert (known["plays"], known["streams"], known["hours"]) == (2, 2, 80 / 3600)
    assert (known["completion_mean"], known["popularity_mean"], known["artist_hhi"]) == (0.2, -3, 1)
    assert (known["skip_rate"], known["autoadvance_share"], known["interaction_rate"]) == (0.5, 0.5, 45)
    assert (known["hosting_share"], known["n_countries"], known["n_devices"]) == (1, 1, None)
    assert (known["is_paid_plan"], known["night_share"]) == (1, 0), "noon in London is 23 h in Melbourne"
    assert known["plays_hash"] == (hash_of("u1@40") + hash_of("u1@80") + 2**63) % 2**64 - 2**63
    assert (known["activity_rows"], known["activity_hash"]) == (1, hash_of("u1@90"))
    assert (stranger["plays"], stranger["completion_mean"], stranger["popularity_mean"]) == (1, 1, None)
    assert (stranger["n_devices"], stranger["n_ips"], stranger["hosting_share"]) == (1, 1, 0)
    assert (stranger["is_paid_plan"], stranger["account_age_days"], stranger["night_share"]) == (None, None, None)
