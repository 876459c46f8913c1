"""The pages, served on a free port of this process, over a tiny world and topics that move by themselves."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, Page, expect

from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.state import AppState
from consumer_viz.feed.counts import PlotBatch, Snapshot
from consumer_viz.feed.messages import Alert, FraudWindow
from runtime.world import World
from tests.consumer_viz.dashboard.tiny_world import TOKEN, make_state

SLOW_MS = 120_000
"""Only a fault takes so long, not a machine that does much else."""


class MovingTopics:
    """A feed that has sent a batch a second for `lead_s`, and goes on as the clock does."""

    def __init__(self, lead_s: int = 120) -> None:
        self._began = time.time() - lead_s

    def snapshot(self, since: float = 0) -> Snapshot:
        now = time.time()
        seconds = range(int(self._began), int(now))
        batches = tuple(PlotBatch(ts, ts, 200, 120 + ts % 7, 280 - ts % 11) for ts in seconds if ts >= since)
        ends = [ts for ts in seconds if ts % 10 == 0]
        windows = tuple(FraudWindow(end - 120.0, float(end), 50, end // 10 % 5, 90, end) for end in ends)
        alerts = tuple(Alert(f"u{ts}:1", float(ts), ts - 4.0) for ts in seconds if ts % 60 < 3)
        return Snapshot(now, batches, windows, 200 * len(batches), 280 * len(batches), alerts=alerts)


@contextmanager
def serving(state: AppState, token: str) -> Iterator[str]:
    """Serve a state on a free port; yields the address with its token."""
    config = uvicorn.Config(create_app(state), log_level="error", timeout_graceful_shutdown=1, ws="none")
    server = uvicorn.Server(config)
    # it listens before the server runs: who comes early waits in line, and nobody has to ask whether it is up
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}/?token={token}"
        finally:
            server.should_exit = True
            thread.join(20)


@contextmanager
def serving_copy(world: World, folder: Path) -> Iterator[tuple[AppState, str]]:
    """Serve a copy of a world, so that no test sees what another one decided; yields the state and the address."""
    state = make_state(World(Path(shutil.copytree(world.root, folder / world.name))))
    state.feed = MovingTopics()
    with serving(state, TOKEN) as address:
        yield state, address


@contextmanager
def new_analyst(browser: Browser) -> Iterator[Page]:
    """Open a page of an analyst whom the browser does not know yet."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(SLOW_MS)
    expect.set_options(timeout=SLOW_MS)
    yield context.new_page()
    context.close()
