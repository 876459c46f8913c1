"""Which own history a session is compared with: the newest table of days that were over before its first event.

A table of date D is made of local days before D. The last time zone, UTC−12, ends the day before D at noon of D, UTC;
from then on a session may use the table. So the table contains no day that was still running somewhere, and no row of
the session itself, in any time zone; and a job that is behind, or reads old rows again, joins the same table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import MAX_BASELINE_AGE_DAYS
from runtime.units import HOUR_MS
from spark_app.stages.sessions.features.own_history import BASELINE_STATISTICS

LAST_ZONE_H = 12
"""Hours that the westernmost time zone is behind UTC."""
BASELINE_TYPE = "struct<history_days:int," + ",".join(f"{name}:double" for name in BASELINE_STATISTICS) + ">"


@dataclass(frozen=True, slots=True)
class AccountBaselines:
    """Tables of own histories: the columns of `user_baselines` with `as_of`, and their dates; None means every date."""

    table: DataFrame
    dates: tuple[date, ...] | None = None


def baseline_message(dates: Sequence[date]) -> str:
    """Return a line for the user about the tables that sessions are compared with.

    >>> baseline_message([date(2026, 3, 8), date(2026, 3, 9)])
    'own histories as of 2026-03-08, 2026-03-09'
    """
    if not dates:
        return (
            "no account has a history yet, so sessions are compared with other listeners only: to add histories, run "
            "playproof job baselines, then start the job again"
        )
    return f"own histories as of {', '.join(map(str, dates))}"


def join_account_baselines(sessions: DataFrame, baselines: AccountBaselines | None) -> DataFrame:
    """Add `baseline`, the statistics of own history that a session (user_id, first_event_ms, …) may use, or null."""
    if baselines is None:
        return sessions.withColumn("baseline", F.lit(None).cast(BASELINE_TYPE))
    statistics = F.struct("history_days", *BASELINE_STATISTICS).alias("baseline")
    known = baselines.table.select("user_id", "as_of", statistics)
    day = _last_complete_day(F.col("first_event_ms"))
    as_of = day if baselines.dates is None else _newest(baselines.dates, day)
    joined = sessions.withColumn("as_of", as_of).join(F.broadcast(known), on=["user_id", "as_of"], how="left")
    return joined.drop("as_of")


def _last_complete_day(event_ms: Column) -> Column:
    """Return the newest date whose table is made of days that were over in every time zone at a moment."""
    return F.to_date(F.timestamp_millis(event_ms - LAST_ZONE_H * HOUR_MS))


def _newest(dates: Iterable[date], day: Column) -> Column:
    """Return the newest of `dates` that is no later than `day` and not too old; null where there is none."""
    newest = F.lit(None).cast("date")
    for as_of in sorted(dates):
        is_current = day.between(as_of, as_of + timedelta(MAX_BASELINE_AGE_DAYS))
        newest = F.when(is_current, F.lit(as_of)).otherwise(newest)
    return newest
