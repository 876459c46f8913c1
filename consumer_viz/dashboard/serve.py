"""Serve the pages: one process, on loopback, with a token that is printed once with the address."""

import contextlib
import getpass
import logging
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from zoneinfo import ZoneInfo

import uvicorn

from consumer_viz.dashboard.access.choose import MIN_SECRET_CHARS, choose_sign_in
from consumer_viz.dashboard.access.sign_in import SignIn, TokenSignIn
from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.decisions.outbox import Outbox, Publisher, action_channel, verdict_channel
from consumer_viz.dashboard.decisions.rules import Policy
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.decisions.webhook import Webhook
from consumer_viz.dashboard.events.event_stream import EventStream
from consumer_viz.dashboard.half_requests import TimedRequests
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.index.sampling import AutomaticReview
from consumer_viz.dashboard.rules.outbox import RuleOutbox
from consumer_viz.dashboard.state import AppState
from consumer_viz.errors import ServeError
from consumer_viz.feed import metrics
from consumer_viz.feed.consumer import KafkaFeed, topics_read
from consumer_viz.plot.view import HISTORY_S
from contracts.domain import MUSIC
from contracts.metrics import PORT_OFFSETS
from contracts.topics import ACTIONS, RULES, VERDICTS
from models.risk.money import Prices
from runtime.desk.addresses import is_https_or_loopback
from runtime.kafka.access import check_access
from runtime.settings import SettingError, Settings

HOST = "127.0.0.1"
STOP_S = 1
"""When the server stops, open event streams are cut after so many seconds."""


def serve(
    settings: Settings, zone: ZoneInfo, port: int, report: Callable[[str], None], *, is_measured: bool = False
) -> None:
    """Serve the world's pages until stopped; `is_measured` also serves the feed's metrics, without a token.

    Raises ServeError where the port is taken, AccessError where the broker refuses us.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # the feed reports the same in one line
    settings.the_world().require_domain(MUSIC, "playproof desk")
    kafka = settings.kafka()
    # an outbox reads its topic too: after a crash it looks which messages arrived
    check_access(kafka, read=(*topics_read(MUSIC), VERDICTS, ACTIONS, RULES), write=(VERDICTS, ACTIONS, RULES))
    with _listen(port) as listening:
        bound_port = listening.getsockname()[1]
        sign_in = choose_sign_in(settings, _default_name(), f"playproof_{bound_port}")
        state = open_state(settings, zone, sign_in)
        feed = KafkaFeed(kafka, since_s=HISTORY_S)
        state.feed = feed
        app = create_app(state, settings.public_address)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=STOP_S, server_header=False,
            proxy_headers=False, http=TimedRequests,
        )  # fmt: skip
        verdicts, actions = verdict_channel(state.store), action_channel(state.store)
        senders = (
            Outbox(verdicts, partial(Publisher, verdicts, state.world.name, kafka)),
            Outbox(actions, partial(Publisher, actions, state.world.name, kafka)),
        )
        rules, webhook = RuleOutbox(state.rules, kafka), _webhook(settings, state.store)
        threads = (*senders, rules, webhook)
        state.troubles = tuple(each.trouble for each in threads if isinstance(each, Outbox | RuleOutbox | Webhook))
        with state, feed, senders[0], senders[1], rules, webhook:
            if is_measured:
                metrics.serve(feed, settings.metrics_port + PORT_OFFSETS["pages"], settings.metrics_address)
            address = f"http://{HOST}:{bound_port}/"
            if isinstance(sign_in, TokenSignIn):
                report(f"world {state.world.name}: open  {address}?token={sign_in.token}")
            else:
                report(f"world {state.world.name}: open  {settings.public_address}  (served at {address})")
            with contextlib.suppress(KeyboardInterrupt):
                _Server(config).run(sockets=[listening])


def _webhook(settings: Settings, store: VerdictStore) -> contextlib.AbstractContextManager[object]:
    """Return the webhook's sender; nothing where none is set. Raises SettingError."""
    if not settings.webhook_url:
        return contextlib.nullcontext()
    if not is_https_or_loopback(settings.webhook_url):
        raise SettingError("PLAYPROOF_WEBHOOK_URL is neither https:// nor on loopback: what it gets names accounts")
    if len(settings.webhook_secret.get_secret_value()) < MIN_SECRET_CHARS:
        raise SettingError(
            f"PLAYPROOF_WEBHOOK_SECRET has under {MIN_SECRET_CHARS} characters: make one with  openssl rand -hex 32"
        )
    return Webhook(store, settings.webhook_url, settings.webhook_secret)


class _Server(uvicorn.Server):
    """Ends the open event streams before it waits for its connections."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal to stop."""
        event_stream: EventStream = self.config.app.state.event_stream  # type: ignore[union-attr]
        event_stream.stop()
        super().handle_exit(sig, frame)


def open_state(settings: Settings, zone: ZoneInfo, sign_in: SignIn) -> AppState:
    """Open a world's index and verdicts."""
    world = settings.the_world()
    score = settings.auto_hold_score
    automatic = None if score is None else AutomaticReview(score, settings.auto_review_share)
    index = CaseIndex(world, settings.hash_key.get_secret_value().encode(), Prices().stream_eur, automatic)
    policy = Policy(settings.second_review_eur, settings.hold_days, score, settings.auto_hold_days)
    return AppState(world, zone, index, VerdictStore(world.verdicts, policy=policy), sign_in)


def _default_name() -> str:
    """Return the name that decisions are signed with until the analyst enters another: that of the system's user."""
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
