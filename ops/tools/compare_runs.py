"""Compare two worlds: what was simulated, file by file, and what was computed from it, column by column.

    python -m ops.tools.compare_runs A B

A and B are folders of worlds (`data/<world>`). Compared is every part that one of them has:

- raw, static and truth files, by SHA-256;
- `lake/sessions` of the current version, or `scored_sessions`, the same table made in batch from raw rows;
- `user_days`, in the lake and next to the raw tables.

Rows are matched by their key. Null and NaN are equal. Nothing is rounded: numbers that differ in one bit differ.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from ops.errors import OpsError
from runtime.arrays import Bools, Ints
from runtime.lake import committed_files
from runtime.parquet import read_parquet
from runtime.world import World

SOURCE_FOLDERS = ("raw", "static", "truth")
SESSION_KEY, USER_DAY_KEY = ("session_key",), ("user_id", "local_date")
TIMES_OF_THE_RUN = ("scored_at", "ts")
"""Columns that hold the time of scoring or sending: they differ between any two runs."""
UNORDERED_BY = {"track_counts": "track_id"}
"""Lists without an order, with the field that they are sorted by before they are compared."""
MAX_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class PartComparison:
    """One part of two worlds: a line on what was compared, and a line per difference."""

    summary: str
    differences: list[str] = field(default_factory=list)


def compare_worlds(a: World, b: World) -> list[PartComparison]:
    """Compare every part that one of two worlds has. Raises OpsError where they have none."""
    parts = [_compare_files(name, a.root / name, b.root / name) for name in SOURCE_FOLDERS]
    lakes = [world.unit for world in (a, b)]
    parts += [
        _compare_tables("lake/sessions", SESSION_KEY, *(committed_files(unit.table("sessions")) for unit in lakes)),
        _compare_tables("lake/user_days", USER_DAY_KEY, *(_user_days(unit.table("user_days")) for unit in lakes)),
    ]
    for name, key in {"scored_sessions": SESSION_KEY, "user_days": USER_DAY_KEY}.items():
        parts.append(_compare_tables(name, key, *(_parquet_files(world.from_raw(name)) for world in (a, b))))
    compared = [part for part in parts if part is not None]
    if not compared:
        raise OpsError(f"nothing to compare in {a.root} and {b.root}: expected the folders of two worlds")
    return compared


def _compare_files(name: str, a: Path, b: Path) -> PartComparison | None:
    hashes_a, hashes_b = ({str(f.relative_to(root)): _sha256(f) for f in _files(root)} for root in (a, b))
    if not hashes_a and not hashes_b:
        return None
    equal = [file for file in hashes_a if hashes_b.get(file) == hashes_a[file]]
    differences = [f"only in A: {name}/{file}" for file in sorted(hashes_a.keys() - hashes_b.keys())]
    differences += [f"only in B: {name}/{file}" for file in sorted(hashes_b.keys() - hashes_a.keys())]
    for file in sorted(hashes_a.keys() & hashes_b.keys()):
        if hashes_a[file] != hashes_b[file]:
            differences.append(f"{name}/{file}: SHA-256 {hashes_a[file][:12]}… in A, {hashes_b[file][:12]}… in B")
    both = hashlib.sha256("".join(f"{file} {hashes_a[file]}\n" for file in sorted(equal)).encode()).hexdigest()
    return PartComparison(f"{name}: {len(equal):,} files with the same SHA-256 (of all: {both[:16]}…)", differences)


def _files(root: Path) -> Iterator[Path]:
    return (file for file in sorted(root.rglob("*")) if file.is_file())


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _user_days(table: Path) -> list[Path]:
    return committed_files(table) or _parquet_files(table)  # a folder of before 0.2.0


def _parquet_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


def _compare_tables(
    name: str, key: Sequence[str], files_a: Sequence[Path], files_b: Sequence[Path]
) -> PartComparison | None:
    if not files_a and not files_b:
        return None
    if not files_a or not files_b:
        return PartComparison(f"{name}: in one world only", [f"{name} is missing in {'A' if not files_a else 'B'}"])
    a, b = (pa.concat_tables([read_parquet(f) for f in files]) for files in (files_a, files_b))
    keys_a, keys_b = _keys(a, key), _keys(b, key)
    differences = [f"{name} {what}" for what in _compare_keys(keys_a, keys_b)]
    index_b = {row_key: row for row, row_key in enumerate(keys_b)}
    pairs = [(row, index_b[row_key]) for row, row_key in enumerate(keys_a) if row_key in index_b]
    rows_a, rows_b = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    names_a, names_b = a.schema.names, b.schema.names
    differences += [f"{name}: column {column} is only in A" for column in names_a if column not in names_b]
    differences += [f"{name}: column {column} is only in B" for column in names_b if column not in names_a]
    columns = [column for column in names_a if column in names_b and column not in TIMES_OF_THE_RUN]
    for column in columns:
        values_a, values_b = (table[column].take(pa.array(rows)) for table, rows in ((a, rows_a), (b, rows_b)))
        differ = np.flatnonzero(_differ(column, values_a, values_b))
        if len(differ):
            differences.append(f"{name}.{column}: {_examples(differ, values_a, values_b, [keys_a[i] for i in rows_a])}")
    return PartComparison(
        f"{name}: {len(pairs):,} rows with the same key, {len(columns)} columns compared", differences
    )


def _keys(table: pa.Table, key: Sequence[str]) -> list[tuple[object, ...]]:
    return list(zip(*(table[name].to_pylist() for name in key), strict=True))


def _compare_keys(a: Sequence[tuple[object, ...]], b: Sequence[tuple[object, ...]]) -> Iterator[str]:
    for name, keys, others in (("A", a, {*b}), ("B", b, {*a})):
        if len({*keys}) < len(keys):
            yield f"has {len(keys) - len({*keys}):,} rows with the key of another row in {name}"
        alone = [row_key for row_key in keys if row_key not in others]
        if alone:
            shown = ", ".join(map(_text, alone[:MAX_EXAMPLES]))
            yield f"has {len(alone):,} rows that are only in {name}, such as {shown}"


def _differ(name: str, a: pa.ChunkedArray, b: pa.ChunkedArray) -> Bools:
    """Return which values differ; null and NaN are equal."""
    if pa.types.is_floating(a.type) and pa.types.is_floating(b.type):
        values_a, values_b = a.to_numpy(), b.to_numpy()  # null becomes NaN
        return ~((values_a == values_b) | (np.isnan(values_a) & np.isnan(values_b)))
    lists = [column.to_pylist() for column in (a, b)]
    if name in UNORDERED_BY:
        by = UNORDERED_BY[name]
        lists = [[None if v is None else sorted(v, key=lambda item: str(item[by])) for v in values] for values in lists]
    return np.array([repr(x) != repr(y) for x, y in zip(*lists, strict=True)], bool)


def _examples(differ: Ints, a: pa.ChunkedArray, b: pa.ChunkedArray, keys: Sequence[tuple[object, ...]]) -> str:
    shown = [f"{_text(keys[i])}: {a[i].as_py()} in A, {b[i].as_py()} in B" for i in differ[:MAX_EXAMPLES].tolist()]
    return f"{len(differ):,} rows differ, such as {'; '.join(shown)}"


def _text(row_key: tuple[object, ...]) -> str:
    return " ".join(map(str, row_key))


def main(arguments: Sequence[str]) -> int:
    """Print the comparison of two worlds; return 0 where they are the same, 1 where not, 2 for wrong arguments."""
    if len(arguments) != 2:
        print("usage: python -m ops.tools.compare_runs A B  (folders of two worlds)", file=sys.stderr)
        return 2
    try:
        parts = compare_worlds(*(World(Path(argument).resolve()) for argument in arguments))
    except OpsError as error:
        print(f"compare_runs: {error}", file=sys.stderr)
        return 2
    for part in parts:
        print(part.summary)
        for difference in part.differences:
            print(f"  {difference}")
    is_same = not any(part.differences for part in parts)
    print("the same" if is_same else "DIFFERENT")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
