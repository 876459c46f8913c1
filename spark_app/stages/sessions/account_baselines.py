"""Which own history a session sees: that of the newest table made of days that were over before its first event.

A table of a date D is made of local days before D. The last time zone, UTC−12, ends the day before D at noon of D, UTC:
a session sees it only from then on. So no table holds a day that was still running anywhere, and none a row of the
session itself, whatever the listener's zone; and a job that is behind, or reads the past again, joins what it would
have joined then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import OWN_HISTORY_MOST_AGE_DAYS
from runtime.units import HOUR_MS
from spark_app.stages.sessions.baseline_features import STATISTICS

LAST_ZONE_H = 12
"""Hours that the westernmost time zone is behind UTC."""
OWN = "struct<history_days:int," + ",".join(f"{name}:double" for name in STATISTICS) + ">"


@dataclass(frozen=True, slots=True)
class OwnBaselines:
    """Tables of own histories: the columns of `user_baselines` with `as_of`, and the dates there are, None for all."""

    table: DataFrame
    dates: tuple[date, ...] | None = None


def told(dates: Sequence[date]) -> str:
    """Say in a line what the job compares accounts with.

    >>> told([date(2026, 3, 8), date(2026, 3, 9)])
    'own histories as of 2026-03-08, 2026-03-09'
    """
    if not dates:
        return (
            "no own histories in static/user_baselines, so comparisons with them are null: make them with "
            "playproof job baselines, then start the job again"
        )
    return f"own histories as of {', '.join(map(str, dates))}"


def with_own(sessions: DataFrame, own: OwnBaselines | None) -> DataFrame:
    """Add `own`, the statistics that a session (user_id, items) may see; null where there are none."""
    if own is None:
        return sessions.withColumn("own", F.lit(None).cast(OWN))
    statistics = F.struct("history_days", *STATISTICS).alias("own")
    known = own.table.select("user_id", "as_of", statistics)
    day = _last_day_over(F.array_min("items")["event_ms"])
    asked = sessions.withColumn("as_of", day if own.dates is None else _newest(own.dates, day))
    return asked.join(F.broadcast(known), on=["user_id", "as_of"], how="left")


def _last_day_over(event_ms: Column) -> Column:
    """Return the newest date whose table is made of days that were over everywhere at a moment."""
    return F.to_date(F.timestamp_millis(event_ms - LAST_ZONE_H * HOUR_MS))


def _newest(dates: Iterable[date], day: Column) -> Column:
    """Return the newest of `dates` that is no later than `day`, and not much older; null where there is none."""
    found = F.lit(None).cast("date")
    for as_of in sorted(dates):
        found = F.when(day.between(as_of, as_of + timedelta(OWN_HISTORY_MOST_AGE_DAYS)), F.lit(as_of)).otherwise(found)
    return found
