"""Decisions in topic `verdicts`, on a real broker: each once, in order, whatever happens in between."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson
import psutil
import pytest
from kafka.errors import KafkaError, KafkaTimeoutError

from consumer_viz.dashboard.decisions import outbox
from consumer_viz.dashboard.decisions.holds import Action, Line
from consumer_viz.dashboard.decisions.outbox import Outbox, Publisher, action_channel, send_unsent, verdict_channel
from consumer_viz.dashboard.decisions.rules import Decision, Draft
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.royalties.follow import follow
from consumer_viz.royalties.ledger import LedgerRow, RoyaltyLedger
from contracts import verdicts as v
from contracts.topics import ACTIONS, TOPICS, VERDICTS
from ops.stack.broker import Broker
from producer.kafka import topics
from runtime.errors import SecuritySettingError
from tests.conftest import Playproof
from tests.flow.stage import wait_until
from tests.read_topic import read_topic


@pytest.fixture
def store(tmp_path: Path) -> VerdictStore:
    return VerdictStore(tmp_path / "verdicts.sqlite")


def decide(store: VerdictStore, name: str) -> Decision:
    return store.write(Draft(f"c-{name}", f"user-{name}", v.DECIDE, "ana", 0, name, v.CONFIRM, "velocity"))


def in_topic(address: str) -> list[str]:
    """Read the accounts of all committed decisions, in the topic's order."""
    rows = [orjson.loads(record.value) for record in read_topic(address, VERDICTS, "read_committed")]
    assert all(tuple(row) == TOPICS[VERDICTS].row_fields for row in rows)
    return [row["user_id"].removeprefix("user-") for row in rows]


def test_what_could_not_be_sent_is_sent_again_and_nothing_twice(store: VerdictStore) -> None:
    first, second = decide(store, "1"), decide(store, "2")
    sent: list[Decision] = []

    def broker_away(decisions: Sequence[Decision]) -> None:
        raise KafkaTimeoutError("away")

    with pytest.raises(KafkaTimeoutError):
        send_unsent(verdict_channel(store), broker_away)
    assert store.unsent() == [first, second]
    send_unsent(verdict_channel(store), sent.extend)
    send_unsent(verdict_channel(store), sent.extend)
    assert sent == [first, second]
    assert store.unsent() == []


