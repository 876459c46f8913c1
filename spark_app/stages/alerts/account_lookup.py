"""What is known of an account before its session: its static row and its own history, looked up by hash in a worker.

Batch commands join both to closed sessions. In the stream a join would send all accounts to the workers again in every
micro-batch, and one before the session step would move them with every row. So closed sessions and the looks at open
ones find them in two Arrow files that every worker maps into memory: the pages are shared by the workers of a machine,
and only those that are read take memory. The rules and the values are those of the joins. The files are of the start of
the job: the same session finds the same rows of them in a stream, in batch, and where a micro-batch is repeated.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.features import MAX_BASELINE_AGE_DAYS
from contracts.user_day_features import MIN_HISTORY_DAYS
from runtime.arrays import Ints
from runtime.units import DAY_MS, HOUR_MS
from spark_app.stages.arrays.ids import longs, one_array, xxhash64
from spark_app.stages.sessions.account_baselines import LAST_ZONE_H
from spark_app.stages.sessions.features.account import Accounts
from spark_app.stages.sessions.features.own_history import BASELINE, BASELINE_STATISTICS

USERS = pa.schema(
    [("user", pa.int64()), ("signed_up_on", pa.date32()), ("plan", pa.string()), ("timezone", pa.string())]
)
"""Static rows, sorted by the hash of the account's id."""
HISTORIES = pa.schema(
    [("as_of", pa.int32()), ("user", pa.int64()), ("history_days", pa.int32())]
    + [(name, pa.float64()) for name in BASELINE_STATISTICS]
)
"""Own histories of one date, sorted by the hash of the account's id. 168 bytes each."""


@dataclass(frozen=True, slots=True)
class KnownOfAccounts:
    """What is known of the account of each of n looks: null where it is unknown, or too little to compare with."""

    accounts: Accounts
    baseline: pa.StructArray


@dataclass(frozen=True, slots=True)
class AccountLookup:
    """Static rows and own histories of a world's accounts."""

    users: pa.RecordBatch
    """USERS."""
    histories: Mapping[int, pa.RecordBatch]
    """HISTORIES by their date, in days since 1970."""

    @classmethod
    def from_tables(cls, users: pa.Table, histories: pa.Table | None) -> Self:
        """Read the static table `users`, and the tables `user_baselines` with their date `as_of`; None for none.

        A history that is too short to be compared with is left out. Of rows with the same id, the first counts.
        """
        return cls(user_rows(users), _by_date(history_rows(histories)) if histories is not None else {})

    @classmethod
    def open(cls, users: Path, histories: Path) -> Self:
        """Map files that `write_rows` wrote: one of users, and one of histories."""
        (of_users,) = _map_file(users)
        return cls(of_users, _by_date(_map_file(histories)))

    def find(self, user: Ints, first_event_ms: Ints) -> KnownOfAccounts:
        """Return what sessions may know, by the hash of their account and their first event time.

        >>> users = {"user_id": ["a"], "signed_up_on": [None], "plan": ["free"], "timezone": ["Europe/Berlin"]}
        >>> lookup = AccountLookup.from_tables(pa.table(users), None)
        >>> known = lookup.find(longs(xxhash64(pa.array(["b", "a"]))), np.array([0, 0]))
        >>> known.accounts.plan.to_pylist(), known.baseline.is_valid().to_pylist()
        ([None, 'free'], [False, False])
        """
        place = _place(self.users, user)
        timezone, signed_up_on, plan = (_take(self.users, name, place) for name in ("timezone", "signed_up_on", "plan"))
        return KnownOfAccounts(Accounts(timezone, signed_up_on, plan), self._baselines(user, first_event_ms))

    def _baselines(self, user: Ints, first_event_ms: Ints) -> pa.StructArray:
        """Take the newest table of days that were over, in every time zone, before a session's first event."""
        dates = np.array(sorted(self.histories), np.int64)
        day = (first_event_ms - LAST_ZONE_H * HOUR_MS) // DAY_MS
        newest = np.searchsorted(dates, day, side="right") - 1
        is_current = (newest >= 0) & (day - np.append(dates, 0)[newest] <= MAX_BASELINE_AGE_DAYS)
        parts, order = [], []
        for number in np.unique(newest[is_current]).tolist():
            rows = np.flatnonzero(is_current & (newest == number))
            table = self.histories[int(dates[number])]
            parts.append(_statistics(table, _place(table, user[rows])))
            order.append(rows)
        rows = np.flatnonzero(~is_current)
        parts.append(pa.nulls(len(rows), BASELINE))
        return pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate([*order, rows]))))


