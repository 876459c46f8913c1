"""Windows from summaries of days are those of the rows, whichever days were summarized together."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.account_windows import OVER_THE_WINDOW
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from spark_app.stages.account_windows.account_days import SCHEMA, AccountDays, summarize_days
from spark_app.stages.account_windows.compute_windows import compute_windows, windows_of_summaries
from spark_app.stages.account_windows.timing import WAKE_PAUSE_MS
from spark_app.stages.sessions.features.registry import FEATURES
from spark_app.stages.user_days import day_rows
from spark_app.stages.user_days.day_batch import SESSION_GAP_MS, DayBatch

EPOCH = date(1970, 1, 1)
FIRST_DAY = 1_000
ZONES = ["UTC", "Asia/Tokyo"]
ACROSS_DAYS = {"loop_share"}
"""What a window counts within its days and a session over all of its rows."""


def table(rng: np.random.Generator, users: int, days: int, plays: int) -> pa.Table:
    """Day rows of plays at random times, one after another; hashes of tracks are negative as often as not."""
    n = users * plays
    user = np.repeat(np.arange(users), plays)
    gap = np.where(rng.random(n) < 0.1, rng.integers(1, max(days * DAY_MS // plays, 2), n), 4 * MINUTE_MS)
    end = FIRST_DAY * DAY_MS + np.concatenate([np.cumsum(part) for part in np.split(gap, users)])
    listen = np.minimum(rng.integers(1, 240, n) * SECOND_MS, gap)
    flags = rng.integers(0, 4, n) << day_rows.SHIFT["flags"]
    place = (rng.integers(1, 5, n) << day_rows.SHIFT["network"]) + (rng.integers(1, 4, n) << day_rows.SHIFT["country"])
    track = rng.integers(-20, 20, n)
    columns = dict.fromkeys(day_rows.LONGS, np.zeros(n, dtype=np.int64)) | {
        "event_ms": end,
        "id_hash": np.arange(n),
        "lengths": (listen << 32) + 240 * SECOND_MS,
        "code": flags + place,
        "track": track * 1009,
        "artist": np.where(track == 0, 0, track // 4 + 100),
        "device": rng.integers(0, 3, n),
        "ip": rng.integers(0, 5, n),
    }
    names = pa.array([f"u{i:03}" for i in user])
    return pa.table({"user_id": names, **columns, "popularity": np.abs(track) * 1.0, "zone": user % len(ZONES)})


def by_day(rows: pa.Table) -> list[pa.Table]:
    """The same rows, a table for each local day: what is known of a day once it is over."""
    local = pc.add(rows["event_ms"], pc.multiply(rows["zone"], 9 * 60 * MINUTE_MS))
    day = pc.divide(local, DAY_MS)
    return [rows.filter(pc.equal(day, value)) for value in sorted(set(day.to_pylist()))]


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 40), st.integers(1, 60))
def test_days_that_are_summarized_one_by_one_give_the_windows_of_all_rows(
    seed: int, users: int, days: int, plays: int
) -> None:
    rows = table(np.random.default_rng(seed), users, days, plays)
    whole = compute_windows(DayBatch.from_arrow(rows, ZONES))
    parts = [summarize_days(DayBatch.from_arrow(part, ZONES)) for part in by_day(rows)]
    together = pa.concat_tables(parts).sort_by([("user_id", "ascending"), ("local_day", "ascending")])
    pd.testing.assert_frame_equal(whole, windows_of_summaries(AccountDays.from_table(together)))


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 60))
def test_a_stretch_awake_counts_plays_by_their_ends_and_none_that_ends_after_the_window(
    seed: int, days: int, plays: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = table(rng, 1, days, plays)
    listened = pa.array(rng.integers(0, 30 * HOUR_MS, len(rows)) << 32)  # many a play begins days before its end
    rows = rows.set_column(rows.column_names.index("lengths"), "lengths", listened)
    end_ms = rows["event_ms"].to_numpy()
    windows = compute_windows(DayBatch.from_arrow(rows, ZONES))
    assert len(windows)
    features = windows[["longest_wake_h", "longest_rest_h"]].to_numpy()
    for last_day, length, (wake_h, rest_h) in zip(windows["last_day"], windows["days"], features, strict=True):
        last = (last_day - EPOCH).days
        ends = [ms for ms in end_ms.tolist() if last - length < ms // DAY_MS <= last]
        pauses, begin, awake = [b - a for a, b in pairwise(ends)], ends[0], 0
        for pause, end in zip([0, *pauses], ends, strict=True):
            begin = end if pause > WAKE_PAUSE_MS else begin
            awake = max(awake, end - begin)
        rest = max([0, *(pause for pause in pauses if pause > SESSION_GAP_MS)]) / HOUR_MS if pauses else None
        assert wake_h == pytest.approx(awake / HOUR_MS)
        assert rest_h == pytest.approx(np.nan if rest is None else rest, nan_ok=True)


@pytest.mark.parametrize("name", [name for name in OVER_THE_WINDOW if name in FEATURES and name not in ACROSS_DAYS])
def test_a_feature_that_a_session_has_too_means_the_same_over_a_window(name: str) -> None:
    days = DayBatch.from_arrow(table(np.random.default_rng(5), 1, 6, 400), ZONES)
    windows = compute_windows(days)
    month = windows[windows["days"] == 28].sort_values("last_day").iloc[-1]
    rows = days.as_sessions
    expected = FEATURES[name](replace(rows, n=1, session=np.zeros(len(rows.session), dtype=np.int64)))
    assert month["plays"] == 400
    assert month[name] == pytest.approx(expected[0], nan_ok=True)


def test_no_day_is_summarized_into_the_columns_of_the_schema() -> None:
    empty = table(np.random.default_rng(1), 1, 1, 1).slice(0, 0)
    summaries = summarize_days(DayBatch.from_arrow(empty, ZONES))
    assert summaries.schema == SCHEMA
    assert len(summaries) == 0
