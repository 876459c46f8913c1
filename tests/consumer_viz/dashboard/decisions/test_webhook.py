"""The webhook: signed, tried again, given up to a dead list, never redirected; nothing is lost by a restart."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest
from pydantic import SecretStr

from consumer_viz.dashboard.decisions.holds import Line
from consumer_viz.dashboard.decisions.rules import Draft
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.decisions.webhook import MAX_TRIES, SIGNATURE, Webhook, dead_deliveries, retry_dead
from consumer_viz.dashboard.serve import _webhook
from consumer_viz.royalties.messages import read_action
from contracts import verdicts as v
from runtime.settings import SettingError, Settings

URL = "https://pay.example/actions"
SECRET = SecretStr("a-secret-of-the-tests")


class Clock:
    """A clock that is set."""

    now = datetime(2025, 3, 3, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Receiver:
    """Answers as the test says, and keeps what it got."""

    def __init__(self, *statuses: int) -> None:
        self.got: list[httpx.Request] = []
        self._statuses = list(statuses)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status == 0:
            raise httpx.ConnectError("away")
        return httpx.Response(status, headers={"location": "https://evil.example/"} if status == 302 else {})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> VerdictStore:
    store = VerdictStore(tmp_path / "verdicts.sqlite", clock)
    lines = (Line("u:1", "t1", "2025-03", 3, 10_500),)
    store.write(Draft("c-1", "u", v.DECIDE, "ana", 0, "k", v.CONFIRM, "velocity", lines=lines))
    return store


def webhook(store: VerdictStore, receiver: Callable[[httpx.Request], httpx.Response]) -> Webhook:
    return Webhook(store, URL, SECRET, httpx.MockTransport(receiver))


def test_an_action_is_sent_once_with_a_signature_over_time_and_body(store: VerdictStore, clock: Clock) -> None:
    receiver = Receiver(204)
    for _ in range(2):
        webhook(store, receiver).send_due()
    (request,) = receiver.got
    at, _, signed = request.headers[SIGNATURE].partition(",v1=")
    text = at.removeprefix("t=").encode() + b"." + request.content
    assert hmac.new(SECRET.get_secret_value().encode(), text, hashlib.sha256).hexdigest() == signed
    assert int(at.removeprefix("t=")) == clock.now.timestamp()
    assert read_action(request.content).action_id == request.headers["Playproof-Action-Id"]
    assert orjson.loads(request.content)["lines"][0]["eur_micros"] == 10_500


@pytest.mark.parametrize("status", [500, 404, 302, 0])
def test_a_failed_try_is_repeated_with_growing_pauses_and_then_listed_as_dead(
    store: VerdictStore, clock: Clock, status: int
) -> None:
    receiver, began = Receiver(status), clock.now
    waits = []
    for pause in (0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600):
        for seconds in (pause - 1, 1):  # a second too early, and on time; a new one each time, as after a restart
            clock.now += timedelta(seconds=max(0, seconds) if pause else 0)
            webhook(store, receiver).send_due()
        waits.append(len(receiver.got))
    assert waits == list(range(1, MAX_TRIES + 1))
    assert clock.now - began == timedelta(seconds=12_310)
    assert {request.url.host for request in receiver.got} == {"pay.example"}
    (dead,) = dead_deliveries(store)
    assert (dead.tries, dead.action) == (MAX_TRIES, "hold")
    assert retry_dead(store) == 1
    webhook(store, Receiver(200)).send_due()
    assert dead_deliveries(store) == []


def test_two_desks_send_an_action_once_and_one_that_was_killed_while_sending_is_followed_by_another_try(
    store: VerdictStore, clock: Clock
) -> None:
    receiver = Receiver(200)
    other = webhook(VerdictStore(store.path, clock), receiver)

    def meanwhile(request: httpx.Request) -> httpx.Response:
        other.send_due()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        webhook(store, meanwhile).send_due()
    assert receiver.got == []
    clock.now += timedelta(seconds=10)
    other.send_due()
    assert len(receiver.got) == 1


def test_a_clock_that_was_set_back_delays_no_try_by_more_than_the_longest_pause(
    store: VerdictStore, clock: Clock
) -> None:
    webhook(store, Receiver(500)).send_due()
    clock.now -= timedelta(days=300)
    receiver = Receiver(200)
    webhook(store, receiver).send_due()
    assert len(receiver.got) == 1


def test_an_address_that_cannot_be_used_is_a_failed_try_and_the_error_names_no_secret(store: VerdictStore) -> None:
    Webhook(store, "https://pay.example:port/", SECRET).send_due()
    with store.watching() as db:
        tries, error = db.execute("select tries, error from deliveries").fetchone()
    assert (tries, "InvalidURL" in error, SECRET.get_secret_value() in error) == (1, True, False)


def test_without_tls_a_secret_or_an_address_it_says_so_or_does_nothing(store: VerdictStore) -> None:
    with _webhook(Settings(), store) as nothing:
        assert nothing is None
    secret = SECRET.get_secret_value()
    with pytest.raises(SettingError, match="PLAYPROOF_WEBHOOK_URL"):
        _webhook(Settings(webhook_url="http://pay.example", webhook_secret=secret), store)
    with pytest.raises(SettingError, match="PLAYPROOF_WEBHOOK_SECRET"):
        _webhook(Settings(webhook_url=URL), store)
    assert secret not in repr(Settings(webhook_url=URL, webhook_secret=secret))
