"""Parquet written from codes is read by others: Arrow, page by page, and Spark."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from producer.simulator.ids import Ids, addresses, digits
from producer.simulator.output import table_file, tables
from producer.simulator.output.columns import Coded, Column, Digits, Plain
from producer.simulator.output.table_file import TableFile
from producer.simulator.output.tables import Writer

TIME = pa.timestamp("ms", tz="UTC")
WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [pa.field("id", pa.string(), False), pa.field("word", WORD, False), pa.field("perhaps", WORD),
     pa.field("at", TIME, False), pa.field("ms", pa.int32(), False), pa.field("is_so", pa.bool_(), False)]
)  # fmt: skip


def columns(rows: int, words: int, seed: int = 1) -> dict[str, Column]:
    """Draw rows of the schema, with words of differing lengths, one of them empty."""
    rng = np.random.default_rng(seed)
    texts = pa.array(["", *(f"{'ü' * (i % 3)}{i}" for i in range(1, words))])
    return {
        "id": Digits(digits(rng.integers(0, 1 << 63, rows, dtype=np.uint64))),
        "word": Coded(rng.integers(0, words, rows, dtype=np.int32), texts),
        "perhaps": Coded(rng.integers(-1, words, rows, dtype=np.int32), texts),
        "at": Plain(1_750_000_000_000 + rng.integers(0, 1 << 40, rows)),
        "ms": Plain(rng.integers(0, 1 << 31, rows).astype(np.int32)),
        "is_so": Plain(rng.random(rows) < 0.5),
    }


def as_arrow(columns: dict[str, Column]) -> pa.Table:
    """Say the same by Arrow's own means."""
    made = []
    for name, column in columns.items():
        if isinstance(column, Coded):
            made.append(column.words.take(pa.array(column.codes, mask=column.codes < 0)))
        elif isinstance(column, Digits):
            made.append(pa.array([bytes(row).decode() for row in column.text.reshape(-1, 16)], pa.string()))
        else:
            made.append(pa.array(column.values).cast(SCHEMA.field(name).type))
    return pa.table(made, names=SCHEMA.names)


def write(path: Path, *tables: dict[str, Column]) -> str:
    with TableFile(path, SCHEMA) as file:
        for table in tables:
            file.write(table)
    return file.sha256


@settings(max_examples=20)
@given(
    groups=st.lists(st.integers(0, 300), max_size=3), words=st.sampled_from((1, 2, 16, 17, 300)), seed=st.integers(0, 9)
)
def test_arrow_reads_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, groups: list[int], words: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("table") / "part.parquet"
    tables = [columns(rows, words, seed + i) for i, rows in enumerate(groups)]
    total = write(path, *tables)
    file = pq.ParquetFile(path)
    found = file.read()
    found.validate(full=True)
    wanted = pa.concat_tables([as_arrow(table) for table in tables] or [as_arrow(columns(0, 2))])
    assert found.cast(wanted.schema).equals(wanted)
    assert file.metadata.num_row_groups == sum(rows > 0 for rows in groups)
    assert total == hashlib.sha256(path.read_bytes()).hexdigest()


def test_more_rows_than_a_page_holds_and_more_words_than_two_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "PAGE_ROWS", 4096)
    table = columns(10_001, 70_000)
    write(tmp_path / "part.parquet", table)
    wanted = as_arrow(table)
    assert pq.read_table(tmp_path / "part.parquet").cast(wanted.schema).equals(wanted)


def test_spark_reads_what_was_written(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_file, "PAGE_ROWS", 512)
    tables = [columns(1_000, 300), columns(7, 1)]
    write(tmp_path / "part.parquet", *tables)
    wanted = pa.concat_tables(map(as_arrow, tables))
    found = spark.read.parquet(str(tmp_path)).toArrow()
    assert found.cast(wanted.schema).sort_by("id").equals(wanted.sort_by("id"))


def test_only_times_have_bounds_and_they_are_right(tmp_path: Path) -> None:
    table = columns(100, 5)
    write(tmp_path / "part.parquet", table)
    group = pq.ParquetFile(tmp_path / "part.parquet").metadata.row_group(0)
    bounded = {group.column(i).path_in_schema: group.column(i).statistics for i in range(group.num_columns)}
    times = as_arrow(table)["at"].sort()
    assert (bounded["at"].min, bounded["at"].max) == (times[0].as_py(), times[-1].as_py())
    assert [name for name, found in bounded.items() if found] == ["at"]


def test_a_null_where_the_schema_allows_none_is_refused_by_name(tmp_path: Path) -> None:
    table = columns(3, 5) | {"word": Coded(np.array([0, -1, 1], np.int32), pa.array(["a", "b"]))}
    with pytest.raises(ValueError, match="column word has a null in rows 0 to 3"):
        write(tmp_path / "part.parquet", table)


def test_addresses_that_are_the_same_by_chance_are_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary with a word twice is read wrongly by Arrow's reader of dictionaries."""
    monkeypatch.setattr(tables, "addresses", lambda words: addresses(np.arange(len(words), dtype=np.uint64) // 2))
    writer = Writer(Ids(7), 1, 1, 1, 1, 20, 1, ())
    column = writer.opaque(np.array([5, 3, -1, 4, 19, 5], np.int32), writer.address)
    assert column.words.to_pylist() == addresses(np.array([0, 1], np.uint64)).to_pylist()
    assert column.codes.tolist() == [1, 0, -1, 0, 1, 1]
