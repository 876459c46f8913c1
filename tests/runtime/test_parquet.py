"""A parquet file that cannot be read is named in one line, whichever way it is broken."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.parquet import ParquetError, count_rows, open_parquet, read_parquet

CONTENT = pa.table({"a": list(range(500)), "b": [f"text {i}" for i in range(500)]})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("date=2025-03-03") / "part.parquet"
    pq.write_table(CONTENT, path)
    return path


def test_a_whole_file_is_read_without_a_column_from_its_folders(whole: Path) -> None:
    assert read_parquet(whole).equals(CONTENT)
    assert read_parquet(whole, ["b"]).column_names == ["b"]
    assert count_rows([whole, whole]) == 1000


@given(share=st.floats(0, 0.999))
def test_a_file_that_was_cut_anywhere_is_named(whole: Path, share: float) -> None:
    cut = whole.with_name("cut.parquet")
    content = whole.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    for read in (read_parquet, open_parquet, lambda path: count_rows([path])):
        with pytest.raises(
            ParquetError, match=r"cut\.parquet is not a readable parquet file .*: copy it again"
        ) as refused:
            read(cut)
        assert "\n" not in str(refused.value)


def test_a_file_with_other_bytes_in_its_middle_is_named(whole: Path) -> None:
    broken = whole.with_name("broken.parquet")
    content = bytearray(whole.read_bytes())
    content[4:200] = bytes(196)
    broken.write_bytes(content)
    with pytest.raises(ParquetError, match=r"broken\.parquet is not a readable parquet file"):
        read_parquet(broken)


def test_a_file_that_is_not_there_stays_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_parquet(tmp_path / "none.parquet")