OpenAccounts = Callable[[], AccountLookup]
"""Returns what is known of accounts, in a worker: it is not sent with every task."""


def add_accounts(sessions: pa.RecordBatch, open_accounts: OpenAccounts) -> pa.RecordBatch:
    """Add to sessions (user_id, first_event_ms, …) what the joins of batch commands add: SESSION_INPUT has it."""
    user, first_event_ms = longs(xxhash64(sessions["user_id"])), sessions["first_event_ms"].to_numpy()
    known = open_accounts().find(user, first_event_ms)
    columns = dict(zip(sessions.schema.names, sessions.columns, strict=True))
    columns |= {name: getattr(known.accounts, name) for name in USERS.names[1:]} | {"baseline": known.baseline}
    return pa.RecordBatch.from_pydict(columns)


def no_accounts() -> AccountLookup:
    """Return the lookup of a world of which no account is known."""
    return AccountLookup(pa.RecordBatch.from_pylist([], schema=USERS), {})


def user_rows(users: pa.Table) -> pa.RecordBatch:
    """Turn the static table `users` into USERS."""
    columns = [xxhash64(users["user_id"]), *(one_array(users[name]) for name in USERS.names[1:])]
    arrays = [column.cast(field.type) for column, field in zip(columns, USERS, strict=True)]
    rows = pa.RecordBatch.from_arrays(arrays, schema=USERS)
    return rows.take(pa.array(np.argsort(longs(columns[0]), kind="stable")))


def history_rows(histories: pa.Table) -> Iterator[pa.RecordBatch]:
    """Turn tables `user_baselines` with their date `as_of` into HISTORIES, a batch per date."""
    known = histories.filter(pc.greater_equal(histories["history_days"], MIN_HISTORY_DAYS))
    user, as_of = longs(xxhash64(known["user_id"])), one_array(known["as_of"].cast(pa.int32())).to_numpy()
    order = np.lexsort((user, as_of))
    columns = [pa.array(as_of), pa.array(user), *(one_array(known[name]) for name in HISTORIES.names[2:])]
    arrays = [column.cast(field.type).take(pa.array(order)) for column, field in zip(columns, HISTORIES, strict=True)]
    rows = pa.RecordBatch.from_arrays(arrays, schema=HISTORIES)
    _, begins = np.unique(as_of[order], return_index=True)
    for begin, end in zip(begins.tolist(), np.append(begins, len(order))[1:].tolist(), strict=True):
        yield rows.slice(begin, end - begin)


def write_rows(rows: Iterable[pa.RecordBatch], schema: pa.Schema, file: Path) -> None:
    """Write USERS, or HISTORIES of one date after another, to a file that can be mapped."""
    with pa.ipc.new_file(str(file), schema) as writer:
        for batch in rows:
            writer.write_batch(batch)


def _map_file(file: Path) -> list[pa.RecordBatch]:
    reader = pa.ipc.open_file(pa.memory_map(str(file)))
    return [reader.get_batch(number) for number in range(reader.num_record_batches)]


def _by_date(histories: Iterable[pa.RecordBatch]) -> dict[int, pa.RecordBatch]:
    return {batch["as_of"][0].as_py(): batch for batch in histories}


def _place(sorted_rows: pa.RecordBatch, user: Ints) -> Ints:
    """Return the row of each account by its hash; −1 where there is none."""
    known = sorted_rows["user"].to_numpy()
    if not len(known):
        return np.full(len(user), -1, np.int64)
    place = np.searchsorted(known, user)
    place[place == len(known)] = 0
    return np.where(known[place] == user, place, -1)


def _take(rows: pa.RecordBatch, name: str, place: Ints) -> pa.Array:
    return rows[name].take(pa.array(place, mask=place < 0))


def _statistics(histories: pa.RecordBatch, place: Ints) -> pa.StructArray:
    columns = [_take(histories, field.name, place).cast(field.type) for field in BASELINE]
    return pa.StructArray.from_arrays(columns, fields=list(BASELINE), mask=pa.array(place < 0))
