"""Features that a local day shows by itself, on small days computed by hand. None = not measurable, never 0."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.events import DEVICES
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS
from spark_app.stages.user_days.day_rows import IS_SKIP, SHIFT
from tests.spark_app.days import DayRow, day_rows_of, did, heard, last_day


def test_a_play_belongs_to_the_local_day_in_which_it_ended() -> None:
    late = heard(23.9, 600), heard(13, 60)
    assert [(row["local_date"].day, row["plays"]) for row in day_rows_of(*late)] == [(2, 1), (3, 1)]
    assert [row["local_date"].day for row in day_rows_of(*late, zone="Asia/Tokyo")] == [2, 3]
    assert [row["local_date"].day for row in day_rows_of(*late, zone="America/New_York")] == [2]


def test_a_row_that_came_twice_counts_once() -> None:
    assert last_day(heard(1), heard(1), heard(2))["plays_day"] == 2


def test_sessions_are_stretches_without_a_pause_over_30_minutes() -> None:
    features = last_day(heard(1, 0), heard(1.5, 0), did("like", 2.001), heard(5, 0))
    assert (features["sessions"], features["sessions_day"]) == (3, 3.0)


def test_a_run_of_plays_goes_on_over_midnight_and_ends_with_20_minutes_of_silence() -> None:
    evening = [heard(22 + i / 2, 1500) for i in range(4)]
    morning = [heard(i / 2, 1500, day=1) for i in range(4)]
    first, second = day_rows_of(*evening, *morning, heard(9, 1500, day=1))
    assert first["longest_run_h"] == pytest.approx(2 - 5 / 60)
    assert second["longest_run_h"] == pytest.approx(4 - 5 / 60)


def test_20_minutes_of_silence_end_a_run_but_not_a_stretch_awake() -> None:
    features = last_day(heard(1, 600), heard(1.5, 600), did("search", 3.4))
    assert features["longest_run_h"] == pytest.approx(1 / 6)
    assert features["longest_wake_h"] == pytest.approx(2.4)
    assert last_day(heard(1, 600), did("search", 3.2))["longest_wake_h"] == pytest.approx(1 / 6)


@settings(max_examples=50)
@given(
    st.lists(
        st.builds(heard, st.integers(0, 23), st.integers(0, 30_000), day=st.integers(0, 1), track=st.integers(1, 9)),
        min_size=1,
        max_size=20,
    )
)
@example([heard(1, 60), heard(4, 60), heard(1.5, 18_000), heard(7, 60)])  # the third spans the silence before it
def test_the_longest_run_is_that_of_the_rows_one_by_one_in_the_order_of_their_ends(rows: list[DayRow]) -> None:
    longest: dict[int, float] = {}
    begin_ms = end_ms = -1.0
    spans = {(row["event_ms"], row["event_ms"] - (row["lengths"] >> 32)) for row in rows}
    for ended_ms, began_ms in sorted(spans):
        is_first = end_ms < 0 or began_ms - end_ms >= 20 * MINUTE_MS
        begin_ms, end_ms = began_ms if is_first else min(begin_ms, began_ms), ended_ms
        day = ended_ms // DAY_MS
        longest[day] = max(longest.get(day, 0.0), (end_ms - begin_ms) / HOUR_MS)
    assert [row["longest_run_h"] for row in day_rows_of(*rows)] == pytest.approx([*longest.values()])


def test_duty_counts_time_heard_twice_at_once_only_once() -> None:
    features = last_day(heard(1, 3600), heard(1, 3600, track=2), heard(2, 3600))
    assert (features["duty_24h"], features["overlap_s"], features["hours"]) == (2 / 24, 3600, 3)


def test_short_plays_are_those_under_35_s() -> None:
    assert last_day(heard(1, 10), heard(2, 34.999), heard(3, 35), heard(4, 36))["share_under_35"] == 0.5


def test_night_is_from_midnight_to_5_h_of_the_listener() -> None:
    plays = heard(3), heard(4.5), heard(6), heard(12)
    assert (last_day(*plays)["plays_night"], last_day(*plays)["night_share"]) == (2, 0.5)
    assert last_day(*plays, zone="Asia/Tokyo")["night_share"] == 0
    assert last_day(*plays, zone=None)["night_share"] is None


def test_loop_lag_is_how_far_back_the_same_track_was() -> None:
    assert last_day(*(heard(i, track=1 + i % 3) for i in range(9)))["loop_lag"] == 3
    assert last_day(*(heard(i, track=1 + i) for i in range(9)))["loop_lag"] is None


def test_flatness_is_1_where_a_label_s_tracks_are_played_evenly() -> None:
    even = [heard(i / 4, track=1 + i % 20, label=7, label_size=20) for i in range(40)]
    assert last_day(*even, heard(20, label=8, label_size=1))["catalogue_flatness"] == pytest.approx(1)
    one_track = [heard(i / 4, label=7, label_size=20) for i in range(40)]
    assert last_day(*one_track)["catalogue_flatness"] == 0
    assert last_day(*even[:19])["catalogue_flatness"] is None


def test_context_hhi_is_1_for_one_playlist_and_unknown_without_any() -> None:
    assert last_day(heard(1, context=5), heard(2, context=5), heard(3))["context_hhi"] == 1
    assert last_day(heard(1, context=5), heard(2, context=6))["context_hhi"] == 0.5
    assert last_day(heard(1))["context_hhi"] is None


def test_speed_is_from_country_to_country_over_the_time_between() -> None:
    assert last_day(heard(1, 0, country="GB"), heard(11, 0, country="JP"))["max_speed_kmh"] == pytest.approx(
        950, abs=10
    )
    assert last_day(heard(1, country="GB"), heard(11, country="GB"))["max_speed_kmh"] == 0
    assert last_day(heard(1), heard(11))["max_speed_kmh"] is None


def test_two_countries_within_a_second_are_taken_as_a_minute_apart() -> None:
    both = last_day(heard(1, 0, country="GB"), heard(1.0001, 0, country="JP"))
    assert both["max_speed_kmh"] == pytest.approx(9500 * 60, rel=0.02)


def test_licences_are_counted_and_the_most_in_ten_minutes() -> None:
    licences = [did("licence_request", 1 + i / 60, track=i + 1) for i in range(15)]
    features = last_day(*licences, did("licence_request", 5), heard(6))
    assert (features["license_cnt"], features["license_rate_10min"], features["dist_title_cnt"]) == (16, 10, 15)
    assert last_day(heard(6))["license_rate_10min"] == 0


def test_devices_modules_drms_and_codecs_are_counted_where_known() -> None:
    rows = [did("start", 1 + i, device=i % 2 + 1, cdm=i + 1, drm="widevine", codec="ogg") for i in range(3)]
    features = last_day(*rows, heard(9))
    assert [features[f"dist_{what}_cnt"] for what in ("dev_id", "cdm", "drm", "enc_frmt")] == [2, 3, 1, 1]
    assert last_day(heard(9))["dist_cdm_cnt"] is None


def test_odd_pairs_of_device_and_drm_are_a_share_of_the_activity_where_both_are_known() -> None:
    good = did("start", 1, device_type="mobile", drm="widevine")
    odd = did("start", 2, device_type="car", drm="playready")
    assert last_day(good, odd, did("start", 3))["dev_drm_mismatch"] == 0.5
    assert last_day(did("start", 3))["dev_drm_mismatch"] is None


def test_shares_by_letter_stand_in_the_order_of_the_vocabulary() -> None:
    features = last_day(*(did("start", 1 + i, device_type=DEVICES[place]) for i, place in enumerate((0, 0, 2, 5))))
    assert [features[f"dev_type_{letter}_pct"] for letter in "abcdef"] == [0.5, 0, 0.25, 0, 0, 0.25]
    assert features["drm_type_a_pct"] is None


def test_the_features_of_a_session_run_on_the_whole_day() -> None:
    skipped = heard(1, 10, duration_s=100, code=IS_SKIP << SHIFT["flags"], network="vpn", country="SE", ip=4, artist=3)
    features = last_day(skipped, heard(20, 90, duration_s=100, artist=3, ip=5), did("failed_start", 2))
    assert (features["skip_rate"], features["n_ips"], features["n_countries"], features["artist_hhi"]) == (0.5, 2, 1, 1)
    assert (features["error_rate"], features["completion_mean"]) == (pytest.approx(1 / 3), 0.5)
    assert features["pause_mean_s"] == 19 * 3600 - 10
