"""Real people against simulated accounts: the features of a hand-made history, and what counts as inside."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from producer.simulator.measure.calibration.account_history import History, day_history, session_history
from producer.simulator.measure.calibration.calibrate import CalibrationError, calibrate
from producer.simulator.measure.calibration.days import Days
from producer.simulator.measure.calibration.people import (
    PEOPLE_FILE,
    Comparison,
    account_medians,
    compare_people,
    heavy_line,
    histories,
    people_lines,
)
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS

Plays = dict[str, np.ndarray[Any, Any]]

START = 20_000 * DAY_MS


def history(
    *times: tuple[int, int], listen_ms: int = 200_000, track: int | None = None
) -> dict[str, np.ndarray[Any, Any]]:
    """Plays of account 0 that end at (day, minute of the day), in Greenwich."""
    end = np.array([START + day * DAY_MS + minute * MINUTE_MS for day, minute in times], dtype=np.int64)
    n, listen_ms = len(end), 200_000
    zeros = np.zeros(n, dtype=np.int64)
    return {
        "user": zeros, "time": end, "local": end, "listen": np.full(n, listen_ms), "duration": np.full(n, listen_ms),
        "track": np.arange(n), "artist": zeros, "popularity": np.zeros(n),
        "start_code": zeros, "end_code": zeros, "device": zeros, "device_type": zeros, "ip": zeros, "country": zeros,
        "network": zeros,
    }  # fmt: skip


def test_a_pause_of_half_an_hour_ends_a_session_and_three_hours_cut_it() -> None:
    plays = history(*((0, minute) for minute in (600, 629, 660, 690)))
    assert len(session_history(plays).user) in (2, 3)  # a pause of 31 min, and perhaps the cut
    long = history(*((0, minute) for minute in range(0, 12 * 60, 20)))
    assert len(session_history(long).user) >= 4


def test_the_longest_run_goes_on_over_midnight() -> None:
    plays = history(*((0, 1_440 - 60 + i) for i in range(0, 60, 10)), *((1, i) for i in range(0, 60, 10)))
    run = day_history(plays).features["longest_run_h"]
    assert run[1] == pytest.approx((110 * MINUTE_MS + 200_000) / HOUR_MS)


def test_a_day_is_compared_with_the_28_days_before_it_and_not_with_itself() -> None:
    usual = [(day, 600 + i) for day in range(10) for i in range(0, 40, 4)]
    double = [(10, 600 + i) for i in range(0, 120, 4)]
    z = day_history(history(*usual, *double)).features["z_own_plays"]
    assert np.isnan(z[:7]).all()  # seven days make a history
    assert z[9] == 0
    assert z[10] == pytest.approx((30 - 10) / 5)


def test_the_hours_that_are_always_quiet_are_counted_over_a_week() -> None:
    plays = history(*((day, 12 * 60 + 10) for day in range(5)))
    quiet = day_history(plays).features["quiet_window_h"]
    assert np.isnan(quiet[:2]).all()
    assert quiet[4] == 23.5


def test_one_artist_for_weeks_does_not_drift() -> None:
    plays = history(*((day, 600 + i) for day in range(12) for i in range(0, 40, 4)))
    assert day_history(plays).features["self_drift_artists"][11] == 0


def test_days_before_and_trailing_sums_see_the_days_they_say() -> None:
    plays = history((0, 60), (1, 60), (1, 120), (40, 60))
    days = Days(plays)
    assert days.trailing(days.groups.count, 7).tolist() == [1, 3, 1]
    assert np.nansum(days.before(days.groups.count), axis=1).tolist() == [0, 1, 0]


def test_a_median_needs_ten_units() -> None:
    nine, ten = (history(*((day, 600) for day in range(n))) for n in (9, 10))
    assert np.isnan(account_medians(day_history(nine))["plays_day"][0])
    assert account_medians(day_history(ten))["plays_day"][0] == 1


def test_a_person_on_the_edge_of_the_range_is_inside() -> None:
    inside, outside = (Comparison("session", "plays", "P9", median, 2.0, 5.0) for median in (5.0, 5.1))
    assert inside.is_inside
    assert not outside.is_inside
    (line,) = people_lines([inside, outside])
    assert line.measured == 0.5
    assert not line.is_met


def test_every_feature_of_the_people_is_computed() -> None:
    plays = history(*((day, 600 + i) for day in range(40) for i in range(0, 40, 4)))
    comparisons = compare_people(histories(plays))
    assert len(comparisons) == len(PEOPLE_FILE.read_text().splitlines()) - 1
    assert {c.person for c in comparisons} == {"P1", "P2", "P3", "P4"}


def test_calibrate_has_a_line_for_each_person_and_unit_and_says_where_they_lie_outside(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="lines are not met"):  # two hundred accounts have no hundredth part
        calibrate(tmp_path, "default", ["field"], [1], 200, 14, lambda text: None)
    lines = json.loads((tmp_path / "results.json").read_text())
    found = {line["line"]: line["measured"] for line in lines if "features of" in line["line"]}
    assert len(found) == 8
    outside = json.loads((tmp_path / "people.json").read_text())
    assert sum(1 for c in outside if c["person"] == "P2" and c["unit"] == "user-day") > 0
    assert found["P2: features of user-days inside"] < 1


def test_a_listener_who_is_heavy_in_one_feature_and_light_in_another_does_not_count() -> None:
    user = np.repeat([0, 1], 12)
    sessions = History({"plays": np.full(24, 25.0), "streams": np.full(24, 20.0)}, user)
    days = {"plays_day": 300.0, "hours": 11.0, "night_share": 0.4, "artist_hhi": 0.1}
    features = {name: np.where(user == 0, value, value * (name != "night_share")) for name, value in days.items()}
    line = heavy_line({"session": sessions, "user-day": History(features, user)})
    assert (line.measured, line.is_met) == (0.5, True)
    features["hours"] = np.where(user == 0, 5.0, 11.0)
    assert heavy_line({"session": sessions, "user-day": History(features, user)}).measured == 0
