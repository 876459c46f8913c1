"""A session against its account's own history: the numbers, and which daily table a session may see."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.events import ACTIVITY, PLAYS
from contracts.features import OWN_HISTORY_FEATURES
from contracts.tables import USER_BASELINES, ddl
from runtime.world import World
from spark_app.sources import read_baselines
from spark_app.stages.sessions.account_baselines import AccountBaselines, join_account_baselines
from spark_app.stages.sessions.features.own_history import BASELINE_STATISTICS
from spark_app.stages.user_days.baselines import user_baselines, user_baselines_by_date
from spark_app.stages.user_days.compute_user_days import compute_user_days, zones_of
from tests.spark_app.items import heard, session_row
from tests.spark_app.typed import (
    TypedRow,
    frame,
    of_topic,
    play,
    sessions_with_features,
    tracks,
    users,
)

DAY = 86_400.0
USUAL = {"history_days": 10, **{name: 1.0 if name.endswith("_sd") else 0.5 for name in BASELINE_STATISTICS}}
TWELVE = [heard(40 * i, track="ab"[i % 2], artist=1, popularity=1e-3) for i in range(12)]


def test_volume_is_compared_in_standard_deviations_of_own_days() -> None:
    own = {**USUAL, "plays_day_mean": 2.0, "hours_mean": 1.0, "hours_sd": 2.0}
    found = session_row(*TWELVE, baseline=own)
    assert found["plays_vs_own"] == pytest.approx((12 - 2) / 5), "days as good as alike have a spread of 5 plays"
    assert found["hours_vs_own"] == pytest.approx((12 * 40 / 3600 - 1) / 2)
    of_four = session_row(*TWELVE, baseline={**own, "sessions_day_mean": 4.0})
    assert of_four["hours_vs_own"] == pytest.approx((12 * 40 / 3600 - 1 / 4) / (2 / 2)), "a session is a part of a day"


def test_shares_and_levels_are_compared_by_their_difference() -> None:
    own = {**USUAL, "repeat_ratio_mean": 0.25, "popularity_mean_mean": -5.0, "top_artist_share_mean": 0.1}
    found = session_row(*TWELVE, baseline=own)
    assert found["repeat_ratio_vs_own"] == pytest.approx(10 / 12 - 0.25)
    assert found["popularity_mean_vs_own"] == pytest.approx(2)
    assert found["top_artist_share_vs_own"] == pytest.approx(0.9)
    assert found["night_share_vs_own"] is None, "in no known zone there is no night"


@pytest.mark.parametrize("own", [None, {**USUAL, "history_days": 6}])
def test_without_seven_days_of_own_history_nothing_is_compared_and_nothing_is_zero(own: dict[str, float]) -> None:
    found = session_row(*TWELVE, timezone="UTC", baseline=own)
    assert {found[name] for name in OWN_HISTORY_FEATURES} == {None}


def test_drift_is_the_distance_over_all_that_is_known_of_both() -> None:
    only = {
        "history_days": 7,
        "plays_day_mean": 2.0,
        "plays_day_sd": 5.0,
        "hours_mean": 12 * 40 / 3600,
        "hours_sd": 1.0,
    }
    assert session_row(*TWELVE, baseline=only)["self_drift"] is None, "two differences are no drift"
    third = {**only, "repeat_ratio_mean": 10 / 12, "repeat_ratio_sd": 0.0}
    assert session_row(*TWELVE, baseline=third)["self_drift"] == pytest.approx((2**2 / 3) ** 0.5)


def own_of(spark: SparkSession, *rows: TypedRow) -> AccountBaselines:
    """Make tables of own histories, for which a test names only the values that matter."""
    columns = ("as_of", *(c.name for c in USER_BASELINES))
    table = frame(spark, f"as_of date, {ddl(USER_BASELINES)}", columns, rows)
    return AccountBaselines(table, tuple(sorted({row["as_of"] for row in rows})))


def test_a_session_sees_the_newest_table_made_of_days_that_were_over_in_every_zone(spark: SparkSession) -> None:
    moments = {
        "2026-03-09 11:59:59": None,  # in UTC-12 the day before is not over
        "2026-03-09 12:00:00": 9,
        "2026-03-10 11:59:59": 9,
        "2026-03-10 12:00:00": 10,
        "2026-03-17 23:59:59": 10,
        "2026-03-18 12:00:00": None,  # over a week old
    }
    first = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in moments]
    first_ms = [int(at.timestamp() * 1000) for at in first]
    sessions = spark.createDataFrame([("u1", at_ms) for at_ms in first_ms], "user_id string, first_event_ms bigint")
    own = own_of(
        spark,
        {"user_id": "u1", "as_of": date(2026, 3, 9), "history_days": 9},
        {"user_id": "u1", "as_of": date(2026, 3, 10), "history_days": 10},
        {"user_id": "u2", "as_of": date(2026, 3, 9), "history_days": 28},
    )
    found = join_account_baselines(sessions, own).select("first_event_ms", "baseline.history_days").collect()
    assert dict(found) == dict(zip(first_ms, moments.values(), strict=True))


def ten_days(spark: SparkSession) -> tuple[DataFrame, DataFrame]:
    """Ten plays a day of u1 at noon UTC of ten days, and a burst of half an hour on the eleventh."""
    rows: list[TypedRow] = [play(d * DAY + i * 200, 100) for d in range(10) for i in range(10)]
    rows += [play(10 * DAY + i * 30, 31, track_id="t3") for i in range(60)]
    return of_topic(spark, PLAYS, rows), of_topic(spark, ACTIVITY, rows)


def test_tables_of_all_dates_at_once_are_those_of_each_date(spark: SparkSession) -> None:
    known = users(spark)
    days = compute_user_days(*ten_days(spark), tracks(spark), known, zones_of(known)).persist()
    together = {row["as_of"]: row.asDict() for row in user_baselines_by_date(days).collect()}
    assert len(together) == 10, "before the first day there is no history"
    for as_of in (date(2026, 3, 4), date(2026, 3, 11)):
        (alone,) = user_baselines(days, as_of).collect()
        assert together[as_of] == {"as_of": as_of, **alone.asDict()}
    days.unpersist()


def test_the_job_joins_what_a_daily_table_says_once_there_is_one(spark: SparkSession, tmp_path: Path) -> None:
    """Tables are looked for when the job starts: a newer one is joined after the next start."""
    world, statics = World(tmp_path), (tracks(spark), users(spark))
    plays, activity = ten_days(spark)

    def burst() -> dict[str, float]:
        sessions = sessions_with_features(plays, activity, *statics, read_baselines(spark, world))
        return sessions.where("plays = 60").collect()[0].asDict()

    assert read_baselines(spark, world) is None
    before = burst()
    days = compute_user_days(plays, activity, *statics, zones_of(statics[1]))
    table = user_baselines(days, date(2026, 3, 11))
    table.write.parquet(str(tmp_path / "static" / "user_baselines" / "as_of=2026-03-11"))
    assert world.static_dates("user_baselines") == (date(2026, 3, 11),)
    after = burst()
    assert {before[name] for name in OWN_HISTORY_FEATURES} == {None}
    assert after["plays_vs_own"] == pytest.approx((60 - 10) / 5)
    assert after["share_under_35_vs_own"] == 1
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed <= {*OWN_HISTORY_FEATURES}
