"""The feed on a real broker: late, missing, killed, hostile; and the commands around it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import orjson
import pytest
from kafka import KafkaProducer, TopicPartition
from PIL import Image, ImageSequence

from consumer_viz.feed import consumer
from consumer_viz.feed.consumer import KafkaFeed
from contracts.events import ACTIVITY, HEADER_BATCH, PLAYS, ROWS_PER_BATCH
from contracts.topics import FRAUD_COUNTS, TOPICS
from ops.stack.broker import Broker, running, start
from ops.stack.ports import free_port
from producer.kafka import topics
from runtime.kafka.connection import KafkaConnection
from tests.flow.stage import WITHIN_S, wait_until


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker whose topics nobody else writes to."""
    with running(tmp_path_factory.mktemp("viz-broker"), f"127.0.0.1:{free_port()}") as up:
        topics.create(up.kafka)
        yield up


def wait_until_read(feed: KafkaFeed) -> None:
    """Wait for a broker that is slow, too: the feed calls it absent after some seconds."""
    wait_until(lambda: feed.wait_until_read(WITHIN_S), "everything read")


def send(address: str, batches: range, ts: int, flagged: int | None = None) -> None:
    """Send batches of 120 streams and 300 activity rows, in two messages, and a fraud count if asked."""
    producer = KafkaProducer(bootstrap_servers=address)
    for number in batches:
        headers = [(HEADER_BATCH, str(number).encode())]
        plays = [{"user_id": "u", "listen_ms": "40000" if i < 120 else "9", "ts": ts} for i in range(ROWS_PER_BATCH)]
        producer.send(PLAYS, orjson.dumps(plays), headers=headers, partition=number % 4)
        for rows in (200, 100):
            producer.send(ACTIVITY, orjson.dumps([{"user_id": "u", "ts": ts}] * rows), headers=headers)
    if flagged is not None:
        start, end = (time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at // 10 * 10)) for at in (ts - 120, ts))
        counts = {"sessions": 9, "flagged": flagged, "flagged_streams": 5, "batch_id": 1}
        producer.send(FRAUD_COUNTS, orjson.dumps({"window_start": start, "window_end": end} | counts))
    producer.flush()
    producer.close()


def test_every_message_is_counted_once_from_the_beginning_and_bad_ones_are_told(own_broker: Broker) -> None:
    ts = int(time.time()) - 5
    send(own_broker.address, range(20), ts, flagged=4)
    producer = KafkaProducer(bootstrap_servers=own_broker.address)
    for hostile in (b"{", b"[" * 5000, b"\x00\xff", None):
        producer.send(PLAYS, hostile, key=b"k", partition=0)
    producer.close()
    with KafkaFeed(own_broker.kafka, since_s=None) as feed:
        wait_until_read(feed)
        snapshot = feed.snapshot()
    mine = [b for b in snapshot.batches if b.ts == ts]
    assert [(b.master_rows, b.successes, b.companion_rows) for b in mine] == [(200, 120, 300)] * 20
    assert snapshot.bad_messages == 4
    assert feed.last_bad.startswith("plays[0]@")
    assert [w.flagged for w in snapshot.windows] == [4]
    assert snapshot.trouble == ""


def test_what_a_producer_took_back_is_not_counted_and_not_waited_for(own_broker: Broker) -> None:
    with KafkaProducer(bootstrap_servers=own_broker.address, transactional_id="another") as producer:
        producer.init_transactions()
        for value, end in ((b'[{"user_id": "u", "listen_ms": "9", "ts": 7}]', producer.commit_transaction),
                           (b"taken back", producer.abort_transaction)):  # fmt: skip
            producer.begin_transaction()
            producer.send(PLAYS, value, partition=1)
            producer.flush()
            end()
    with KafkaFeed(own_broker.kafka, since_s=None) as feed:
        wait_until_read(feed)
        snapshot = feed.snapshot()
    assert [batch.master_rows for batch in snapshot.batches if batch.ts == 7] == [1]
    assert "taken back" not in feed.last_bad
    assert not feed.last_bad.startswith("plays[1]@")


def test_a_live_feed_begins_where_it_is_told_and_follows(own_broker: Broker) -> None:
    with KafkaFeed(own_broker.kafka, since_s=0) as feed:
        wait_until_read(feed)
        before = feed.snapshot().master_rows
        send(own_broker.address, range(100, 103), int(time.time()))
        wait_until_read(feed)
        assert feed.snapshot().master_rows - before == 3 * ROWS_PER_BATCH


def test_broker_not_up_yet_then_topics_missing_then_killed_and_back(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with KafkaFeed(KafkaConnection(address), since_s=None) as feed:
        wait_until(lambda: f"no broker answers at {address}" in feed.snapshot().trouble, "no broker is told")
        broker = start(tmp_path, address)
        try:
            missing = "no topic plays, activity, fraud-counts yet"
            wait_until(lambda: missing in feed.snapshot().trouble, "missing topics are told")
            topics.create(KafkaConnection(address), [TOPICS[PLAYS], TOPICS[ACTIVITY]])
            send(address, range(5), int(time.time()))
            wait_until(lambda: feed.snapshot().master_rows == 5 * ROWS_PER_BATCH, "five batches")
            assert feed.snapshot().trouble.startswith("no topic fraud-counts yet")
            topics.create(KafkaConnection(address))
            broker.kill()
            wait_until(lambda: "no broker answers" in feed.snapshot().trouble, "the kill is told")
            broker = start(tmp_path, address)
            send(address, range(5, 9), int(time.time()))
            wait_until(lambda: feed.snapshot().master_rows == 9 * ROWS_PER_BATCH, "nine batches")
            wait_until_read(feed)
            assert feed.snapshot().trouble == ""
            assert feed.snapshot().companion_rows == 9 * 300
        finally:
            broker.stop()


class BusyConsumer:
    """A consumer of one partition into which messages arrive as fast as they are read: there are always unread ones."""

    def __init__(self, **_: object) -> None:
        self._position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def topics(self) -> set[str]:
        return {PLAYS}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def beginning_offsets(self, partitions: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    def end_offsets(self, partitions: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self._position + 1)

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(PLAYS, 0)}

    def unsubscribe(self) -> None: ...

    def position(self, partition: TopicPartition, timeout_ms: int) -> int:
        return self._position

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[SimpleNamespace]]:
        record = SimpleNamespace(topic=PLAYS, partition=0, offset=self._position, value=b"[]", headers=[])
        self._position += 1
        return {TopicPartition(PLAYS, 0): [record]}


def test_a_feed_that_keeps_up_has_read_everything_although_messages_keep_coming(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer, "KafkaConsumer", BusyConsumer)
    monkeypatch.setattr(consumer, "CHECK_S", 0.0)
    with KafkaFeed(KafkaConnection("127.0.0.1:9"), since_s=None) as feed:
        wait_until_read(feed)


def test_a_feed_without_a_broker_stops_at_once() -> None:
    with KafkaFeed(KafkaConnection(f"127.0.0.1:{free_port()}"), since_s=None) as feed:
        assert not feed.wait_until_read(within_s=0)
    assert not feed._thread.is_alive(), "it did not have to be left behind"


def command(*arguments: str, broker: str, **environment: str) -> subprocess.Popen[str]:
    env = os.environ | {"PLAYPROOF_BROKER": broker} | environment
    return subprocess.Popen(
        [sys.executable, "-m", "ops", "plot", *arguments], env=env, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def test_record_writes_picture_and_film_of_the_whole_run_when_it_is_asked_to_end(
    own_broker: Broker, tmp_path: Path
) -> None:
    send(own_broker.address, range(200, 205), int(time.time()))
    out, gif = tmp_path / "run.png", tmp_path / "run.gif"
    process = command("record", "--out", str(out), "--gif", str(gif), "--seconds", "60", broker=own_broker.address)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("recording from ")  # from here on it handles SIGTERM
    process.send_signal(signal.SIGTERM)
    printed, errors = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0, errors
    assert printed.split() == [str(out), str(gif)]
    assert Image.open(out).size == (1200, 700)
    assert len(list(ImageSequence.Iterator(Image.open(gif)))) > 1


def test_record_of_nothing_says_so_and_fails(tmp_path: Path) -> None:
    process = command("record", "--out", str(tmp_path / "run.png"), "--seconds", "0", broker=f"127.0.0.1:{free_port()}")
    _, errors = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 1
    assert "no plays were in topic plays" in errors.splitlines()[-1]
    assert "Traceback" not in errors


def test_live_writes_a_png_of_now(own_broker: Broker, tmp_path: Path) -> None:
    process = command("live", "--seconds", "1", "--out", str(tmp_path / "now.png"), broker=own_broker.address)
    _, errors = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0, errors
    assert Image.open(tmp_path / "now.png").size == (1200, 700)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("PLAYPROOF_TIME_ZONE", "Mars/Olympus", "'Mars/Olympus' is no time zone"), ("PLAYPROOF_SECURITY", "x", "entry 1")],
)
def test_a_wrong_setting_is_one_line(name: str, value: str, message: str) -> None:
    process = command("live", "--front", "png", "--seconds", "0", broker="127.0.0.1:9", **{name: value})
    _, errors = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 1
    assert message in errors
    assert len(errors.splitlines()) == 1
