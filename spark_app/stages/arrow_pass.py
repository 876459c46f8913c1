"""Several steps over the Arrow batches of a DataFrame, in one pass through Python."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce

import pyarrow as pa
from pyspark.sql import DataFrame

from contracts.column import Column
from contracts.tables import ddl

BatchStep = Callable[[pa.RecordBatch], pa.RecordBatch]
"""A pure function from an Arrow batch to the next one, with a row for each of its rows."""
ArrowPass = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]
"""What a task does to its Arrow batches."""


@dataclass(frozen=True, slots=True)
class BeforeLastPass:
    """Rows before their last pass through Python: a writer in Python writes in that same pass.

    Spark generates code for each task that takes rows from Python. For the columns of a session that was a fifth of the
    JVM's CPU in small micro-batches (docs/latency.md).
    """

    rows: DataFrame
    last_pass: ArrowPass
    columns: tuple[Column, ...]
    """What the pass gives."""

    def run(self) -> DataFrame:
        """Return `columns`, after the pass."""
        return self.rows if self.last_pass is iter else self.rows.mapInArrow(self.last_pass, ddl(self.columns))


def in_one_pass(rows: DataFrame, *steps: BatchStep, columns: Sequence[Column]) -> DataFrame:
    """Apply `steps` in order to each Arrow batch of `rows`; return `columns`, which the last step must give.

    Every batch goes to a Python worker and back once. A pass per step cost 375 CPU-seconds where one pass for all cost
    308 (docs/studies/bench.md).
    """
    return rows.mapInArrow(partial(run_steps, steps=steps), ddl(tuple(columns)))


def run_steps(batches: Iterable[pa.RecordBatch], steps: Sequence[BatchStep]) -> Iterator[pa.RecordBatch]:
    """Apply `steps` in order to each Arrow batch."""
    for batch in batches:
        if batch.num_rows:
            yield reduce(lambda result, step: step(result), steps, batch)
