"""The simulator on Spark: the bytes of one process."""

import re
from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession

from producer.simulator.build import build
from producer.simulator.output.datasheet import NAME
from producer.simulator.scenario import load_scenario
from producer.simulator.sharded import on_spark
from runtime.world import World

TINY = replace(
    load_scenario("demo"),
    users=260,
    days=2,
    families={"loop30": {}, "farm": {"accounts": 8}},
    negatives={"sleep": 0.05},
)


def checksums(folder: Path, shards: int, spark: SparkSession | None = None) -> dict[str, str]:
    """Build the tiny world and return the SHA-256 of its files as its datasheet lists them."""
    build(TINY, World(folder), shards=shards, elsewhere=on_spark(spark) if spark else None)
    lines = re.findall(r"^([0-9a-f]{64})  (\S+)$", (folder / NAME).read_text(), re.MULTILINE)
    return {path: total for total, path in lines}


def test_spark_makes_the_bytes_of_one_two_and_seven_shards(spark: SparkSession, tmp_path: Path) -> None:
    one = checksums(tmp_path / "1", 1)
    assert len(one) == 2 * 2 * 2 + 2 + 2 + 2  # raw and truth by topic and day, static with pointers, truth of accounts
    assert checksums(tmp_path / "2", 2) == one
    assert checksums(tmp_path / "7", 7) == one
    assert checksums(tmp_path / "spark", 3, spark) == one


def test_calls_on_spark_come_back_in_the_order_of_their_arguments(spark: SparkSession) -> None:
    assert list(on_spark(spark)(pow, [2, 3, 4], [5, 1, 2])) == [32, 3, 16]
