"""Fixtures that cost seconds, made once for the whole run."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from ops import cli
from ops.stack.broker import Broker, running
from ops.stack.ports import free_port
from runtime import jvm

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


# for what tests start as processes: short runs take half the time
os.environ["PLAYPROOF_SPARK_JVM_FLAGS"] = jvm.QUICK_FLAGS


FLOW = Path(__file__).parent / "flow"

# A busy neighbour is no fault of ours: how long an example takes says nothing. And a commit passes or fails by what is
# in it: examples are the same in every run. `pytest --hypothesis-profile=default` looks for new ones.
settings.register_profile(
    "same-everywhere", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same-everywhere")


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps the tests of a folder in one process: they share what costs seconds."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder:
    """Hand out folders, where `make test` runs two processes."""
    return ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the flow tests first: they take as long as all others together."""
    items.sort(key=lambda item: FLOW not in item.path.parents)


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    exit_code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of a command that failed."""
        assert self.exit_code == 1, self
        (line,) = self.err.splitlines()
        assert line.startswith("error: ")
        return line


Playproof = Callable[..., Ended]


@pytest.fixture
def playproof(capsys: pytest.CaptureFixture[str]) -> Iterator[Playproof]:
    """Run `playproof …` in this process."""

    def run(*arguments: str) -> Ended:
        code = cli.run(arguments)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    yield run
    for package in cli.OUR_PACKAGES:
        logging.getLogger(package).handlers.clear()


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
        jvm_flags=jvm.QUICK_FLAGS,
    )
    yield session
    session.stop()
