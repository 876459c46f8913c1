"""The tables of an SQLite file, begun by whichever program comes first."""

import sqlite3
import time

WAITS_S, PAUSE_S = 10.0, 0.02


def begin_tables(db: sqlite3.Connection, schema: str) -> None:
    """Make what a schema has and the file lacks, with a write-ahead log. Other programs may do the same at this moment.

    `db` saves statement by statement. Raises sqlite3.OperationalError where the file cannot be written.
    """
    until = time.monotonic() + WAITS_S
    while True:
        try:
            db.execute("pragma journal_mode = wal")
            break
        except sqlite3.OperationalError as error:
            # SQLite waits for a lock everywhere but here
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(PAUSE_S)
    db.executescript(f"begin immediate; {schema} commit;")
