"""The shop's CSV files into a world: rows as the strings they are, checked, nothing written unless all of it is good.

`raw/browsing` and `raw/transactions` hold the untouched strings of every column, and `event_ms`, the time that rows are
ordered by. `static/{customers,products,categories}` hold copies of the files.
"""

import csv
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.domain import SHOP
from contracts.shop import COLUMNS, ORDER_COLUMN, STATIC, TIME_COLUMN, TOPICS, TS, column_names
from producer.errors import HistoryError
from producer.importers.csv_files import DELIMITERS
from runtime.arrays import Ints
from runtime.units import DAY_MS
from runtime.world import World


@dataclass(frozen=True, slots=True)
class ShopImport:
    """What an import took: rows by file, and by topic how many rows were not in order of time."""

    rows: dict[str, int]
    reordered: dict[str, int]


def import_shop(files: Mapping[str, Path], world: World) -> ShopImport:
    """Import the five files of a shop (the names of contracts.shop.COLUMNS) into a new world.

    Raises HistoryError, which names the file and the line, before anything is written.
    """
    require_new(world)
    tables = {name: read_table(name, path) for name, path in files.items()}
    times = {topic: _times(topic, files[topic], tables[topic]) for topic in TOPICS}
    reordered = {topic: int((np.diff(event_ms) < 0).sum()) for topic, event_ms in times.items()}
    staging = world.root.with_name(f".{world.name}.import")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staged = World(staging)
        for topic in TOPICS:
            _write_days(staged.raw(topic), tables[topic], times[topic])
        newest = _day_of(max(int(event_ms.max()) for event_ms in times.values()))
        for name in STATIC:
            _write_static(staged.root / "static" / name, f"as_of={newest}", name, tables[name])
        world.root.mkdir(parents=True, exist_ok=True)
        world.set_domain(SHOP)
        # raw rows last: a world without them is new, whatever an import that was killed has left
        for folder in ("static", "raw"):
            shutil.rmtree(world.root / folder, ignore_errors=True)
            (staging / folder).rename(world.root / folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return ShopImport({name: len(table) for name, table in tables.items()}, reordered)


def require_new(world: World) -> None:
    """Raise HistoryError where a world has rows already."""
    if any(world.root.glob("raw/*")):
        raise HistoryError(f"world {world.name} has rows already: choose another name with  --world")


def read_table(name: str, path: Path) -> pa.Table:
    """Read one file as a table of strings, its columns in the order of the file; further columns are kept.

    Raises HistoryError where the file cannot be read, lacks a column, or has a word that the contract does not know.
    """
    records = _records(name, path)
    header = [cell.strip() for cell in next(records, (1, []))[1]]
    _check_header(name, path, header)
    rows: list[list[str]] = []
    checked = [(header.index(c.name), c) for c in COLUMNS[name] if c.values]
    for line, cells in records:
        if len(cells) != len(header):
            raise HistoryError(f"{path}, line {line}: {len(cells)} cells, expected {len(header)}: correct the line")
        for index, column in checked:
            if cells[index] not in column.values:
                raise HistoryError(
                    f"{path}, line {line}: {column.name} is {cells[index]!r}: expected {', '.join(column.values)}"
                )
        rows.append(cells)
    if not rows:
        raise HistoryError(f"{path}: no rows after the header: expected the {name} of the shop")
    columns = zip(*rows, strict=True)
    return pa.table({column: pa.array(values, pa.string()) for column, values in zip(header, columns, strict=True)})


def _records(name: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Read the cells of each record, with the line that it begins at."""
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if any("\n" in cell or "\r" in cell for cell in cells):
                    raise HistoryError(f"{path}, line {line}: a quote is left open: correct the line")
                if cells:
                    yield line, cells
                line = reader.line_num + 1
    except FileNotFoundError:
        raise HistoryError(f"{path}: no such file: expected the {name} of the shop as CSV") from None
    except UnicodeDecodeError:
        raise HistoryError(f"{path}: not UTF-8 text: save it as UTF-8") from None
    except csv.Error as error:
        reason = "a quote is left open" if "end of data" in str(error) else str(error)
        raise HistoryError(f"{path}, line {line}: {reason}: correct the line") from None


def _check_header(name: str, path: Path, header: list[str]) -> None:
    expected = column_names(name)
    if twice := [column for column, count in Counter(header).items() if count > 1]:
        raise HistoryError(f"{path}: column {twice[0]} is there twice: take one of them out")
    if taken := [column for column in (TS, ORDER_COLUMN) if name in TOPICS and column in header]:
        raise HistoryError(f"{path}: column {taken[0]} is one that the replay adds: take it out")
    missing = [column for column in expected if column not in header]
    if not missing:
        return
    other = next((d for d in DELIMITERS if d != "," and len(header) == 1 and header[0].count(d) >= 1), None)
    if other is not None:
        shown = "a tab" if other == "\t" else repr(other)
        raise HistoryError(f"{path}: its separator is {shown}: expected ',': save it with commas")
    raise HistoryError(f"{path}: no column {', '.join(missing)}: expected {', '.join(expected)}")


def _times(topic: str, path: Path, table: pa.Table) -> Ints:
    """Return the times of a topic's rows as epoch milliseconds. Raises HistoryError for what is no time."""
    texts = table[TIME_COLUMN[topic]].to_pylist()
    times = np.empty(len(texts), np.int64)
    for index, text in enumerate(texts):
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise HistoryError(
                f"{path}, row {index + 1}: {TIME_COLUMN[topic]} is {text!r}: "
                f"expected a time such as 2024-01-01 00:20:54.302"
            ) from None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        times[index] = round(at.timestamp() * 1000)
    return times


def _write_days(folder: Path, table: pa.Table, event_ms: Ints) -> None:
    order = np.argsort(event_ms, kind="stable")
    event_ms = event_ms[order]
    table = table.take(pa.array(order)).append_column(ORDER_COLUMN, pa.array(event_ms))
    days = event_ms // DAY_MS
    edges = [*np.flatnonzero(np.diff(days, prepend=days[0] - 1)).tolist(), len(days)]
    for start, end in pairwise(edges):
        day = folder / f"date={_day_of(int(event_ms[start]))}"
        day.mkdir(parents=True)
        pq.write_table(table.slice(start, end - start), day / "part.parquet")


def _write_static(folder: Path, version: str, name: str, table: pa.Table) -> None:
    target = folder / version
    target.mkdir(parents=True)
    with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column_names(name))
        writer.writerows(zip(*(table[column].to_pylist() for column in column_names(name)), strict=True))
    (folder / "CURRENT").write_text(version + "\n")


def _day_of(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).date().isoformat()
