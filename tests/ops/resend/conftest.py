"""A world with rejected rows."""

from pathlib import Path

import pytest

from ops.stack.broker import Broker
from runtime.world import World
from tests.ops.resend.rejected_rows import send_messages, write_rejected


@pytest.fixture
def world(broker: Broker, tmp_path: Path) -> World:
    """Three messages of topic plays, and what the job rejected of them."""
    made = World(tmp_path / "w")
    send_messages(broker)
    write_rejected(made)
    return made
