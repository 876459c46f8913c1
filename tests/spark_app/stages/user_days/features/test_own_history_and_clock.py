"""Features of a user-day against the days before: own history, the clock, new places. Nothing later enters."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.metrics.robust import median, median_and_mad
from runtime.units import DAY_MS
from spark_app.stages.user_days.history import moments
from tests.spark_app.days import MIDNIGHT_MS, DayRow, day_rows_of, did, heard, last_day


def month(hours: list[float], days: range, **values: Any) -> list[DayRow]:
    """Play a track at the same hours of each day."""
    return [heard(hour, day=day, **values) for day in days for hour in hours]


def usually(n: int, days: range) -> list[DayRow]:
    """Play n tracks a day, one more on odd days."""
    return [heard(8 + i / 8, day=day) for day in days for i in range(n + day % 2)]


def test_history_is_the_28_days_before_and_never_the_day_itself() -> None:
    rows = day_rows_of(*usually(10, range(3)), heard(1, day=30), heard(1, day=60))
    assert [row["history_days"] for row in rows] == [0, 1, 2, 1, 0]


def test_z_compares_plays_with_mean_and_sd_of_own_history() -> None:
    history = usually(10, range(8))  # 10, 11, 10, 11 … : mean 10.5, sd under the least of 5
    burst = [heard(i / 10, day=8) for i in range(60)]
    features = last_day(*history, *burst)
    assert features["z_own_plays"] == pytest.approx((60 - 10.5) / 5)
    assert features["rz_own_plays"] == pytest.approx((60 - 10.5) / 5)


def test_a_wild_history_makes_a_burst_less_unusual() -> None:
    counts = [5, 5, 5, 5, 5, 5, 105]
    history = [heard(i / 8, 20, day=day) for day, n in enumerate(counts) for i in range(n)]
    features = last_day(*history, *(heard(i / 8, 20, day=7) for i in range(60)))
    sd = np.std(counts, ddof=1)
    assert features["z_own_plays"] == pytest.approx((60 - np.mean(counts)) / sd)
    assert features["rz_own_plays"] == pytest.approx((60 - 5) / 5), "one wild day does not move median and MAD"


def test_under_seven_days_there_is_nothing_to_compare_with() -> None:
    features = last_day(*usually(10, range(6)), heard(1, day=6))
    compared = ("z_own_plays", "z_own_hours", "rz_own_plays", "rz_own_hours", "self_drift_hours", "tail_mismatch")
    assert {features[name] for name in compared} == {None}


def test_median_and_mad_leave_out_what_is_not_known() -> None:
    table = np.array([[1, np.nan, 5, 2], [np.nan, np.nan, np.nan, 4], [np.nan] * 4])
    middle, mad = median_and_mad(table)
    assert middle[:2].tolist() == [2, 4]
    assert mad[:2].tolist() == [1, 0]
    assert math.isnan(middle[2])
    assert median(np.array([[4.0, 1.0]])).tolist() == [2.5]
    mean, sd, n = moments(table)
    assert (mean[0], n.tolist()) == (pytest.approx(8 / 3), [3, 1, 0])
    assert sd[0] == pytest.approx(np.std([1, 5, 2], ddof=1))
    assert math.isnan(sd[1])


def test_drift_of_hours_is_0_for_the_same_hours_and_1_bit_for_quite_others() -> None:
    usual = month([8, 9, 20], range(8))
    assert last_day(*usual)["self_drift_hours"] == pytest.approx(0)
    assert last_day(*usual, heard(3, day=8))["self_drift_hours"] == pytest.approx(1)
    assert last_day(*usual, heard(3, day=8), zone=None)["self_drift_hours"] is None


def test_drift_of_artists_compares_artists() -> None:
    usual = month([8, 9], range(8), artist=5)
    assert last_day(*usual, heard(8, day=8, artist=6))["self_drift_artists"] == pytest.approx(1)
    assert last_day(*usual, heard(8, day=8))["self_drift_artists"] is None


def test_tail_mismatch_is_the_change_of_popularity() -> None:
    usual = month([8], range(7), popularity=1e-3)
    assert last_day(*usual, heard(8, day=7, popularity=1e-5))["tail_mismatch"] == pytest.approx(-2)


def test_night_shift_is_the_growth_of_listening_at_night() -> None:
    usual = month([8, 9], range(21))
    assert last_day(*usual)["night_shift"] == 0
    assert last_day(*usual, *month([3, 4], range(21, 28)))["night_shift"] == 1


def test_sessions_begun_by_a_timer_are_periodic() -> None:
    timer = month([1, 7, 13], range(4))
    assert last_day(*timer)["periodicity"] == pytest.approx(1)
    assert last_day(*timer[:7])["periodicity"] is None
    people = [heard(1 + 6 * i + i * i * 0.137, day=day) for day in range(4) for i in range(3)]
    assert last_day(*people)["periodicity"] < 1


def test_clock_entropies_need_80_plays_of_the_week() -> None:
    rows = [heard(hour, day=day) for day in range(5) for hour in range(16)]
    features = last_day(*rows)
    assert features["hour_entropy"] == pytest.approx(4)
    assert features["minute_entropy"] == 0
    assert last_day(*rows[:79])["hour_entropy"] is None


def test_the_quiet_window_may_span_midnight() -> None:
    rows = month([8, 12, 16, 20], range(3))
    assert last_day(*rows)["quiet_window_h"] == 11.5
    assert last_day(*rows[:8])["quiet_window_h"] is None, "two days are no habit"
    all_day = [heard(hour / 2, 1790, day=day) for day in range(3) for hour in range(48)]
    assert last_day(*all_day)["quiet_window_h"] == 0


def test_a_play_over_midnight_takes_both_ends_of_the_clock() -> None:
    rows = [heard(23.75, 3000, day=day) for day in range(3)]
    assert last_day(*rows)["quiet_window_h"] == 22.5


def test_a_device_is_new_if_none_of_the_28_days_before_has_it() -> None:
    home: dict[str, Any] = {"device": 1, "country": "SE", "network": "residential"}
    away: dict[str, Any] = {"device": 2, "country": "SE", "network": "hosting"}
    days = day_rows_of(
        heard(1, **home), heard(2, **home), heard(1, day=1, **home), heard(2, day=1, **away), heard(1, day=29, **home),
        heard(1, day=31, **away),
    )  # fmt: skip
    assert [row["new_device"] for row in days] == [None, 1, 0, 1]
    assert [row["new_network"] for row in days] == [None, 1, 0, 1]
    assert [row["new_device_and_network"] for row in days] == [None, 1, 0, 1]


def test_a_new_device_at_home_and_the_old_one_on_the_road_are_not_both_at_once() -> None:
    home: dict[str, Any] = {"country": "SE", "network": "residential"}
    road: dict[str, Any] = {"country": "NO", "network": "mobile"}
    features = last_day(
        heard(1, device=1, **home), heard(1, day=1, device=2, **home), heard(2, day=1, device=1, **road)
    )
    assert (features["new_device"], features["new_network"], features["new_device_and_network"]) == (1, 1, 0)


def test_devices_and_networks_that_are_not_known_are_not_new() -> None:
    features = last_day(heard(1), heard(1, day=1))
    assert (features["new_device"], features["new_network"], features["new_device_and_network"]) == (None, None, None)


played = st.builds(
    heard,
    st.integers(0, 23),
    st.sampled_from([0, 31, 200, 90_000]),
    day=st.integers(0, 40),
    user=st.sampled_from(["u1", "u2"]),
    track=st.integers(1, 3),
    device=st.integers(0, 2),
    ip=st.integers(0, 3),
    country=st.sampled_from(["SE", "JP"]),
    network=st.sampled_from(["vpn", "mobile"]),
    artist=st.integers(0, 2),
    popularity=st.sampled_from([None, 1e-3]),
)
done = st.builds(
    did, st.sampled_from(["licence_request", "failed_start", "like"]), st.integers(0, 23), day=st.integers(0, 40)
)


def differing(row: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [name for name, value in row.items() if value != other[name] and value != pytest.approx(other[name])]


@settings(max_examples=20)
@given(st.lists(played | done, min_size=1, max_size=30), st.integers(0, 40))
@example([heard(0, 0), heard(0, 90_000), heard(1, 0)], 0)  # one that ends on the next day began before another
def test_no_day_s_features_change_with_what_comes_later_or_with_other_accounts(rows: list[DayRow], day: int) -> None:
    whole = {(row["user_id"], row["local_date"]): row for row in day_rows_of(*rows)}
    end_ms = MIDNIGHT_MS + (day + 1) * DAY_MS
    until = [row for row in rows if row["event_ms"] < end_ms and row["user_id"] == "u1"]
    for row in day_rows_of(*until) if until else []:
        assert differing(row, whole[row["user_id"], row["local_date"]]) == []
