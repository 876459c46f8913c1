"""User-days of typed rows by Spark: the same however the rows come; their links, and the static tables made of them."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.events import ACTIVITY, PLAYS
from contracts.tables import DEVICE_LINKS, USER_BASELINES, USER_DAYS
from runtime.world import World
from spark_app.batch.baselines import build, read_date
from spark_app.batch.user_days import source_of
from spark_app.errors import JobError
from spark_app.stages.user_days.baselines import device_links, user_baselines
from spark_app.stages.user_days.compute_user_days import compute_user_days, user_days, zones_of
from spark_app.stages.user_days.links import accounts_before
from tests.spark_app.typed import TypedRow, event, of_topic, play, tracks, users

DAY = 86_400.0


def listening() -> list[TypedRow]:
    """Ten days of u1 (ten plays at noon UTC, on d1), three of u2 (one play, also on d1), one of an unknown account."""
    own = {"ip": "ip1", "country": "AU", "network": "residential", "device_type": "mobile", "context_id": "c1"}
    rows = [play(d * DAY + i * 200, 100, device_id="d1", **own) for d in range(10) for i in range(10)]
    rows += [play(d * DAY, 40, user="u2", device_id="d1", ip="ip2", track_id="t3") for d in range(3)]
    rows += [event(d * DAY + 5, "licence_request", item_id="t1", drm="widevine", codec="ogg") for d in range(10)]
    return [*rows, play(0, 40, user="nobody"), event(7, user="nobody")]


def inputs(spark: SparkSession, rows: list[TypedRow]) -> tuple[DataFrame, DataFrame, DataFrame, DataFrame, list[str]]:
    known = users(spark)
    return of_topic(spark, PLAYS, rows), of_topic(spark, ACTIVITY, rows), tracks(spark), known, zones_of(known)


def by_key(table: DataFrame) -> dict[tuple[str, date], dict[str, Any]]:
    return {(row["user_id"], row["local_date"]): row.asDict() for row in table.collect()}


def test_user_days_are_the_same_whatever_the_order_of_rows_and_however_often_they_come(spark: SparkSession) -> None:
    rows = listening()
    again = [*rows, *random.Random(3).sample(rows, 40)]
    random.Random(4).shuffle(again)
    once, twice = (by_key(user_days(*inputs(spark, some))) for some in (rows, again))
    assert once == twice
    assert [len(row) for row in once.values()] == [len(USER_DAYS)] * 14

    # noon of the first of March, UTC, is 23:00 in Melbourne: its day is the first still
    tenth = once["u1", date(2026, 3, 10)]
    assert (tenth["plays"], tenth["license_cnt"], tenth["history_days"]) == (10, 1, 9)
    assert (tenth["plan"], tenth["is_paid_plan"], tenth["account_age_days"]) == ("premium", 1, 68)
    assert tenth["z_own_plays"] == pytest.approx(0)
    assert tenth["night_share"] == 0
    assert [once["u1", date(2026, 3, d)]["accounts_per_device"] for d in (1, 2, 9, 10)] == [1, 2, 2, 2]
    assert tenth["accounts_per_ip"] == 1
    unknown = once["nobody", date(2026, 3, 1)]
    assert [unknown[name] for name in ("plan", "account_age_days", "accounts_per_device", "night_share")] == [None] * 4


def test_static_tables_of_a_date_see_the_28_days_before_it_and_not_the_date(spark: SparkSession) -> None:
    days = compute_user_days(*inputs(spark, listening())).persist()
    by_user = {row["user_id"]: row for row in user_baselines(days, date(2026, 3, 9)).collect()}
    assert list(by_user["u1"].asDict()) == [c.name for c in USER_BASELINES]
    assert (by_user["u1"]["history_days"], by_user["u2"]["history_days"]) == (8, 3)
    usual = by_user["u1"]
    assert (usual["plays_day_mean"], usual["plays_day_sd"], usual["plays_day_mad"]) == (10, 0, 0)
    assert by_user["u2"]["gap_entropy_median"] is None, "one play a day has no gaps"
    assert user_baselines(days, date(2026, 5, 1)).collect() == []

    links = device_links(days, date(2026, 3, 9)).collect()
    assert list(links[0].asDict()) == [c.name for c in DEVICE_LINKS]
    assert [(row["kind"], row["accounts_7d"], row["accounts_28d"]) for row in links] == [("device", 2, 2)]
    assert device_links(days, date(2026, 3, 1)).collect() == []
    days.unpersist()


def test_accounts_on_a_link_are_those_of_the_days_before() -> None:
    rng = np.random.default_rng(5)
    visits = np.unique(rng.integers(0, [4, 6, 50], (120, 3)), axis=0)
    link, user, day = visits[rng.permutation(len(visits))].T
    for days in (7, 28):
        slow = [
            len({u for k, u, d in zip(link, user, day, strict=True) if k == k0 and d0 - days <= d < d0})
            for k0, d0 in zip(link, day, strict=True)
        ]
        assert accounts_before(link, user, day, days).tolist() == slow


def test_another_source_than_lake_or_raw_is_refused() -> None:
    assert source_of("raw") == "raw"
    with pytest.raises(JobError, match="expected lake"):
        source_of("kafka")


def test_a_static_table_of_a_date_is_never_overwritten(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "static" / "device_links" / "as_of=2026-03-09").mkdir(parents=True)
    with pytest.raises(JobError, match="exists and may be in use"):
        build(spark, World(tmp_path), "raw", date(2026, 3, 9))
    with pytest.raises(JobError, match="expected a date"):
        read_date("yesterday")
