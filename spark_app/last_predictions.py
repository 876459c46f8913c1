"""The newest predictions of a world, read from its parquet files without Spark: what `playproof job show` prints."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.domain import MUSIC
from models.tables.sessions import SCORED_IN_BATCH
from runtime.lake import committed_files
from runtime.monitoring.progress import job_record
from runtime.parquet import read_parquet
from runtime.world import World, WorldError
from spark_app.queries.console import local_time, table

COLUMNS = (
    "session_key", "user_id", "scored_at", "rawPrediction", "probability", "prediction", "reasons", "model_version",
)  # fmt: skip
SHOWN = 20
ENOUGH = 10
"""Times the rows that are asked for, read before the newest are taken: a micro-batch writes several files."""

Row = dict[str, Any]


def read_newest(world: World, count: int = SHOWN, *, is_flagged: bool = False) -> list[Row]:
    """Return the sessions that were scored last, newest first, with COLUMNS; only flagged ones where `is_flagged`.

    Raises WorldError where there is none.

    They are those of the job; where it has not run, those of `playproof job score-history`.
    """
    files = committed_files(world.unit.table(world.domain.session_table))
    files = files or sorted(world.from_raw(SCORED_IN_BATCH).glob("*.parquet"))
    version = str(job_record(world.unit).get("model_version", "unknown"))
    rows: list[Row] = []
    for file in reversed(files):
        # the newest files are last in the log, a few of one micro-batch
        of_file = _read(file) if world.domain == MUSIC else _read_shop(file, version)
        rows += [row for row in of_file if row["prediction"] or not is_flagged]
        if len(rows) >= ENOUGH * count:
            break
    if files and not rows:
        raise WorldError(f"no session of world {world.name} is flagged: show all of them, without  --flagged")
    if not rows:
        raise WorldError(
            f"world {world.name} has no scored session yet: run  playproof job run --world {world.name}  "
            f"while  playproof replay --world {world.name}  sends its rows"
        )
    return sorted(rows, key=lambda row: (row["scored_at"], row["session_key"]), reverse=True)[:count]


def _read(file: Path, columns: Sequence[str] = COLUMNS) -> list[Row]:
    content = read_parquet(file, list(columns))
    scored_at = content["scored_at"].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    return content.set_column(content.column_names.index("scored_at"), "scored_at", scored_at).to_pylist()


def _read_shop(file: Path, version: str) -> list[Row]:
    """Read the sessions of a shop, with COLUMNS: its table has other names, and its models give no reasons."""
    names = {"session_id": "session_key", "customer_id": "user_id"}
    given = {"reasons": None, "model_version": version}
    rows = _read(file, [*names, *COLUMNS[2:6]])
    return [{names.get(name, name): value for name, value in row.items()} | given for row in rows]


def to_json(rows: Sequence[Row]) -> list[Row]:
    """Return the rows for JSON: times in ISO 8601."""
    return [{**row, "scored_at": row["scored_at"].isoformat(timespec="milliseconds")} for row in rows]


def format_table(rows: Sequence[Row], time_zone: str) -> str:
    """Return the rows as a table for the console, with the models that scored them above it."""
    models = ", ".join(sorted({row["model_version"] for row in rows}))
    return table(
        f"last {len(rows)} predictions, by {models}",
        ["scored", "session", "rawPrediction", "probability", "prediction", "reasons"],
        [
            [
                local_time(row["scored_at"], time_zone),
                row["session_key"],
                _numbers(row["rawPrediction"]),
                _numbers(row["probability"]),
                row["prediction"],
                format_reasons(row["reasons"]),
            ]
            for row in rows
        ],
        rows_shown=len(rows),
    )


def _numbers(values: Sequence[float]) -> str:
    return f"[{', '.join(f'{value:.4f}' for value in values)}]"


def format_reasons(reasons: Sequence[Row] | None) -> str:
    """Write the features that raise a score; a model of somebody's own gives none.

    >>> format_reasons([{"feature": "plays", "value": 80.0}, {"feature": "n_ips", "value": None}])
    'plays 80, n_ips unknown'
    >>> format_reasons(None), format_reasons([])
    ('no reasons from this model', 'none')
    """
    if reasons is None:
        return "no reasons from this model"
    texts = (f"{r['feature']} {'unknown' if r['value'] is None else format(r['value'], '.3g')}" for r in reasons)
    return ", ".join(texts) or "none"
