"""Arrow batches, which Spark cuts anywhere, to tables that hold complete groups of rows."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

MIN_TABLE_ROWS = 400_000
"""Rows of a table, at least: enough to make the cost of NumPy's calls small, few enough for any worker's memory."""


def complete_groups(batches: Iterable[pa.RecordBatch], key: str, min_rows: int = MIN_TABLE_ROWS) -> Iterator[pa.Table]:
    """Yield tables that hold every row of each of their keys. The rows must come grouped by key.

    >>> rows = [pa.RecordBatch.from_pydict({"k": list(text)}) for text in ("aab", "bbc", "c")]
    >>> ["".join(table["k"].to_pylist()) for table in complete_groups(rows, "k", min_rows=2)]
    ['aa', 'bbb', 'cc']
    """
    held: list[pa.RecordBatch] = []
    rows, wanted = 0, min_rows
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows < wanted:
            continue
        table = pa.Table.from_batches(held)
        last = pc.index(table[key], table[key][-1]).as_py()
        if last:
            yield table.slice(0, last)
        held = table.slice(last).to_batches()
        rows = table.num_rows - last
        # one group alone may be larger than that: look again only when as many more rows have come
        wanted = max(min_rows, 2 * rows)
    if rows:
        yield pa.Table.from_batches(held)
