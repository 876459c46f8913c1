"""What no single day shows of an account: a period at which it repeats, and weeks in a row that were high."""

import numpy as np
import pandas as pd

from models.patterns.high_weeks import count_high_weeks
from models.patterns.periods import Periods, find_periods
from models.tables.plays import Plays
from runtime.arrays import Bools
from runtime.local_time import day_numbers
from runtime.units import DAY_MS, MINUTE_MS

SESSION_GAP_MS = 30 * MINUTE_MS
REPEATS_FROM_P, REPEATS_FROM_STRENGTH = 0.001, 0.5
"""An account repeats where fewer than one of a thousand shuffled histories does so as strongly, and it does so at half
of clockwork or more: a person's sessions depend on one another, which the shuffled ones do not.
"""
HIGH_WEEKS = 3
"""Weeks in a row from which an account is high for weeks."""
SEARCHED_DAYS = 56
"""Newest days whose sessions are searched for a period: the cost per account is that of so many days at most."""
SHOWN = 3


def find_habits(plays: Plays, days: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return table `account_habits`, one row per account. `days`: user_id, local_date, plays_day."""
    periods = find_repeating(plays, rng)
    habits = pd.DataFrame(
        {
            "user_id": plays.users[periods.account].to_numpy(dtype=object),
            "sessions": periods.starts,
            "period_h": periods.period_h,
            "period_strength": periods.strength,
            "period_p_value": periods.p_value,
            "repeats": is_repeating(periods),
        }
    )
    habits["high_weeks"] = habits["user_id"].map(max_high_weeks(days)).astype("Int64")
    return habits.sort_values("user_id", ignore_index=True)


def find_repeating(plays: Plays, rng: np.random.Generator) -> Periods:
    """Search each account's sessions (plays without half an hour of silence) of the newest days for a period."""
    newest = plays.event_ms >= plays.event_ms.max(initial=0) - SEARCHED_DAYS * DAY_MS
    order = np.flatnonzero(newest)[np.lexsort((plays.event_ms[newest], plays.user[newest]))]
    user, end = plays.user[order].astype(np.int64), plays.event_ms[order]
    begins = np.ones(len(user), dtype=bool)
    begins[1:] = (np.diff(user) != 0) | (np.diff(end) > SESSION_GAP_MS)
    return find_periods(user[begins], end[begins], rng)


def is_repeating(periods: Periods) -> Bools:
    """Tell which accounts repeat; false where the history is too short."""
    return (periods.p_value < REPEATS_FROM_P) & (periods.strength >= REPEATS_FROM_STRENGTH)


def max_high_weeks(days: pd.DataFrame) -> pd.Series:
    """Return the most weeks in a row that an account was high, by user_id; NaN where too little came before."""
    account = pd.factorize(days["user_id"])[0].astype(np.int64)
    amount = days["plays_day"].to_numpy(dtype=np.float64, na_value=np.nan)
    weeks = pd.Series(count_high_weeks(account, day_numbers(days["local_date"]), amount))
    return weeks.groupby(days["user_id"].to_numpy()).max()


def format_habits(habits: pd.DataFrame) -> list[str]:
    """Format the accounts that repeat, strongest first, and the number of those with high weeks."""
    repeating = habits[habits["repeats"]].sort_values("period_strength", ascending=False)
    shown = [
        f"{row['user_id']} every {row['period_h']:.1f} h (strength {row['period_strength']:.2f})"
        for row in repeating.head(SHOWN).to_dict("records")
    ]
    known = int(habits["period_p_value"].notna().sum())
    high = int((habits["high_weeks"] >= HIGH_WEEKS).sum())
    return [
        f"repeating         {len(repeating):,} of {known:,} accounts{': ' if shown else ''}{', '.join(shown)}",
        f"high weeks        {high:,} of {int(habits['high_weeks'].notna().sum()):,} accounts were at least twice their "
        f"usual for {HIGH_WEEKS} weeks in a row",
    ]
