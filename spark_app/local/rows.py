"""The tables of a world that sessions and user-days are computed from, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from contracts.events import ACTIVITY, ID_FIELD, PLAYS
from contracts.tables import STATIC
from runtime.parquet import open_parquet, read_parquet
from runtime.world import World
from spark_app.stages.arrays.ids import hashes

EVENT_TIME = pa.timestamp("ms", tz="UTC")
USED = {
    PLAYS: (
        "play_id", "user_id", "track_id", "event_time", "listen_ms", "reason_start", "reason_end", "session_id",
        "device_id", "device_type", "ip", "country", "network", "context_id",
    ),
    ACTIVITY: (
        "event_id", "user_id", "action", "item_id", "event_time", "session_id", "device_id", "device_type", "ip",
        "country", "network", "drm", "codec", "cdm_version",
    ),
}  # fmt: skip
"""Fields that sessions or user-days are computed from, by topic."""
_TYPES = {"int": pa.int32(), "double": pa.float64(), "date": pa.date32()}


@dataclass(frozen=True, slots=True)
class WorldRows:
    """Rows of both topics with `id_hash`, and the static tables of tracks and accounts.

    A row that came twice is in it twice: sessions and user-days leave duplicates out, by the rules of the stream.
    """

    plays: pa.Table
    activity: pa.Table
    tracks: pa.Table
    users: pa.Table

    def of_accounts(self, user_ids: Sequence[str]) -> Self:
        """Keep the rows of some accounts."""
        wanted = pa.array(user_ids, pa.string())
        plays, activity, users = (
            table.filter(pc.is_in(table["user_id"], value_set=wanted))
            for table in (self.plays, self.activity, self.users)
        )
        return type(self)(plays, activity, self.tracks, users)

    def with_others(self, others: Self) -> Self:
        """Add the rows and accounts of `others`, of the same tracks."""
        pairs = ((self.plays, others.plays), (self.activity, others.activity), (self.users, others.users))
        plays, activity, users = (pa.concat_tables(pair) for pair in pairs)
        return type(self)(plays, activity, self.tracks, users)

    def since(self, day: date) -> Self:
        """Keep the rows from a UTC date on."""
        first = pa.scalar(datetime(day.year, day.month, day.day, tzinfo=UTC), EVENT_TIME)
        plays, activity = (
            table.filter(pc.greater_equal(table["event_time"], first)) for table in (self.plays, self.activity)
        )
        return type(self)(plays, activity, self.tracks, self.users)


def read_world_rows(world: World, dates: Collection[str] | None = None) -> WorldRows:
    """Read a world's raw rows and its static tables; only of some UTC dates where they are given.

    Raises WorldError where a table is missing.
    """
    plays, activity = (_read_topic(world, topic, dates) for topic in (PLAYS, ACTIVITY))
    return WorldRows(plays, activity, _read_static(world, "tracks"), _read_static(world, "users"))


def world_rows(plays: pa.Table, activity: pa.Table, tracks: pa.Table, users: pa.Table) -> WorldRows:
    """Take rows and static tables that are in memory already, with the columns of a world's files."""
    return WorldRows(
        _with_ids(plays, PLAYS),
        _with_ids(activity, ACTIVITY),
        _of_schema(tracks, _static_schema("tracks")),
        _of_schema(users, _static_schema("users")),
    )


def _with_ids(table: pa.Table, topic: str) -> pa.Table:
    return table.select(USED[topic]).append_column("id_hash", pa.array(hashes(table[ID_FIELD[topic]])))


def _read_topic(world: World, topic: str, dates: Collection[str] | None) -> pa.Table:
    names, files = USED[topic], world.raw_files(topic)
    if dates is not None:
        # without a date there is still a schema
        files = [file for file in files if file.parent.name.removeprefix("date=") in dates] or files[:1]
    # one file at a time: read together, the `date=…` in the path would become a column
    table = pa.concat_tables([_read_file(file, names) for file in files], promote_options="permissive")
    if dates is not None and files[0].parent.name.removeprefix("date=") not in dates:
        table = table.slice(0, 0)
    return _with_ids(table, topic)


def _read_file(path: Path, names: Sequence[str]) -> pa.Table:
    """Read columns of a file; one that it lacks is null."""
    file = open_parquet(path)
    table = file.read(columns=[name for name in names if name in file.schema_arrow.names])
    for name in names:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), pa.string()))
    table = table.select(names)
    position = table.column_names.index("event_time")
    return table.set_column(position, "event_time", table["event_time"].cast(EVENT_TIME, safe=False))


def _read_static(world: World, name: str) -> pa.Table:
    return read_static_folder(world.static(name), name)


def read_static_folder(folder: Path, name: str) -> pa.Table:
    """Read a folder of a static table, parquet or CSV, with the contract's schema."""
    schema = _static_schema(name)
    parts = [_of_schema(read_parquet(file), schema) for file in sorted(folder.glob("*.parquet"))]
    parts += [_of_schema(_read_csv(file, schema), schema) for file in sorted(folder.glob("*.csv"))]
    return pa.concat_tables(parts)


def _static_schema(name: str) -> pa.Schema:
    return pa.schema([(column.name, _TYPES.get(column.type, pa.string())) for column in STATIC[name]])


def _read_csv(file: Path, schema: pa.Schema) -> pa.Table:
    types = {field.name: field.type for field in schema}
    options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    return pyarrow.csv.read_csv(file, convert_options=options)


def _of_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
