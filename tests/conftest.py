"""Fixtures that cost seconds, made once for the whole run."""

from collections.abc import Iterator

import pytest

from producer.broker import Broker, running
from producer.ports import free_port


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real embedded broker on a free port, empty: tests make the topics they use, under names of their own."""
    with running(tmp_path_factory.mktemp("broker"), f"127.0.0.1:{free_port()}") as up:
        yield up
