"""Run the pages: one process, loopback, an address with its token printed once."""

import contextlib
import getpass
import logging
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from zoneinfo import ZoneInfo

import uvicorn

from consumer_viz.dashboard.access.sign_in import Door
from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.decisions.outbox import Link, Outbox
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.events.event_stream import Hub
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.state import Desk
from consumer_viz.errors import ServeError
from consumer_viz.feed import metrics
from consumer_viz.feed.consumer import READ, KafkaFeed
from consumer_viz.plot.view import HISTORY_S
from contracts.metrics import PORT_OFFSETS
from contracts.topics import VERDICTS
from models.risk.money import Prices
from runtime.kafka.access import check_access
from runtime.settings import Settings

HOST = "127.0.0.1"
GOODBYE_S = 1
"""Open streams of events are cut after this when the server stops."""


def serve(
    settings: Settings, zone: ZoneInfo, port: int, say: Callable[[str], None], *, is_measured: bool = False
) -> None:
    """Serve the world's pages until stopped; `is_measured` serves the feed's metrics beside them, without a token.

    Raises ServeError where the port is taken, AccessError where the broker refuses us.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # the feed says it in its own words
    kafka = settings.kafka()
    # it reads the verdicts too: after a crash, which of them arrived
    check_access(kafka, read=(*READ, VERDICTS), write=(VERDICTS,))
    with _listen(port) as listening:
        bound = listening.getsockname()[1]
        desk = make_desk(settings, zone)
        feed = KafkaFeed(kafka, since_s=HISTORY_S)
        desk.feed = feed
        app = create_app(desk, cookie=f"playproof_{bound}")
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=GOODBYE_S, server_header=False,
            proxy_headers=False,
        )  # fmt: skip
        link = partial(Link, desk.world.name, kafka)
        with desk, feed, Outbox(desk.store, link):
            if is_measured:
                metrics.serve(feed, settings.metrics_port + PORT_OFFSETS["pages"])
            say(f"world {desk.world.name}: open  http://{HOST}:{bound}/?token={desk.door.token}")
            with contextlib.suppress(KeyboardInterrupt):
                _Server(config).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Ends the open streams of events before it waits for its connections."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal to stop."""
        hub: Hub = self.config.app.state.hub  # type: ignore[union-attr]
        hub.stop()
        super().handle_exit(sig, frame)


def make_desk(settings: Settings, zone: ZoneInfo, token: str | None = None) -> Desk:
    """Open a world's index and verdicts."""
    world = settings.the_world()
    index = CaseIndex(world, settings.hash_key.get_secret_value().encode(), Prices().stream_eur)
    return Desk(world, zone, index, VerdictStore(world.verdicts), Door(_who(), token))


def _who() -> str:
    """Return the name of whoever runs this: what decisions are signed with until they say another."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "analyst"


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError:
        listening.close()
        raise ServeError(
            f"port {port} is taken: stop what uses it, or choose a free one with  playproof desk --port 0"
        ) from None
    listening.listen(128)
    return listening
