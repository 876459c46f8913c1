"""Habits by account: sessions are searched for a period, weeks are counted, and both are said in a line."""

import numpy as np
import pandas as pd
import pytest

from models.reports.habits import find_habits, format_habits
from models.tables.plays import Plays
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS

MONDAY_MS = 1_740_960_000_000


def plays_of(ends_by_user: dict[str, list[int]]) -> Plays:
    """Return plays that end at these times, in order of time."""
    users = pd.Index(ends_by_user)
    user = np.repeat(np.arange(len(users)), [len(ends) for ends in ends_by_user.values()])
    end = np.array([e for ends in ends_by_user.values() for e in ends], dtype=np.int64)
    order = np.argsort(end, kind="stable")
    nothing, day = np.zeros(len(end), np.int32), (end[order] // DAY_MS).astype(np.int32)
    return Plays(
        user[order].astype(np.int32), nothing, nothing, end[order], nothing == 0, day, users,
        pd.Index(["t"]), pd.Index([]),
    )  # fmt: skip


def test_a_timer_of_17_hours_is_found_though_each_session_has_many_plays() -> None:
    rng = np.random.default_rng(1)
    begins = MONDAY_MS + np.arange(40) * 17 * HOUR_MS
    timer = [int(b + k * 4 * MINUTE_MS) for b in begins for k in range(30)]
    hours = MONDAY_MS + np.repeat(np.arange(28), 2) * DAY_MS + np.tile([8, 20], 28) * HOUR_MS
    person = np.sort(hours + (40 * MINUTE_MS * rng.standard_normal(56)).astype(np.int64)).tolist()
    days = pd.DataFrame({"user_id": "timer", "local_date": pd.date_range("2025-03-03", periods=42), "plays_day": 10.0})
    days.loc[days.index >= 21, "plays_day"] = 50.0
    habits = find_habits(plays_of({"timer": timer, "person": person}), days, rng)
    assert habits["user_id"].tolist() == ["person", "timer"]
    assert habits["sessions"].tolist() == [pytest.approx(56, abs=2), 40]
    assert habits["repeats"].tolist() == [False, True]
    assert habits["period_h"][1] == pytest.approx(17, abs=0.05)
    assert habits["high_weeks"].tolist() == [pd.NA, 3]
    repeating, high = format_habits(habits)
    assert repeating == "repeating         1 of 2 accounts: timer every 17.0 h (strength 1.00)"
    assert high.startswith("high weeks        1 of 1 accounts were at least twice their usual")


def test_no_plays_are_no_habits() -> None:
    days = pd.DataFrame({"user_id": [], "local_date": pd.DatetimeIndex([]), "plays_day": []})
    habits = find_habits(plays_of({}), days, np.random.default_rng(1))
    assert len(habits) == 0
    assert format_habits(habits)[0] == "repeating         0 of 0 accounts"
