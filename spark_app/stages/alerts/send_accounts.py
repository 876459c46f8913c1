"""The files of `account_lookup` on their way to the workers: Spark sends them once, workers map them."""

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from pyspark import SparkFiles
from pyspark.sql import SparkSession

from spark_app.stages.alerts.account_lookup import AccountLookup


def send_accounts(spark: SparkSession, users: Path, histories: Path) -> Callable[[], AccountLookup]:
    """Send files to every machine of Spark; return what opens them in a worker.

    Their names must be new to this Spark session, and the files stay where they are as long as it runs.
    """
    for file in (users, histories):
        spark.sparkContext.addFile(str(file))
    return partial(_open, users.name, histories.name)


@lru_cache(maxsize=1)
def _open(users: str, histories: str) -> AccountLookup:
    """Map the files, once per worker process."""
    return AccountLookup.open(Path(SparkFiles.get(users)), Path(SparkFiles.get(histories)))
