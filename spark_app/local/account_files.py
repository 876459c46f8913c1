"""A world's static rows and own histories as the files that workers look accounts up in."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa

from runtime.world import World
from spark_app.local.rows import read_static_folder
from spark_app.stages.alerts.account_lookup import HISTORIES, USERS, history_rows, user_rows, write_rows


def write_account_files(world: World, dates: Sequence[date], folder: Path) -> tuple[Path, Path]:
    """Write the static rows, and the own histories of some dates, to two files in `folder`. Raises WorldError.

    Their names begin with that of the folder. One table of a date is in memory at a time.
    """
    users, histories = (folder / f"{folder.name}-{name}.arrow" for name in ("users", "histories"))
    write_rows([user_rows(read_static_folder(world.static("users"), "users"))], USERS, users)
    write_rows(_histories(world, sorted(dates)), HISTORIES, histories)
    return users, histories


def _histories(world: World, dates: Sequence[date]) -> Iterator[pa.RecordBatch]:
    for as_of in dates:
        folder = world.root / "static" / "user_baselines" / f"as_of={as_of}"
        baselines = read_static_folder(folder, "user_baselines")
        yield from history_rows(baselines.append_column("as_of", pa.repeat(pa.scalar(as_of), len(baselines))))
