"""One tiny world for the tests that only read it, a fresh one for those that decide."""

import shutil
from pathlib import Path

import pytest

from consumer_viz.dashboard.state import AppState
from runtime.world import World
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import flagged_users, make_state, make_world


@pytest.fixture(scope="session")
def users() -> list[str]:
    return flagged_users(3)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, users: list[str]) -> World:
    world = make_world(tmp_path_factory.mktemp("dashboard"), users)
    make_state(world)
    return world


@pytest.fixture
def state(tiny: World, tmp_path: Path) -> AppState:
    root = tmp_path / "tiny"
    shutil.copytree(tiny.root, root)
    return make_state(World(root))


@pytest.fixture
def ana(state: AppState) -> Browser:
    return Browser(state)


@pytest.fixture
def ben(state: AppState, ana: Browser) -> Browser:
    return Browser(state, "ben", ana.client.app)
