"""Collected rows into a world: raw by day, static tables with their pointer, and `import.json`."""

import shutil
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.domain import MUSIC
from contracts.events import ACTIVITY, ID_FIELD, PLAYS
from contracts.measurable import NEEDS_ACCOUNT, NEEDS_CLIENT, NEEDS_FIELD, NEEDS_TRACK, unmeasurable
from contracts.tables import TRACKS, USERS
from producer.errors import HistoryError
from producer.importers.collect import RAW_SCHEMAS, Collector
from producer.importers.layout import Layout, name_of
from runtime.arrays import Ints
from runtime.parquet import read_parquet
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from runtime.world import World, WorldError

_STATIC_TYPES = {"string": pa.string(), "int": pa.int32(), "date": pa.date32(), "double": pa.float64()}
STATIC_SCHEMAS = {
    name: pa.schema([(column.name, _STATIC_TYPES[column.type]) for column in columns])
    for name, columns in (("tracks", TRACKS), ("users", USERS))
}
_TEMPORARY = ".import"
GRAINS_MS = (DAY_MS, HOUR_MS, 15 * MINUTE_MS, 5 * MINUTE_MS, MINUTE_MS, SECOND_MS)
"""Grains that times are cut to, coarsest first."""
MULTIPLES = 0.98
"""Share of the times with whole grains between them, from which all are taken as cut to it."""
MIN_TIMES = 20
"""Times below which their grain cannot be told: a choice."""


def check_target(world: World) -> None:
    """Refuse a world of another domain, and one that was not imported: its truth and raw rows belong together."""
    world.require_domain(MUSIC, "an import of listening")
    if world.raw(PLAYS).exists() and not world.import_report.exists():
        raise HistoryError(f"world {world.name} was simulated, not imported: choose another name with --world")


def existing_rows(world: World, topic: str) -> pa.Table:
    """Read the rows of earlier imports; none where there was no import."""
    try:
        files = world.raw_files(topic)
    except WorldError:
        files = []
    parts = [read_parquet(path).cast(RAW_SCHEMAS[topic]) for path in files]
    return pa.concat_tables([RAW_SCHEMAS[topic].empty_table(), *parts])


def earlier_layouts(world: World) -> set[str]:
    """Name the layouts of earlier imports into a world."""
    return {entry["layout"] for entry in world.read_import_report().get("imports", ())}


def known_names(world: World) -> dict[str, str]:
    """Return artist and title in one text, by track_id, of the tracks that a world knows."""
    named = {row["track_id"]: name_of(row["artist"], row["title"]) for row in _static_rows(world, "tracks")}
    return {track_id: name for track_id, name in named.items() if name}


def write(world: World, rows: dict[str, pa.Table], collected: Collector, timezone: str | None) -> None:
    """Write all rows of a world, sorted by (event_time, id), and its static tables; what was there is replaced."""
    temporary = world.root / _TEMPORARY
    shutil.rmtree(temporary, ignore_errors=True)
    for topic in (PLAYS, ACTIVITY):
        _write_days(
            temporary / topic, rows[topic].sort_by([("event_time", "ascending"), (ID_FIELD[topic], "ascending")])
        )
    if not (temporary / ACTIVITY).exists():  # a reader of the world finds the table, without rows
        first_day = next((temporary / PLAYS).iterdir()).name
        _write_part(temporary / ACTIVITY / first_day, RAW_SCHEMAS[ACTIVITY].empty_table())
    newest = _date_of(pc.max(rows[PLAYS]["event_time"].cast(pa.int64())).as_py())
    _write_static(world, "tracks", newest, _merged(_static_rows(world, "tracks"), _tracks(collected), "track_id"))
    _write_static(world, "users", newest, _merged(_static_rows(world, "users"), _users(collected, timezone), "user_id"))
    for topic in (PLAYS, ACTIVITY):
        shutil.rmtree(world.raw(topic), ignore_errors=True)
        world.raw(topic).parent.mkdir(exist_ok=True)
        (temporary / topic).rename(world.raw(topic))
    shutil.rmtree(temporary)


def write_report(world: World, layout: Layout, collected: Collector, files: list[str], passed_over: list[str]) -> None:
    """Write or extend `import.json`: what was read, and what the world's sources cannot tell."""
    report = world.read_import_report() or {"imports": []}
    counts = collected.counts
    report["imports"].append(
        {
            "layout": layout.name,
            "files": files,
            "passed_over": passed_over,
            "read": counts.read,
            "taken": counts.taken,
            "fixed": counts.fixed,
            "rejected": sum(counts.reasons.values()),
            "fixes": dict(counts.fixes.most_common()),
            "reasons": dict(counts.reasons.most_common()),
            "first_at": counts.first_at,
        }
    )
    # several listeners may share a world: what only some sources report cannot be compared between them
    actions = sorted(set(layout.actions) & set(report.get("actions", layout.actions)))
    taken = collected.table(PLAYS)
    precision_ms = max(collected.precision_ms, report.get("precision_ms", 1), grain_ms(epoch_ms(taken)))
    earlier = [name for name in report.get("unknown", ()) if name in NEEDS_FIELD]
    unknown = sorted({*_empty_columns(taken, NEEDS_FIELD), *earlier, *_lacking(world)})
    report |= {"actions": actions, "precision_ms": precision_ms, "unknown": unknown}
    report["not_measurable"] = list(unmeasurable(actions, precision_ms, unknown))
    partial = world.import_report.with_suffix(".partial")
    partial.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")
    partial.replace(world.import_report)


