"""A world of fifty plays and a broker with empty topics."""

from pathlib import Path

import pytest

from ops.stack.broker import Broker
from producer.replay import batches
from tests.producer.empty_topics import empty_topics
from tests.producer.raw_world import at, write_raw
from tests.producer.replay.replayed import ACTIVITY_TIMES, PLAY_TIMES, Setting


@pytest.fixture
def setting(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setattr(batches, "ROWS_PER_BATCH", 10)
    world = write_raw(tmp_path / "data" / "w", at(*PLAY_TIMES), at(*ACTIVITY_TIMES))
    empty_topics(broker.kafka)
    return Setting(world, broker.kafka)
