"""Check table `alerts`: it has all that were raised; each is of a session, there once, withdrawn where it must be."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ops.reconcile.row_rules import hash_all
from runtime.lake import batch_of, committed_files
from runtime.monitoring.totals import totals
from runtime.parquet import read_parquet
from runtime.world import Unit

TABLE = "alerts"


@dataclass(frozen=True, slots=True)
class AlertRows:
    """Rows of table `alerts`: the session of each alert that was raised, and of each that was withdrawn."""

    raised: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


def count_raised(unit: Unit, expiring: Collection[str] = ()) -> int:
    """Return how many alerts the table must have at least; `expiring`: tables whose old rows the job removes.

    The job notes a micro-batch after its commit: a table that is read after this has all of these. A note that a crash
    cut short counts none, nor does a job that ran on another machine.
    """
    return 0 if TABLE in expiring else totals(unit, "sessions").alerts


def read_alerts(unit: Unit, last: int) -> AlertRows:
    """Read the alerts up to micro-batch `last` of query `sessions`: a crash may come before the next one's commit."""
    table = unit.table(TABLE)
    files = [file for file in committed_files(table) if batch_of(file) <= last]
    rows = [row for file in files for row in read_parquet(file, ["session_key", "withdrawn"]).to_pylist()]
    raised, withdrawn = (
        tuple(row["session_key"] for row in rows if row["withdrawn"] is chosen) for chosen in (False, True)
    )
    return AlertRows(raised, withdrawn)


def read_flags(unit: Unit, alerts: AlertRows) -> dict[str, bool]:
    """Read which sessions of the table are flagged, by session_key, of those that have alerts."""
    flags: dict[str, bool] = {}
    wanted = pa.array({*alerts.raised, *alerts.withdrawn}, pa.string())
    for file in committed_files(unit.table("sessions")) if len(wanted) else ():
        part = read_parquet(file, ["session_key", "is_flagged"])
        part = part.filter(pc.is_in(part["session_key"], wanted))
        flags |= dict(zip(part["session_key"].to_pylist(), part["is_flagged"].to_pylist(), strict=True))
    return flags


def alert_faults(
    alerts: AlertRows, starts: Collection[tuple[int, int]], flags: dict[str, bool], at_least: int = 0
) -> list[str]:
    """Say what is wrong with alerts, a phrase each. `starts`: account and first event time of every session there is.

    `flags`: of the closed sessions. An alert is withdrawn where its session is closed and not flagged. `at_least`: what
    `count_raised` returned.
    """
    raised = set(alerts.raised)
    counts = {
        "are lost": max(at_least - len(raised), 0),
        "are there more than once": sum(
            count - 1 for rows in (alerts.raised, alerts.withdrawn) for count in Counter(rows).values()
        ),
        "are of no session": len(raised) - _count_known(raised, starts),
        "are withdrawn and were never raised": len(set(alerts.withdrawn) - raised),
        "should be withdrawn and are not": len(
            {key for key in raised if flags.get(key) is False} - set(alerts.withdrawn)
        ),
        "are withdrawn though the session is open or flagged": sum(
            flags.get(key) is not False for key in set(alerts.withdrawn)
        ),
    }
    return [f"{count:,} alerts {what}" for what, count in counts.items() if count]


def _count_known(keys: Collection[str], starts: Collection[tuple[int, int]]) -> int:
    users, first = zip(*(key.rsplit(":", 1) for key in keys), strict=True) if keys else ((), ())
    hashes = hash_all(pa.array(users, pa.string())).tolist()
    return sum(start in starts for start in zip(hashes, map(int, first), strict=True))
