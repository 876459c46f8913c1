"""Read parquet files, and name the one that cannot be read: a copy that was cut, or a disk that gave other bytes."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from runtime.errors import PlayproofError


class ParquetError(PlayproofError, ValueError):
    """A parquet file cannot be read; the message names it. A ValueError too, as pyarrow's own."""


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a parquet file. Raises ParquetError, and FileNotFoundError where there is none."""
    with _named(path):
        return pq.ParquetFile(path)


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a parquet file, or some columns of it. Raises ParquetError, and FileNotFoundError where there is none.

    The folders of the path add no column.
    """
    with _named(path):
        return pq.ParquetFile(path).read(columns=None if columns is None else list(columns))


def count_rows(files: Iterable[Path]) -> int:
    """Count the rows of parquet files by their footers. Raises as `open_parquet`."""
    return sum(open_parquet(path).metadata.num_rows for path in files)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).split(". ")[0].rstrip(".")
        raise ParquetError(
            f"{path} is not a readable parquet file ({reason}): copy it again, or make it again by the command that "
            "wrote it"
        ) from None
