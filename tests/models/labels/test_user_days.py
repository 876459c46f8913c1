"""Labels of user-days: by paid-for streams of the listener's own day."""

from datetime import date
from typing import Any

import pandas as pd

from contracts.labels import PAID_STREAMS_OF_A_DAY
from models.labels.user_days import day_labels_of
from runtime.local_time import find_zone

TOKYO = pd.Series({"a": "Asia/Tokyo", "b": None})
"""Nine hours ahead of UTC, all year."""


def bought(
    n: int, at: str, user: str = "a", family: str = "farm", listen_ms: int = 30_000, is_paid: bool = True
) -> list[dict[str, Any]]:
    row = {"user_id": user, "event_time": pd.Timestamp(at, tz="UTC"), "listen_ms": listen_ms, "family": family}
    return [row | {"campaign_id": "c-" + family, "is_paid": is_paid}] * n


def days(*keys: tuple[str, date]) -> pd.DataFrame:
    return pd.DataFrame(keys, columns=["user_id", "local_date"])


def labels(table: pd.DataFrame, *rows: list[dict[str, object]]) -> pd.DataFrame:
    return day_labels_of(table, [pd.DataFrame(block) for block in rows], TOKYO)


def test_a_day_is_positive_from_ten_paid_streams_and_mixed_below() -> None:
    table = days(("a", date(2026, 3, 1)), ("a", date(2026, 3, 2)), ("a", date(2026, 3, 3)))
    found = labels(
        table, bought(PAID_STREAMS_OF_A_DAY, "2026-03-01 01:00"), bought(PAID_STREAMS_OF_A_DAY - 1, "2026-03-02 01:00")
    )
    assert found["label"].fillna(-1).tolist() == [1, -1, 0]
    assert found["family"].tolist() == ["farm", "farm", "honest"]
    assert found["campaign_id"].tolist() == ["c-farm", "c-farm", None]


def test_plays_under_30_s_and_plays_nobody_paid_for_do_not_make_a_day_positive() -> None:
    rows = bought(20, "2026-03-01 01:00", listen_ms=29_999), bought(20, "2026-03-01 02:00", is_paid=False)
    found = labels(days(("a", date(2026, 3, 1))), *rows).iloc[0]
    assert (found["label"], found["true_plays"], found["true_streams"], found["paid_streams"]) == (0, 40, 20, 0)


def test_the_day_is_the_listener_s_own() -> None:
    table = days(("a", date(2026, 3, 1)), ("a", date(2026, 3, 2)), ("b", date(2026, 3, 1)))
    found = labels(table, bought(10, "2026-03-01 15:00"), bought(10, "2026-03-01 15:00", user="b"))
    assert found["label"].tolist() == [0, 1, 1]


def test_the_campaign_of_most_paid_streams_names_the_day() -> None:
    found = labels(
        days(("a", date(2026, 3, 1))),
        bought(6, "2026-03-01 01:00", family="loop30"),
        bought(7, "2026-03-01 02:00", family="marathon"),
    )
    assert found["family"].tolist() == ["marathon"]


def test_plays_of_no_day_in_the_table_are_counted() -> None:
    found = labels(days(("a", date(2026, 3, 1))), bought(3, "2026-04-01 01:00"), bought(2, "2026-03-01", user="z"))
    assert found.attrs["rows_outside"] == 5
    assert found["label"].tolist() == [0]


def test_a_zone_that_does_not_exist_is_none() -> None:
    assert find_zone("../etc/passwd") is None
    assert find_zone(None) is None