def test_a_row_that_no_message_can_hold_delays_no_other(store: VerdictStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_PER_TRANSACTION", 2)
    rows = {name: decide(store, name) for name in ("1", "too-large-2", "3", "too-large-4", "too-large-5", "6")}
    monkeypatch.setattr(outbox, "MAX_VALUE_BYTES", len(verdict_channel(store).value(rows["too-large-2"])) - 1)
    sent: list[Decision] = []
    large = [row for name, row in rows.items() if "large" in name]
    for _ in range(2):
        assert send_unsent(verdict_channel(store), sent.extend) == large
    assert [row.key for row in sent] == ["1", "3", "6"]
    assert store.unsent() == large


class NoBroker(Publisher[Decision]):
    """Takes all, without a broker."""

    def __init__(self) -> None:
        self.sent: list[Decision] = []

    def already_published(self, unsent: Sequence[Decision]) -> list[Decision]:
        return []

    def publish(self, rows: Sequence[Decision]) -> None:
        self.sent += rows

    def close(self) -> None:
        pass


def test_a_locked_record_delays_the_sending_and_does_not_end_it(
    store: VerdictStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "POLL_S", 0.01)
    decided, looks = decide(store, "1"), iter([sqlite3.OperationalError("database is locked")])

    def stamp() -> int:
        for error in looks:
            raise error
        return store.stamp()

    publisher = NoBroker()
    with Outbox(replace(verdict_channel(store), stamp=stamp), lambda: publisher, retry_s=0.01):
        wait_until(lambda: not store.unsent(), "sent after the lock")
    assert publisher.sent == [decided]


@pytest.mark.parametrize(
    ("error", "said"),
    [(SecuritySettingError("ca.pem cannot be read"), "ca.pem cannot be read"), (TypeError("odd"), "TypeError: odd")],
)
def test_no_error_ends_the_sending_and_it_is_said_once(
    store: VerdictStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    said: str,
) -> None:
    monkeypatch.setattr(outbox, "POLL_S", 0.01)
    decided, publisher, errors = decide(store, "1"), NoBroker(), [error, error]

    def connect() -> NoBroker:
        if errors:
            raise errors.pop()
        return publisher

    with Outbox(verdict_channel(store), connect, retry_s=0.01) as sending:
        wait_until(lambda: publisher.sent == [decided] and not sending.trouble.text, "sent after the errors")
    assert capsys.readouterr().err == f"desk: nothing goes to topic verdicts: {said}\n"


def test_each_decision_is_in_the_topic_once_after_an_outage_and_a_restart(
    broker: Broker, store: VerdictStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TIMEOUT_MS", 1000)
    monkeypatch.setattr(outbox, "POLL_S", 0.05)
    topics.create(broker.kafka, [TOPICS[VERDICTS]])
    tries: list[int] = []
    away = psutil.Process(broker.process.pid)

    channel = verdict_channel(store)
    publisher = partial(Publisher[Decision], channel, "w", broker.kafka)

    def connect() -> Publisher[Decision]:
        tries.append(len(store.unsent()))
        return publisher()

    with Outbox(channel, connect, retry_s=0.1):
        decide(store, "before")
        wait_until(lambda: not store.unsent(), "sent before the outage")
        away.suspend()
        try:
            decide(store, "during")
            wait_until(lambda: len(tries) > 1, "a second connection tried")
            assert [d.user_id for d in store.unsent()] == ["user-during"]
        finally:
            away.resume()
        wait_until(lambda: not store.unsent(), "sent after the outage")
    monkeypatch.setattr(outbox, "TIMEOUT_MS", 60_000)  # from here on no broker is away: one that is slow is waited for

    # a server that ends between sending and noting it, and a decision on its way when the next one starts
    ending, decided = publisher(), decide(store, "ending")
    ending.publish([decided])
    decide(store, "restarted")
    with Outbox(channel, publisher, retry_s=0.1):
        wait_until(lambda: not store.unsent(), "sent by the next server")
    with pytest.raises(KafkaError, match="ProducerFencedError"):
        ending.publish([decided])
    ending.close()
    # two servers at once: each shuts the other out, and looks what it sent
    names = [f"both{n}" for n in range(6)]
    with Outbox(channel, publisher, retry_s=0.05), Outbox(channel, publisher, retry_s=0.15):
        for name in names:
            decide(store, name)
            wait_until(lambda: not store.unsent(), "sent by one of the two")
    assert in_topic(broker.address) == ["before", "during", "ending", "restarted", *names]


def test_a_hold_and_its_release_are_in_the_royalty_ledger_once_after_a_crash(
    broker: Broker, store: VerdictStore, tmp_path: Path, playproof: Playproof
) -> None:
    topics.create(broker.kafka, [TOPICS[ACTIONS]])
    lines = (Line("u:1", "t1", "2025-03", 3, 10_500),)
    held = store.write(Draft("c-u", "u", v.DECIDE, "ana", 0, "k", v.CONFIRM, "velocity", lines=lines))
    kept = store.write(Draft("c-w", "w", v.DECIDE, "ana", 0, "l", v.CONFIRM, "velocity", lines=lines))
    channel = action_channel(store)
    publisher = partial(Publisher[Action], channel, "w", broker.kafka)
    ending = publisher()
    ending.publish(store.unsent_actions())  # and the server ends before it notes that
    ending.close()
    store.write(Draft("c-u", "u", v.UNDO, "ana", held.version, "m"))
    with Outbox(channel, publisher, retry_s=0.1):
        wait_until(lambda: not store.unsent_actions(), "sent by the next server")
    ledger = RoyaltyLedger(tmp_path / "royalties.sqlite")
    said: list[str] = []
    for _ in range(2):
        follow(broker.kafka, ledger, said.append, is_once=True)
    assert [line.split()[1] for line in said] == ["held", "held", "released,"]
    assert (kept.version, ledger.unreadable(), ledger.next_offset(0) >= 3) == (1, 0, True)
    assert ledger.rows(datetime.now(UTC)) == [LedgerRow("t1", "2025-03", 10_500, 10_500, 0)]
    shown = playproof("actions", "ledger", "--ledger", str(ledger.path))
    assert shown.out.splitlines() == ["track_id,month,held,released,restored", "t1,2025-03,0.010500,0.010500,0.000000"]
    missing = playproof("actions", "ledger", "--ledger", str(tmp_path / "none.sqlite"))
    assert (missing.exit_code, "playproof actions follow --once" in missing.err) == (1, True)
