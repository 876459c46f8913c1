"""The static tables `user_baselines` and `device_links` of a date, computed from the 28 days before it."""

from datetime import date, timedelta
from pathlib import Path

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from contracts.user_day_features import HISTORY_DAYS
from runtime.world import World
from spark_app.batch.user_days import Source, baseline_quantities, keep_files
from spark_app.errors import JobError
from spark_app.stages.user_days.baselines import device_links, user_baselines


def read_date(text: str, option: str = "--as-of") -> date:
    """Read a date from the command line. Raises JobError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise JobError(f"{option} {text!r}: expected a date such as 2025-03-31") from None


def build(spark: SparkSession, world: World, source: Source, as_of: date) -> dict[str, int]:
    """Write both tables of a date and let CURRENT name them; return their numbers of rows.

    A folder is immutable: a running stream may be reading it. Raises JobError where one of that date exists.
    """
    folders = {name: world.root / "static" / name / f"as_of={as_of}" for name in ("user_baselines", "device_links")}
    for folder in folders.values():
        if folder.exists():
            raise JobError(
                f"static/{folder.parent.name}/{folder.name} exists and may be in use: take another --as-of, "
                "or remove that folder while no job runs"
            )
    # a local day may begin 14 hours before the UTC date of its name and end 12 hours after
    utc = as_of - timedelta(HISTORY_DAYS + 1), as_of
    with keep_files(world, source):
        days = baseline_quantities(spark, world, source, utc).persist(StorageLevel.DISK_ONLY)
        tables = {"user_baselines": user_baselines(days, as_of), "device_links": device_links(days, as_of)}
        return {name: _write(table, folders[name]) for name, table in tables.items()}


def _write(table: DataFrame, folder: Path) -> int:
    """Write the folder under another name and rename it, so that it is complete or absent; then let CURRENT name it."""
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    table.coalesce(1).write.mode("overwrite").parquet(str(unfinished))
    unfinished.rename(folder)
    pointer = folder.with_name(".CURRENT.new")
    pointer.write_text(f"{folder.name}\n")
    pointer.replace(folder.with_name("CURRENT"))
    return table.sparkSession.read.parquet(str(folder)).count()
