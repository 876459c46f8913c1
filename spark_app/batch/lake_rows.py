"""Which rows of the lake its user-days were computed from: whether there are others by now. Without Spark."""

from contracts.events import ACTIVITY, PLAYS
from runtime.lake import last_number, size_of
from runtime.world import Unit

TABLE = "user_days"
READ_ROWS = "rows-read"
"""Writer of the table's commits: their numbers are the rows of plays and activity that were read."""


def rows_in_lake(unit: Unit) -> int:
    """Return how many rows of plays and activity the job has archived; files that are merged change nothing."""
    return sum(size_of(unit.table(topic))[0] for topic in (PLAYS, ACTIVITY))


def is_up_to_date(unit: Unit) -> bool:
    """Say whether the lake has user-days, computed from all of its rows."""
    return last_number(unit.table(TABLE), READ_ROWS) == rows_in_lake(unit)
