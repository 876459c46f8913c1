"""Fixtures that cost seconds, made once for the whole run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from producer.broker import Broker, running
from producer.ports import free_port

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


QUICK_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""Serial collector, first compiler only: short runs take half the time."""
os.environ["PLAYPROOF_SPARK_JVM_FLAGS"] = QUICK_JVM  # for the jobs that tests start as processes


# a busy neighbour is no fault of ours: the time of an example says nothing
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real embedded broker on a free port, empty: tests make the topics they use, under names of their own."""
    with running(tmp_path_factory.mktemp("broker"), f"127.0.0.1:{free_port()}") as up:
        yield up


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The one small Spark of a run: two cores, one shuffle partition, serial collector, C1 only: 2× quicker to test."""
    from spark_app.session import build_session

    session = build_session(
        "tests",
        master="local[2]",
        partitions=1,
        memory="1g",
        with_kafka=False,
        jvm_flags=QUICK_JVM,
    )
    yield session
    session.stop()
