"""The session of the tests, with the settings of the shop's plans."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from spark_app.shop.session import PLANNING


@pytest.fixture(scope="package")
def spark(spark: SparkSession) -> Iterator[SparkSession]:
    """Plan as the job does: otherwise each plan takes many seconds."""
    for key, value in PLANNING.items():
        spark.conf.set(key, value)
    yield spark
    for key in PLANNING:
        spark.conf.unset(key)
