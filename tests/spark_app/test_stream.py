"""The live stages as a stream, rows arriving in files: the same sessions as in batch, and what ends on the way."""

import random
from pathlib import Path
from typing import Any

from pyspark.sql import Row, SparkSession

from runtime.monitoring import progress
from tests.spark_app.arrivals import read_batch, stream
from tests.spark_app.typed import (
    TypedRow,
    account_baselines,
    event,
    heartbeats,
    play,
    sessions_with_features,
    tracks,
    users,
)

HOUR = 3600.0
FLUSH = 3 * 86_400.0
"""Seconds at which a heartbeat closes every session."""


def accounts(sessions: list[Row]) -> list[str]:
    return sorted(row["user_id"] for row in sessions)


def by_key(sessions: list[Row]) -> dict[str, dict[str, Any]]:
    """Every column by session_key; the order of track_counts means nothing."""
    rows = [row.asDict(recursive=True) for row in sessions]
    assert len({row["session_key"] for row in rows}) == len(rows)
    return {row["session_key"]: {**row, "track_counts": sorted(map(str, row["track_counts"]))} for row in rows}


def listening(rng: random.Random, n_accounts: int, hours: float) -> list[TypedRow]:
    """Random plays and activity of a few accounts."""
    rows: list[TypedRow] = []
    for number in range(n_accounts):
        user, second = f"u{number}", rng.uniform(0, HOUR)
        while second < hours * HOUR:
            second = round(second + rng.choice([1, 20, 40, 200, 200, 1800, 2500]) + rng.random(), 3)
            device = {"device_id": rng.choice(["d1", "d2", None]), "network": rng.choice(["vpn", "mobile", None])}
            device |= {"device_type": rng.choice(["tv", "car", None]), "country": rng.choice(["AU", "JP", None])}
            if rng.random() < 0.6:
                heard = {"track_id": rng.choice(["t1", "t2", "t3", "t4"]), "session_id": rng.choice(["c", "b", None])}
                heard |= {"context_id": rng.choice(["x", "y", None])}
                rows.append(play(second, rng.choice([3, 31, 100]), user=user, reason_end="fwdbtn", **heard, **device))
            else:
                action = rng.choice(["search", "failed_start", "licence_request"])
                client = {"drm": rng.choice(["none", "fairplay"]), "codec": "ogg", "cdm_version": rng.choice("12")}
                rows.append(event(second, action, user=user, item_id=rng.choice(["t1", "s"]), **client, **device))
    return rows


def test_stream_and_batch_describe_the_same_sessions_with_the_same_features(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Rows out of order within the lateness, in any order within a micro-batch, some twice, and some too late."""
    rng = random.Random(7)
    rows = listening(rng, n_accounts=12, hours=5)
    batches: list[list[TypedRow]] = [[] for _ in range(4)]
    for row in rows:
        # a row arrives up to 59 s after its time; the watermark is a minute behind
        second = (row["event_time"] - play(0)["event_time"]).total_seconds() + rng.uniform(0, 59)
        batches[min(int(second // (2 * HOUR)), 2)].append(row)
    for batch in batches:
        batch.extend(rng.sample(batch, len(batch) // 20))
        rng.shuffle(batch)
    n_twice = sum(map(len, batches)) - len(rows)
    # two hours behind the first batch: too late for the third, though it falls into the midst of sessions
    late = [play(n * 60, user=f"u{n}", play_id=f"late {n}") for n in range(9)]
    batches[2] += late
    batches[3] += heartbeats(FLUSH)

    found = stream(spark, tmp_path, batches)

    plays, activity = read_batch(spark, tmp_path)
    in_time = plays.where("play_id NOT LIKE 'late%'")
    statics = tracks(spark), users(spark), account_baselines(spark)
    expected = sessions_with_features(in_time, activity, *statics).collect()
    assert found.late_and_duplicate == (len(late), n_twice)
    assert len(expected) > 30
    assert by_key(found.sessions) == by_key(expected)
    compared = {row["user_id"] for row in found.sessions if row["skip_rate_vs_own"] is not None}
    assert compared == {"u1", "u2"}


def test_a_row_beyond_the_watermark_is_counted_as_late_and_opens_no_session(
    spark: SparkSession, tmp_path: Path
) -> None:
    batches = [
        [play(0, user="early"), *heartbeats(HOUR)],
        [
            # the watermark is at 59 minutes: at or before it is late
            play(HOUR - 60, user="at the watermark"),
            event(HOUR - 1860, user="29 minutes before it"),
            play(HOUR - 59.999, user="just in time"),
            *heartbeats(HOUR + 1),
        ],
        heartbeats(FLUSH),
    ]
    found = stream(spark, tmp_path, batches)
    assert accounts(found.sessions) == ["early", "just in time"]
    assert found.late_and_duplicate == (2, 0)
    assert [(batch.late, batch.rows) for batch in map(progress.read_micro_batch, found.progress) if batch.rows] == [
        (0, 1),
        (2, 3),
    ]


def test_a_row_that_comes_again_is_a_duplicate_and_once_the_watermark_has_passed_it_late(
    spark: SparkSession, tmp_path: Path
) -> None:
    one = play(0, user="u1")
    batches = [[one, one, *heartbeats(0)], [one, *heartbeats(HOUR)], [one, *heartbeats(FLUSH)]]
    found = stream(spark, tmp_path, batches)
    assert [(row["user_id"], row["plays_rows"]) for row in found.sessions] == [("u1", 1)]
    assert found.late_and_duplicate == (1, 2)


def test_a_silent_topic_holds_every_session_back(spark: SparkSession, tmp_path: Path) -> None:
    assert stream(spark, tmp_path, [[play(0)], [play(FLUSH, user="u2")], [play(2 * FLUSH)]]).sessions == []


def test_a_silent_topic_with_heartbeats_holds_nothing_back(spark: SparkSession, tmp_path: Path) -> None:
    batches = [[play(0)], [play(FLUSH, user="u2"), *heartbeats(FLUSH)]]
    assert accounts(stream(spark, tmp_path, batches).sessions) == ["u1"]
