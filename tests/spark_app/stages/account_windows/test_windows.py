"""Windows of an account: what a session or a day does not show."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from contracts.account_windows import TIMING_FEATURES, WINDOW_FEATURE_NAMES
from runtime.arrays import Ints
from runtime.units import DAY_MS, HOUR_MS, SECOND_MS
from spark_app.stages.account_windows.compute_windows import compute_windows
from spark_app.stages.user_days import day_rows
from spark_app.stages.user_days.day_batch import DayBatch

DAYS = 28
LISTEN_MS = 31 * SECOND_MS


def person(rng: np.random.Generator) -> Ints:
    """End times of evenings with songs of uneven length, most days of four weeks."""
    evenings = np.flatnonzero(rng.random(DAYS) < 0.7)
    gaps = rng.lognormal(np.log(200 * SECOND_MS), 0.6, size=(len(evenings), 20))
    starts = 1_000 * DAY_MS + evenings * DAY_MS + 19 * HOUR_MS + rng.integers(0, 2 * HOUR_MS, len(evenings))
    return np.sort((starts[:, None] + gaps.cumsum(axis=1)).ravel().astype(np.int64))


def clockwork() -> Ints:
    """End times of a play every three minutes, to the second, for all of four weeks."""
    return 1_000 * DAY_MS + np.arange(DAYS * DAY_MS // (180 * SECOND_MS)) * 180 * SECOND_MS


def batch(*accounts: Ints) -> DayBatch:
    user = np.repeat([f"u{i}" for i in range(len(accounts))], [len(times) for times in accounts])
    event_ms = np.concatenate(accounts)
    zero = np.zeros(len(user), dtype=np.int64)
    columns = dict.fromkeys(day_rows.LONGS, zero)
    columns |= {
        "event_ms": event_ms,
        "id_hash": np.arange(len(user)),
        "track": np.arange(len(user)) % 50 + 1,
        "artist": np.arange(len(user)) % 7 + 1,
        "lengths": zero + (LISTEN_MS << 32),
    }
    table = pa.table({"user_id": user, **columns, "popularity": np.full(len(user), np.nan), "zone": zero})
    return DayBatch.from_arrow(table, ["UTC"])


@pytest.fixture(scope="module")
def windows() -> pd.DataFrame:
    return compute_windows(batch(person(np.random.default_rng(1)), clockwork()), accounts_at_once=1)


def newest(windows: pd.DataFrame, user: str, days: int) -> pd.Series:
    chosen = windows[(windows["user_id"] == user) & (windows["days"] == days)]
    return chosen.sort_values("last_day").iloc[-1]


@pytest.mark.parametrize("days", [7, 28])
def test_a_clock_is_more_regular_than_a_person_over_a_week_and_a_month(windows: pd.DataFrame, days: int) -> None:
    person, clock = (newest(windows, user, days) for user in ("u0", "u1"))
    assert clock["gap_regularity"] > 0.9
    assert person["gap_regularity"] < 0.8
    assert clock["modal_gap_share"] == 1 > person["modal_gap_share"]
    assert (clock["quiet_h"], clock["days_in_a_row"]) == (0, days)
    assert person["quiet_h"] > 12
    assert clock["longest_wake_h"] == pytest.approx(24 * days, abs=1)
    assert clock["active_share"] == 1 >= person["active_share"]
    assert clock["longest_rest_h"] == 0
    assert person["longest_rest_h"] > 12


def test_the_histogram_of_gaps_sums_to_one_and_has_the_gap_of_the_clock(windows: pd.DataFrame) -> None:
    clock = newest(windows, "u1", 7)
    shares = clock[[name for name in WINDOW_FEATURE_NAMES if name.startswith("gap_share_")]]
    assert shares.sum() == pytest.approx(1)
    assert clock["gap_share_5"] == 1, "gaps of 120 to 240 s"


def test_a_month_holds_the_rows_of_its_weeks_and_unknown_is_null(windows: pd.DataFrame) -> None:
    plays = windows.groupby(["user_id", "days"])["plays"]
    assert plays.max().loc[("u1", 28)] == DAYS * 480
    assert windows["log_odds_sum"].isna().all(), "no session was scored"
    assert windows["n_ips"].isna().all(), "no address is known"
    assert set(TIMING_FEATURES) <= set(windows.columns)


def test_the_scores_of_a_windows_sessions_are_added_up() -> None:
    times = person(np.random.default_rng(1))
    ends = pd.to_datetime([times[0], times[-1]], unit="ms", utc=True)
    sessions = pd.DataFrame({"user_id": "u0", "ended_at": ends, "score": [0.5, 0.9]})
    month = newest(compute_windows(batch(times), sessions), "u0", 28)
    assert month["sessions_scored"] == 2
    assert month["log_odds_mean"] == pytest.approx(np.log(9) / 2)
    assert month["log_odds_sum"] == pytest.approx(np.log(9) + 8)
