"""Labels of user-days from truth: by the paid-for streams of the listener's local day."""

from datetime import date
from typing import Any

import pandas as pd

from contracts.labels import PAID_STREAMS_OF_A_DAY
from models.labels.user_days import user_day_labels
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


def label(table: pd.DataFrame, *files: list[dict[str, object]]) -> pd.DataFrame:
    return user_day_labels(table, [pd.DataFrame(rows) for rows in files], TOKYO)


def test_a_day_is_positive_from_ten_paid_streams_and_mixed_below() -> None:
    table = days(("a", date(2026, 3, 1)), ("a", date(2026, 3, 2)), ("a", date(2026, 3, 3)))
    labels = label(
        table, bought(PAID_STREAMS_OF_A_DAY, "2026-03-01 01:00"), bought(PAID_STREAMS_OF_A_DAY - 1, "2026-03-02 01:00")
    )
    assert labels["label"].fillna(-1).tolist() == [1, -1, 0]
    assert labels["family"].tolist() == ["farm", "farm", "honest"]
    assert labels["campaign_id"].tolist() == ["c-farm", "c-farm", None]


def test_plays_under_30_s_and_unpaid_plays_do_not_make_a_day_positive() -> None:
    rows = bought(20, "2026-03-01 01:00", listen_ms=29_999), bought(20, "2026-03-01 02:00", is_paid=False)
    labels = label(days(("a", date(2026, 3, 1))), *rows).iloc[0]
    assert (labels["label"], labels["true_plays"], labels["true_streams"], labels["paid_streams"]) == (0, 40, 20, 0)


def test_the_day_is_that_of_the_listeners_time_zone() -> None:
    table = days(("a", date(2026, 3, 1)), ("a", date(2026, 3, 2)), ("b", date(2026, 3, 1)))
    labels = label(table, bought(10, "2026-03-01 15:00"), bought(10, "2026-03-01 15:00", user="b"))
    assert labels["label"].tolist() == [0, 1, 1]


def test_the_campaign_of_most_paid_streams_names_the_day() -> None:
    labels = label(
        days(("a", date(2026, 3, 1))),
        bought(6, "2026-03-01 01:00", family="loop30"),
        bought(7, "2026-03-01 02:00", family="marathon"),
    )
    assert labels["family"].tolist() == ["marathon"]


def test_plays_of_a_day_that_the_table_lacks_are_counted() -> None:
    labels = label(days(("a", date(2026, 3, 1))), bought(3, "2026-04-01 01:00"), bought(2, "2026-03-01", user="z"))
    assert labels.attrs["rows_outside"] == 5
    assert labels["label"].tolist() == [0]


def test_a_zone_that_does_not_exist_is_not_found() -> None:
    assert find_zone("../etc/passwd") is None
    assert find_zone(None) is None
