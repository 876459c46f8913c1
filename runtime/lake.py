"""Which files of a table count: readers outside Spark list them here.

A crash leaves part files that no batch committed; a glob would count them. Spark's file sink names the committed ones
in `_spark_metadata`; tables written by `foreachBatch` are folders `batch_id=N`, complete once `_SUCCESS` stands.
"""

import json
from pathlib import Path
from urllib.parse import unquote, urlparse


def committed_files(table: Path) -> list[Path]:
    """List a table's committed parquet files; empty where the table does not exist yet."""
    log = table / "_spark_metadata"
    if log.is_dir():
        return _from_log(log)
    files: list[Path] = []
    for folder in sorted(table.glob("batch_id=*")):
        if (folder / "_SUCCESS").exists():
            files += sorted(folder.rglob("*.parquet"))  # some tables are partitioned below the batch
    return files


def _from_log(log: Path) -> list[Path]:
    numbered = ((p.name.removesuffix(".compact"), p) for p in log.iterdir())
    batches = {int(number): p for number, p in numbered if number.isdigit()}
    compacted = [n for n, p in batches.items() if p.suffix == ".compact"]
    first = max(compacted, default=-1)
    files: list[Path] = []
    for n in sorted(batches):
        if n < first:
            continue
        for line in batches[n].read_text().splitlines()[1:]:  # the first line is the log's version
            entry = json.loads(line)
            if entry["action"] == "add":
                files.append(_moved_with(log.parent, unquote(urlparse(entry["path"]).path)))
    return files


def _moved_with(table: Path, recorded: str) -> Path:
    """The log has absolute paths; a world that was moved or copied is still readable by the part below the table."""
    parts = Path(recorded).parts
    below = max((i for i, part in enumerate(parts) if part == table.name), default=len(parts) - 2) + 1
    return table.joinpath(*parts[below:])
