"""Tables written by `foreachBatch`: one folder `batch_id=N` per micro-batch, so that a repeated one replaces itself."""

from pathlib import Path

from pyspark.sql import DataFrame


def write_batch_folder(rows: DataFrame, table: Path, batch_id: int, *partition_by: str) -> None:
    """Overwrite the folder of one micro-batch; complete once `_SUCCESS` exists (runtime.lake reads only those)."""
    folder = table / f"batch_id={batch_id}"
    rows.write.mode("overwrite").partitionBy(*partition_by).parquet(str(folder))
    # half of a report's files, of which there are thousands a day; a file without one is read unchecked
    for checksum in folder.rglob(".*.crc"):
        checksum.unlink()
