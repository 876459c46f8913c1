"""Send actions to a webhook: signed, tried again with growing pauses, given up to a dead list after MAX_TRIES.

What is sent and when is next is in the store of verdicts, so a restart forgets nothing. A receiver may get an action
twice: it takes each `action_id` once. Topic `actions` does not depend on the webhook.
"""

import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import httpx
import orjson
from pydantic import SecretStr

from consumer_viz.dashboard.decisions.actions import COLUMNS, action_of_row, message_of
from consumer_viz.dashboard.decisions.holds import Action
from consumer_viz.dashboard.decisions.store import VerdictStore
from runtime.event_text import format_time
from runtime.monitoring.trouble import Trouble

SIGNATURE, ACTION_ID = "Playproof-Signature", "Playproof-Action-Id"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10, 3600
MAX_TRIES = 12
"""With these pauses the last try is about five hours after the first."""
TIMEOUT_S = 10.0
POLL_S = 1.0
MAX_PER_LOOK = 50
MAX_ERROR_CHARS = 200


@dataclass(frozen=True, slots=True)
class Dead:
    """An action that the webhook did not take."""

    action_id: str
    case_id: str
    action: str
    tries: int
    dead_at: str
    error: str


def signature(body: bytes, at_s: int, secret: SecretStr) -> str:
    """Return the value of the signature header: the time, and HMAC-SHA256 of time, a dot and the body.

    >>> signature(b"{}", 1700000000, SecretStr("key"))
    't=1700000000,v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae'
    """
    signed = hmac.new(secret.get_secret_value().encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v1={signed.hexdigest()}"


def pause_s(tries: int) -> int:
    """Return the seconds to wait after so many tries.

    >>> [pause_s(n) for n in (1, 2, 3, 12)]
    [10, 20, 40, 3600]
    """
    return int(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (tries - 1)))


def dead_deliveries(store: VerdictStore) -> list[Dead]:
    """Return the dead list, the newest first."""
    query = """select action_id, case_id, action, tries, dead_at, coalesce(error, '') from deliveries
        join actions using (action_id) where dead_at is not null order by dead_at desc, action_id"""
    with store.reading() as db:
        return [Dead(*row) for row in db.execute(query)]


def retry_dead(store: VerdictStore) -> int:
    """Put all of the dead list in line again; return how many."""
    with store.writing() as (db, now):
        query = "update deliveries set tries = 0, next_at = ?, dead_at = null where dead_at is not null"
        return db.execute(query, (now,)).rowcount


class Webhook:
    """The sending thread of the webhook, as a context manager."""

    def __init__(
        self, store: VerdictStore, url: str, secret: SecretStr, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._store, self._url, self._secret = store, url, secret
        # a redirect could lead a signed message to another host: it is a failed try
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False, transport=transport)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
        self.trouble = Trouble("desk", "nothing goes to the webhook")
        """Why no action is tried; what the receiver answers is in the store."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(TIMEOUT_S + POLL_S)
        self._client.close()

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                self.send_due(self._stop.is_set)
                self.trouble.clear()
            except Exception as error:  # whatever it is, what is due must not wait for the next start
                self.trouble.report(error)

    def send_due(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Send all that is due, the oldest first."""
        for action, tries, next_at in self._due():
            if is_stopped():
                return
            if self._begin_try(action, tries + 1, next_at):
                self._end_try(action, tries + 1, self._send(action))

    def _due(self) -> list[tuple[Action, int, str]]:
        """Return actions with the tries so far. One that waits longer than any pause is due: a clock was set back."""
        names = ", ".join(f"a.{name}" for name in COLUMNS.split(", "))
        query = f"""select d.tries, d.next_at, {names} from deliveries d join actions a using (action_id)
            where d.next_at <= ? or d.next_at > ? order by a.rowid limit {MAX_PER_LOOK}"""
        now = self._store.now_text()
        with self._store.watching() as db:
            rows = db.execute(query, (now, _after(now, LONGEST_PAUSE_S))).fetchall()
        return [(action_of_row(row[2:]), row[0], row[1]) for row in rows]

    def _begin_try(self, action: Action, tries: int, next_at: str) -> bool:
        """Save when it is tried next, before it is sent; say whether no other process took this try."""
        query = "update deliveries set tries = ?, next_at = ? where action_id = ? and next_at = ?"
        with self._store.writing() as (db, now):
            return db.execute(query, (tries, _after(now, pause_s(tries)), action.action_id, next_at)).rowcount == 1

    def _send(self, action: Action) -> str:
        """Send an action once; return why it was not taken, empty where it was."""
        body = orjson.dumps(message_of(action))
        at_s = int(datetime.fromisoformat(self._store.now_text()).timestamp())
        headers = {"content-type": "application/json", SIGNATURE: signature(body, at_s, self._secret),
                   ACTION_ID: action.action_id}  # fmt: skip
        try:
            status = self._client.post(self._url, content=body, headers=headers).status_code
        except Exception as error:  # an address, a certificate, a receiver: a failed try, and none after it waits
            return f"{type(error).__name__}: {error}"[:MAX_ERROR_CHARS]
        return "" if 200 <= status < 300 else f"answer {status}"

    def _end_try(self, action: Action, tries: int, problem: str) -> None:
        is_dead = bool(problem) and tries >= MAX_TRIES
        query = """update deliveries set next_at = ?, delivered_at = ?, dead_at = ?, error = ?
            where action_id = ? and delivered_at is null"""
        with self._store.writing() as (db, now):
            next_at = _after(now, pause_s(tries)) if problem and not is_dead else None
            times = (next_at, None if problem else now, now if is_dead else None)
            db.execute(query, (*times, problem or None, action.action_id))


def _after(at: str, seconds: int) -> str:
    return format_time(round((datetime.fromisoformat(at).timestamp() + seconds) * 1000))
