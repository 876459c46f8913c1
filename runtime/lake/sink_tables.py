"""Tables in the form that Spark writes by itself: those of a shop, and of a version before Delta tables.

A crash leaves part files that no micro-batch committed; a glob would count them. Spark's file sink names the committed
ones in `_spark_metadata`; a table that `foreachBatch` wrote is folders `batch_id=N`, complete once `_SUCCESS` exists.
"""

import json
from pathlib import Path
from urllib.parse import unquote, urlparse

from runtime.errors import CheckpointError

SINK_LOG = "_spark_metadata"


def sink_files(table: Path) -> list[Path]:
    """List the committed parquet files of such a table. Raises CheckpointError where its log is damaged."""
    log = table / SINK_LOG
    if log.is_dir():
        return _from_log(log)
    files: list[Path] = []
    for folder in sorted(table.glob("batch_id=*")):
        if (folder / "_SUCCESS").exists():
            files += sorted(folder.rglob("*.parquet"))  # some tables are partitioned below the batch
    return files


def numbered_files(folder: Path) -> dict[int, Path]:
    """List the files of a log of Spark's by micro-batch; empty where the folder does not exist."""
    named = ((path.name.removesuffix(".compact"), path) for path in folder.glob("[0-9]*"))
    return {int(name): path for name, path in named if name.isdigit()}


def since_compaction(log: Path) -> dict[int, Path]:
    """List the files of a log that count: from its last `.compact` on, which has all that was before it."""
    files = numbered_files(log)
    first = max((n for n, file in files.items() if file.suffix == ".compact"), default=-1)
    return {n: file for n, file in files.items() if n >= first}


def _from_log(log: Path) -> list[Path]:
    batches = since_compaction(log)
    files: list[Path] = []
    for n in sorted(batches):
        try:
            entries = [json.loads(line) for line in batches[n].read_text().splitlines()[1:]]  # the first is a version
            added = [entry["path"] for entry in entries if entry["action"] == "add"]
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{batches[n]} is unreadable ({error}): restore it from a copy") from None
        files += [_moved_with(log.parent, unquote(urlparse(path).path)) for path in added]
    return files


def _moved_with(table: Path, recorded: str) -> Path:
    """Return a file's path below the table: the log has absolute paths, and the world may have been moved or copied."""
    parts = Path(recorded).parts
    below = max((i for i, part in enumerate(parts) if part == table.name), default=len(parts) - 2) + 1
    return table.joinpath(*parts[below:])
