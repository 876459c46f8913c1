"""Which rows of the lake its user-days were computed from: whether there are others by now. Without Spark."""

import hashlib

from contracts.events import ACTIVITY, PLAYS
from runtime.checkpoint import writer_of
from runtime.lake import last_number, size_of
from runtime.world import Unit

TABLE = "user_days"
READ_ROWS = "fingerprint-of-rows-read"
"""Writer of the table's commits: their numbers stand for the rows of plays and activity that were read."""
ARCHIVE = "archive"
"""The query that writes both tables."""


def fingerprint_of_rows(unit: Unit) -> int:
    """Return a number of 56 bits that stands for the rows of plays and activity; a merge of files changes nothing.

    It is of the last micro-batch, too: as many rows may have come as retention has removed.
    """
    writer = writer_of(unit, ARCHIVE)
    # the micro-batch first: one that comes meanwhile makes another number, and the user-days are computed again
    facts = [(last_number(table := unit.table(topic), writer), size_of(table)[0]) for topic in (PLAYS, ACTIVITY)]
    return int.from_bytes(hashlib.blake2b(repr(facts).encode(), digest_size=7).digest(), "big")


def is_up_to_date(unit: Unit) -> bool:
    """Say whether the lake has user-days, computed from all of its rows."""
    return last_number(unit.table(TABLE), READ_ROWS) == fingerprint_of_rows(unit)
