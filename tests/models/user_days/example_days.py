"""User-days made by hand: an ordinary listener, with whatever the test is about changed."""

from typing import Any

import numpy as np
import pandas as pd

from contracts.user_day_features import USER_DAY_FEATURE_NAMES

ORDINARY = {
    "plays_day": 30.0, "streams_day": 20.0, "hours": 1.4, "longest_wake_h": 1.0, "share_under_35": 0.35,
    "share_30_35": 0.02, "night_share": 0.02, "repeat_ratio": 0.2, "top_artist_share": 0.3, "skip_rate": 0.45,
    "gap_entropy": 4.0, "new_device_and_network": 0.0, "account_age_days": 900.0, "n_ips": 1.0, "n_countries": 1.0,
    "hosting_share": 0.0, "dist_dev_id_cnt": 1.0,
}  # fmt: skip
"""A listener's usual day; about the published medians (docs/reference/published-numbers.md)."""
WOBBLE = {
    "plays_day": 6.0, "hours": 0.3, "share_under_35": 0.05, "night_share": 0.01, "repeat_ratio": 0.05,
    "top_artist_share": 0.05, "skip_rate": 0.05, "gap_entropy": 0.2,
}  # fmt: skip


def user_days(
    *changes: dict[str, Any],
    user: str = "a",
    history: int = 28,
    usual: dict[str, float] | None = None,
    starts_on: str = "2025-03-03",
    plan: str = "premium",
) -> pd.DataFrame:
    """Make `history` ordinary days and then one day for each of `changes`."""
    rng = np.random.default_rng(3)
    rows: list[dict[str, Any]] = []
    for change in [*([{}] * history), *changes]:
        row: dict[str, Any] = dict.fromkeys(USER_DAY_FEATURE_NAMES, np.nan) | ORDINARY | (usual or {})
        row |= {name: max(row[name] + rng.uniform(-width, width), 0.0) for name, width in WOBBLE.items()}
        row |= change
        rows.append(row | {"plays": round(row["plays_day"]), "streams": round(row["streams_day"])})
    frame = pd.DataFrame(rows)
    frame.insert(0, "local_date", pd.date_range(starts_on, periods=len(rows)))
    frame.insert(0, "user_id", user)
    frame["plan"], frame["country"] = plan, "FR"
    return frame


def crowd(users: int = 40, days: int = 35) -> pd.DataFrame:
    """Make listeners none like another, each with fuller and emptier days, now and then one of a single record."""
    rng = np.random.default_rng(5)
    made = []
    for number in range(users):
        frame = user_days(user=f"c{number:03}", history=days)
        factor = rng.lognormal(0, 0.7) * rng.lognormal(0, 0.5, days)
        for name in ("plays_day", "streams_day", "hours", "longest_wake_h"):
            frame[name] *= factor
        for name in ("share_under_35", "night_share", "repeat_ratio", "top_artist_share", "skip_rate"):
            frame[name] = np.clip(frame[name] * rng.lognormal(0, 0.6) + rng.normal(0, 0.05, days), 0, 1)
        frame["gap_entropy"] += rng.normal(0, 0.6, days)
        on_record = rng.random(days) < 0.04
        frame.loc[on_record, "top_artist_share"] = rng.uniform(0.7, 1.0, int(on_record.sum()))
        frame.loc[on_record, "repeat_ratio"] = rng.uniform(0.5, 0.9, int(on_record.sum()))
        frame["plays"], frame["streams"] = frame["plays_day"].round(), frame["streams_day"].round()
        made.append(frame)
    return pd.concat(made, ignore_index=True)