def epoch_ms(rows: pa.Table) -> Ints:
    """Return the event times of rows as epoch milliseconds."""
    return rows["event_time"].cast(pa.int64()).to_numpy()


def grain_ms(event_ms: Ints) -> int:
    """Return how coarse times are by their values: the largest of GRAINS_MS that lies between nearly all, else 1.

    A file may write milliseconds that were cut to the quarter of an hour, or hours of a zone at half past ours.

    >>> grain_ms(np.arange(50) * 900_000), grain_ms(np.arange(50) * 900_001), grain_ms(np.arange(50) * 3_600_000 + 1)
    (900000, 1, 3600000)
    """
    if len(event_ms) < MIN_TIMES:
        return 1
    enough = MULTIPLES * len(event_ms)
    return next((grain for grain in GRAINS_MS if np.unique(event_ms % grain, return_counts=True)[1].max() >= enough), 1)


def _empty_columns(table: pa.Table, names: Iterable[str]) -> list[str]:
    return [name for name in names if len(table) and table[name].null_count == len(table)]


def _lacking(world: World) -> list[str]:
    """List the columns of static tables, and the fields of activity rows, that no row of the world knows."""
    tables = {
        name: pa.Table.from_pylist(_static_rows(world, name), schema=STATIC_SCHEMAS[name])
        for name in ("tracks", "users")
    }
    activity = existing_rows(world, ACTIVITY)
    lacking = _empty_columns(tables["tracks"], NEEDS_TRACK) + _empty_columns(tables["users"], NEEDS_ACCOUNT)
    return lacking + (_empty_columns(activity, NEEDS_CLIENT) if len(activity) else list(NEEDS_CLIENT))


def _write_days(folder: Path, table: pa.Table) -> None:
    days = table["event_time"].cast(pa.int64()).to_numpy() // DAY_MS
    starts = np.flatnonzero(np.diff(days, prepend=days[:1] - 1)).tolist()
    edges = pairwise([*starts, len(days)])
    for start, end in edges if starts else ():
        day = date(1970, 1, 1) + timedelta(int(days[start]))
        _write_part(folder / f"date={day.isoformat()}", table.slice(start, end - start))


def _write_part(folder: Path, table: pa.Table) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "part.parquet")


def _date_of(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).date().isoformat()


def _tracks(collected: Collector) -> list[dict[str, Any]]:
    return [
        {"track_id": track_id, "title": track.title, "artist_id": track.artist_id, "artist": track.artist,
         "duration_ms": track.duration_ms}
        for track_id, track in collected.tracks.items()
    ]  # fmt: skip


def _users(collected: Collector, timezone: str | None) -> list[dict[str, Any]]:
    return [
        {"user_id": user_id, "signed_up_on": account.signed_up_on, "plan": account.plan, "timezone": timezone}
        for user_id, account in collected.accounts.items()
    ]


def _static_rows(world: World, name: str) -> list[dict[str, Any]]:
    try:
        return [row for path in sorted(world.static(name).glob("*.parquet")) for row in read_parquet(path).to_pylist()]
    except WorldError:
        return []


def _merged(old: list[dict[str, Any]], new: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Join rows by their key: what one does not know the other may; where both know, the newer one holds."""
    rows = {row[key]: row for row in old}
    for row in new:
        known = {name: value for name, value in row.items() if value is not None}
        rows[row[key]] = rows.get(row[key], {}) | known
    return [rows[name] for name in sorted(rows)]


def _write_static(world: World, name: str, day: str, rows: list[dict[str, Any]]) -> None:
    """Write an immutable folder, unless the newest one says the same already."""
    schema = STATIC_SCHEMAS[name]
    table = pa.table({f.name: [row.get(f.name) for row in rows] for f in schema}, schema=schema)
    folder = world.root / "static" / name
    number = 1
    target = folder / f"as_of={day}"
    while target.exists():
        if read_parquet(target / "part.parquet").equals(table):
            break
        number += 1
        target = folder / f"as_of={day}.{number}"
    if not target.exists():
        _write_part(target, table)
    (folder / "CURRENT").write_text(target.name + "\n")
