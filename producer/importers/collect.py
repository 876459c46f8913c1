"""Rows of a layout, checked and counted, to Arrow tables in the shape of `raw`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.events import ACTIVITY, FIELDS, ID_FIELD, MAX_ID_CHARS, MAX_MS_DIGITS, PLAYS, STREAM_MS, Field
from producer.importers.layout import BadRow, Row, Track, digest
from runtime.arrays import Bools
from runtime.units import DAY_MS, MINUTE_MS

CHUNK_ROWS = 50_000
"""Rows held as Python objects at once; the rows before them are Arrow columns, a tenth of the size."""
EARLIEST_MS = 946_684_800_000
"""2000-01-01: before it nobody streamed; scrobblers without a clock write 1970."""
AHEAD_MS = DAY_MS
DUPLICATE = "duplicate of a row already taken"
COUNTED_BEFORE = "counted already from another layout"
_TYPES = {"time": pa.timestamp("ms", tz="UTC"), "ms": pa.int32(), "bool": pa.bool_()}
_FIELDS: dict[str, dict[str, Field]] = {topic: {f.name: f for f in FIELDS[topic] if f.name != "ts"} for topic in FIELDS}
RAW_SCHEMAS: dict[str, pa.Schema] = {
    topic: pa.schema([pa.field(name, _TYPES.get(f.kind, pa.string())) for name, f in fields.items()])
    for topic, fields in _FIELDS.items()
}
_MAX_MS = 10**MAX_MS_DIGITS - 1
"""27 hours."""


@dataclass(slots=True)
class ImportCounts:
    """What became of the records: read = taken + the sum of `reasons`; `fixed` of the taken ones were corrected."""

    read: int = 0
    taken: int = 0
    fixed: int = 0
    fixes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    first_at: dict[str, str] = field(default_factory=dict)
    """Where the first record of each reason is: file, and line or record."""


@dataclass(slots=True)
class ImportedAccount:
    """What the records hold about an account."""

    signed_up_on: date | None = None
    plan: str | None = None
    newest_ms: int = 0


class Collector:
    """Takes rows; `known_ids` are those of rows that the world has already."""

    def __init__(self, now_ms: int, known_ids: Iterable[str] = ()) -> None:
        self._now_ms = now_ms
        self._known_ids = set(known_ids)
        self._in_file: Counter[str] = Counter()
        self._records_in_file: set[int] = set()
        self._label, self._number = "", 0
        self._chunks: dict[str, list[pa.Table]] = {topic: [] for topic in (PLAYS, ACTIVITY)}
        self._rows: dict[str, list[dict[str, Any]]] = {topic: [] for topic in (PLAYS, ACTIVITY)}
        self.counts = ImportCounts()
        self.tracks: dict[str, Track] = {}
        self.accounts: dict[str, ImportedAccount] = {}
        self.logins: set[str] = set()
        """Of the records that were taken (`Row.login`)."""
        self.known_again: set[str] = set()
        """Ids that the world has already, of plays that these files tell of too."""
        self.precision_ms = 1

    def begin_file(self, label: str = "") -> None:
        """Begin a file: rows that look alike within one file are several plays, in two files they may be one."""
        self._in_file.clear()
        self._records_in_file.clear()
        self._label, self._number = label, 0

    def add(self, row: Row | BadRow) -> None:
        """Take a row, or count why not."""
        self.counts.read += 1
        self._number += 1
        reason = str(row) if isinstance(row, BadRow) else reason_to_reject(row, self._now_ms)
        if reason is None:
            assert isinstance(row, Row)
            reason = self._take(row)
        if reason is not None:
            self.counts.reasons[reason] += 1
            place = f"record {self._number}" if row.line is None else f"line {row.line}"
            self.counts.first_at.setdefault(reason, f"{self._label}, {place}")

    def table(self, topic: str) -> pa.Table:
        """Return the rows taken of a topic, in the order they came."""
        self._flush(topic)
        return pa.concat_tables([RAW_SCHEMAS[topic].empty_table(), *self._chunks[topic]])

    def _take(self, row: Row) -> str | None:
        row_id = row_id_of(row)
        if self._is_said_twice(row, row_id):
            return DUPLICATE
        self._in_file[row_id] += 1
        # coarse times name several plays the same; a loop of one track has many of them
        if self._in_file[row_id] > 1 and row.own_id is None:
            row_id = digest(row_id, self._in_file[row_id])
        if row_id in self._known_ids:
            self._note_account(row)  # its time zone may be given only now
            self.known_again.add(row_id)
            return DUPLICATE
        self._known_ids.add(row_id)
        values = {**row.values, ID_FIELD[row.topic]: row_id, "user_id": row.user_id, "event_time": row.event_ms}
        if row.track is not None:
            values["track_id"] = row.track.track_id
            self._note_track(row.track)
        rows = self._rows[row.topic]
        rows.append(values)
        if len(rows) == CHUNK_ROWS:
            self._flush(row.topic)
        self._note_account(row)
        if row.login is not None:
            self.logins.add(row.login)
        self.precision_ms = max(self.precision_ms, row.precision_ms)
        self.counts.taken += 1
        self.counts.fixed += bool(row.fixes)
        self.counts.fixes.update(row.fixes)
        return None

    def _is_said_twice(self, row: Row, row_id: str) -> bool:
        """Whether a file says the same of a play again, in every field, to the second: exports repeat records.

        A stream cannot end twice in one second. Short plays can, and so can those whose times were cut to the minute.
        """
        listen_ms = row.values.get("listen_ms")
        if row.own_id is not None or listen_ms is None or listen_ms < STREAM_MS or row.event_ms % MINUTE_MS == 0:
            return False
        record = hash((row_id, *row.values.values()))
        is_known = record in self._records_in_file
        self._records_in_file.add(record)
        return is_known

    def _note_track(self, track: Track) -> None:
        known = self.tracks.get(track.track_id)
        if known is None:
            self.tracks[track.track_id] = track
        elif None in (known.title, known.artist, known.duration_ms):
            self.tracks[track.track_id] = Track(
                known.title or track.title, known.artist or track.artist, known.duration_ms or track.duration_ms,
                known.own_id,
            )  # fmt: skip

    def _note_account(self, row: Row) -> None:
        account = self.accounts.setdefault(row.user_id, ImportedAccount())
        account.signed_up_on = account.signed_up_on or row.signed_up_on
        if row.plan is not None and row.event_ms >= account.newest_ms:
            account.plan, account.newest_ms = row.plan, row.event_ms

    def _flush(self, topic: str) -> None:
        rows, self._rows[topic] = self._rows[topic], []
        if rows:
            columns = {name: [row.get(name) for row in rows] for name in RAW_SCHEMAS[topic].names}
            self._chunks[topic].append(pa.table(columns, schema=RAW_SCHEMAS[topic]))


def counted_before(new: pa.Table, old: pa.Table, names: Mapping[str, str], grain_ms: int) -> Bools:
    """Tell which plays another layout has counted already: same account and track by name, within `grain_ms`.

    Ends are compared, and where one layout knows no lengths and so has starts, starts. `names` is the track's artist
    and title by track_id, since layouts have different ids. A play of `old` is one of `new` at most.
    """
    left, right = _named(new, names), _named(old, names)
    is_counted = np.zeros(len(new), dtype=bool)
    for of_left, of_right in ((True, True), (False, False), (True, False), (False, True)):
        at = "end_ms" if of_left and of_right else "start_ms"
        new_rows = left[left["has_length"] == of_left].rename(columns={at: "ms"}).sort_values("ms")
        old_rows = right[right["has_length"] == of_right].rename(columns={at: "ms"}).sort_values("ms")
        if new_rows.empty or old_rows.empty:
            continue
        keys = ["user", "name"]
        matched = pd.merge_asof(new_rows, old_rows, on="ms", by=keys, tolerance=grain_ms, direction="nearest")
        first = matched[matched["row_y"].notna()].drop_duplicates("row_y")
        is_counted[first["row_x"].to_numpy(dtype=np.int64)] = True
        left = left[~left["row"].isin(first["row_x"])]
        right = right[~right["row"].isin(first["row_y"])]
    return is_counted


def _named(rows: pa.Table, names: Mapping[str, str]) -> pd.DataFrame:
    """Return when the rows of named tracks end and begin. Without a length (`has_length`) a time is the start."""
    event_ms, listen_ms = rows["event_time"].cast(pa.int64()).to_numpy(), rows["listen_ms"]
    frame = pd.DataFrame(
        {
            "end_ms": event_ms,
            "start_ms": event_ms - listen_ms.cast(pa.int64()).fill_null(0).to_numpy(),
            "has_length": listen_ms.is_valid().to_numpy(),
            "user": rows["user_id"].to_pandas(),
            "name": rows["track_id"].to_pandas().map(names),
            "row": np.arange(len(rows)),
        }
    )
    return frame.dropna(subset=["name"])


def reason_to_reject(row: Row, now_ms: int) -> str | None:
    """Return why a row cannot be in a raw table, in the contract's words where it has some; None for a good row."""
    fields = _FIELDS[row.topic]
    if not 1 <= len(row.user_id) <= MAX_ID_CHARS:
        return fields["user_id"].rejection
    if row.track is not None and not 1 <= len(row.track.track_id) <= MAX_ID_CHARS:
        return fields["track_id"].rejection
    if row.event_ms < EARLIEST_MS:
        return "event_time: before the year 2000"
    if row.event_ms > now_ms + AHEAD_MS:
        return "event_time: in the future"
    listen_ms = row.values.get("listen_ms")
    if listen_ms is not None and (type(listen_ms) is not int or not 0 <= listen_ms <= _MAX_MS):
        return fields["listen_ms"].rejection
    return None


def row_id_of(row: Row) -> str:
    """Name a row by its own id, or by what happened: the same in every file, and every import, that tells of it."""
    if row.own_id is not None:
        return digest(row.topic, row.user_id, "own id", row.own_id)  # two people may count from 1
    what = row.track.track_id if row.track is not None else row.values.get("action")
    return digest(row.topic, row.user_id, row.event_ms, what, row.values.get("listen_ms"))
