"""Arrow batches cut where Spark likes, to tables cut between accounts."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

ROWS_AT_ONCE = 400_000
"""Rows from which a table is handed on: large enough that NumPy's calls weigh nothing, small enough for any worker."""


def whole_groups(batches: Iterable[pa.RecordBatch], key: str, at_least: int = ROWS_AT_ONCE) -> Iterator[pa.Table]:
    """Yield tables that hold every row of each of their keys; rows come with equal keys side by side.

    >>> rows = [pa.RecordBatch.from_pydict({"k": list(text)}) for text in ("aab", "bbc", "c")]
    >>> ["".join(table["k"].to_pylist()) for table in whole_groups(rows, "k", at_least=2)]
    ['aa', 'bbb', 'cc']
    """
    held: list[pa.RecordBatch] = []
    rows, enough = 0, at_least
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows < enough:
            continue
        table = pa.Table.from_batches(held)
        last = pc.index(table[key], table[key][-1]).as_py()
        if last:
            yield table.slice(0, last)
        held = table.slice(last).to_batches()
        rows = table.num_rows - last
        # one account alone may hold more than that: look again only when as much more has come
        enough = max(at_least, 2 * rows)
    if rows:
        yield pa.Table.from_batches(held)
