"""One tiny world for the tests that only read it, a fresh one for those that decide."""

import shutil
from pathlib import Path

import pytest

from consumer_viz.dashboard.state import Desk
from runtime.world import World
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.desks import flagged_users, make_desk, make_world


@pytest.fixture(scope="session")
def users() -> list[str]:
    return flagged_users(3)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, users: list[str]) -> World:
    world = make_world(tmp_path_factory.mktemp("desk"), users)
    make_desk(world)
    return world


@pytest.fixture
def desk(tiny: World, tmp_path: Path) -> Desk:
    root = tmp_path / "tiny"
    shutil.copytree(tiny.root, root)
    return make_desk(World(root))


@pytest.fixture
def ana(desk: Desk) -> Browser:
    return Browser(desk)


@pytest.fixture
def ben(desk: Desk, ana: Browser) -> Browser:
    return Browser(desk, "ben", ana.client.app)
