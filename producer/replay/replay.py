"""Replay a world's raw rows into the topics plays and activity, so that each is sent exactly once.

A version's ledger says what was meant to be sent and what was acknowledged. A replay that was stopped or killed goes
on where it was. A replay after one that came to its end, and so flushed all sessions, goes on with event times moved
ahead by whole days: with the rows not sent yet, or with the whole source again under new row ids.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contracts import topics
from contracts.events import PLAYS
from producer.errors import DeliveryError, ReplayError
from producer.kafka.messages import Message
from producer.kafka.sender import IN_FLIGHT, Sender, arrived_numbers, message_counts, wait_for
from producer.replay.batch_messages import messages_of
from producer.replay.batches import Batch, RowReader, count_nulls, count_rows, cut, time_of_row
from producer.replay.faults import Faults
from producer.replay.health import ReplayHealth
from producer.replay.ledger import TOPICS, Entry, Ledger, Run, Sent, State
from producer.replay.pace import Pace
from runtime.kafka.access import wait_until_up
from runtime.kafka.connection import KafkaConnection
from runtime.world import World

DAY_MS = 24 * 3_600_000
FLUSH_MS = 31 * 60_000 + 1000
"""How far past the last row the flush moves the watermark: the gap of 30 min, the delay of 1 min, and 1 s over."""
ATTEMPTS = 5
"""How often a replay goes on by itself after the broker failed it."""

Report = Callable[[dict[str, int], int], None]
"""Told after each batch: rows acknowledged so far by topic, and the event-time clock."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one replay sent. Rows by topic: copies included, heartbeats aside."""

    rows: dict[str, int]
    batches: int
    seconds: float
    next_batch: int
    is_stopped: bool

    @property
    def rows_per_s(self) -> float:
        return sum(self.rows.values()) / max(self.seconds, 1e-9)


def replay(
    world: World,
    kafka: KafkaConnection,
    pace: Pace,
    faults: Faults,
    batches: int | None = None,
    report: Report = lambda rows, clock_ms: None,
    health: ReplayHealth | None = None,
) -> Outcome:
    """Send a world's source, or `batches` batches of it, then flush, unless stopped through `pace.stop`.

    Where the broker fails it, waits for the broker and goes on from the ledger. Keeps `health`, for who serves it.
    Raises ReplayError.
    """
    began, health = time.monotonic(), health or ReplayHealth()
    with Ledger(world.unit.ledger) as ledger:
        before, first_batch = dict(ledger.state.rows_acknowledged), ledger.state.next_batch
        until_batch = None if batches is None else first_batch + batches
        is_complete = False
        for attempt in range(1, ATTEMPTS + 1):
            wait_until_up(kafka)
            try:
                is_complete = _Attempt(world, ledger, kafka, before, health).run(pace, faults, until_batch, report)
                break
            except DeliveryError:
                health.errors += 1
                if attempt == ATTEMPTS:
                    raise
                ledger.reload()
        rows = _since(ledger.state, before)
        next_batch = ledger.state.next_batch
    return Outcome(rows, next_batch - first_batch, time.monotonic() - began, next_batch, not is_complete)


def check_plays(world: World, files: Sequence[Path], rows: int) -> None:
    """Refuse plays that no row rule would let pass, or none at all. (An imported world may be without activity.)"""
    if not rows:
        raise ReplayError(f"raw {PLAYS} has no rows: run  python -m ops simulate")
    if world.import_report.exists() and (unknown := count_nulls(files, "listen_ms")):
        raise ReplayError(
            f"{unknown:,} of {rows:,} imported plays have no listen_ms, which topic {PLAYS} requires: use the batch "
            f"commands, as  python -m spark_app audit-tables --world {world.name}"
        )


def _since(state: State, before: dict[str, int]) -> dict[str, int]:
    return {topic: state.rows_acknowledged[topic] - before[topic] for topic in TOPICS}


class _Attempt:
    """A replay with one connection to the broker."""

    def __init__(
        self, world: World, ledger: Ledger, kafka: KafkaConnection, before: dict[str, int], health: ReplayHealth
    ):
        self._world, self._ledger, self._kafka, self._before = world, ledger, kafka, before
        self._health = health
        self._files = {topic: world.raw_files(topic) for topic in TOPICS}
        self._source_rows = {topic: count_rows(files) for topic, files in self._files.items()}
        self._partitions = {topic: topics.TOPICS[topic].partitions for topic in TOPICS}
        self._unacknowledged: deque[tuple[int, list[Any]]] = deque()

    def run(self, pace: Pace, faults: Faults, until_batch: int | None, report: Report) -> bool:
        """Send; return whether the replay came to its flush."""
        state = self._ledger.state
        self._check_source_and_topics()
        was_flushing = any(unfinished.entry.is_flush for unfinished in state.unfinished.values())
        arrived = self._arrived()
        with Sender(self._kafka, self._partitions) as sender:
            self._finish_unfinished(sender, arrived)
            if not was_flushing:
                run = self._next_run(faults)
                if run != state.run:
                    self._ledger.begin(run)
                for batch in self._batches(run, state.next_row, state.next_batch):
                    if until_batch is not None and batch.number >= until_batch:
                        break
                    if not pace.wait(batch.clock_ms):
                        self._settle(at_most=0)
                        return False
                    self._health.behind_s = pace.behind_s
                    self._send(sender, batch, int(time.time()))
                    report(_since(state, self._before), batch.clock_ms)
                self._send(sender, Batch(state.next_batch, {}, state.clock_ms + FLUSH_MS), int(time.time()))
            self._settle(at_most=0)
        self._ledger.end()
        report(_since(state, self._before), state.clock_ms)
        return True

    def _check_source_and_topics(self) -> None:
        run = self._ledger.state.run
        if run is None:
            for topic, count in message_counts(self._kafka, TOPICS).items():
                if count:
                    raise ReplayError(
                        f"topic {topic} holds {count} messages that the ledger of {self._world.name}, version "
                        f"{self._world.version}, does not know: the broker serves another version. Restart broker and "
                        f"job (make down, make up), then run the replay again; or begin a new version with  --fresh"
                    )
        elif run.source_rows != self._source_rows:
            raise ReplayError(
                f"the source has {self._source_rows} rows, but had {run.source_rows} when this version began: begin a "
                f"new version with  --fresh"
            )
        check_plays(self._world, self._files[PLAYS], self._source_rows[PLAYS])

    def _next_run(self, faults: Faults) -> Run:
        """Say how the source is read from here on: event times move on past the last flush, if there was one."""
        state, run = self._ledger.state, self._ledger.state.run
        if run is None:
            return Run(self._source_rows, faults)
        if not state.has_ended:
            return run if run.faults == faults else replace(run, faults=faults, first=dict(state.next_row))
        is_source_sent = all(state.next_row[topic] >= count for topic, count in self._source_rows.items())
        first = dict.fromkeys(TOPICS, 0) if is_source_sent else dict(state.next_row)
        times = [time_of_row(self._files[t], first[t]) for t in TOPICS if first[t] < self._source_rows[t]]
        days = -((min(times) - state.clock_ms - 1) // DAY_MS)
        return Run(self._source_rows, faults, run.source_pass + is_source_sent, days * DAY_MS, first)

    def _batches(self, run: Run, first: dict[str, int], number: int) -> Iterator[Batch]:
        readers = [RowReader(t, self._files[t], first[t], run.shift_ms, run.id_suffix) for t in TOPICS]
        return cut(readers[0], readers[1], number)

    def _arrived(self) -> dict[str, set[int]]:
        """Read which messages behind the last acknowledged ones are in the topics nevertheless."""
        offsets = self._ledger.state.offsets
        last = {topic: {p: offset for (t, p), offset in offsets.items() if t == topic} for topic in TOPICS}
        return {t: arrived_numbers(self._kafka, t, self._partitions[t], last[t]) for t in TOPICS}

    def _finish_unfinished(self, sender: Sender, arrived: dict[str, set[int]]) -> None:
        """Send again what the ledger meant to send and the topics lack: the same messages, with their old ts."""
        state = self._ledger.state
        unfinished = list(state.unfinished.values())
        if not unfinished:
            return
        assert state.run is not None
        first = unfinished[0].entry
        batches: Iterator[Batch] = iter(())
        if not first.is_flush:
            batches = self._batches(state.run, {t: first.source[t][0] for t in TOPICS}, first.batch)
        for entry, waiting in ((u.entry, u.waiting) for u in unfinished):
            batch = Batch(entry.batch, {}, entry.clock_ms) if entry.is_flush else next(batches)
            messages, _ = messages_of(batch, state.run.faults, waiting, entry.ts)
            missing = [
                (message, sent.number)
                for message, sent in zip(messages, entry.messages, strict=True)
                if sent.number not in arrived[sent.topic]
            ]
            self._deliver(sender, batch, missing)

    def _send(self, sender: Sender, batch: Batch, ts: int) -> None:
        state = self._ledger.state
        assert state.run is not None
        messages, fates = messages_of(batch, state.run.faults, state.waiting, ts)
        numbers = dict(state.next_number)
        sent = []
        for message in messages:
            sent.append(Sent(message.topic, numbers[message.topic], message.rows, message.is_heartbeat))
            numbers[message.topic] += 1
        source = {topic: [rows.first, len(rows)] for topic, rows in batch.rows.items()}
        self._ledger.intend(Entry(batch.number, ts, batch.clock_ms, source, sent, fates, is_flush=not batch.rows))
        self._deliver(sender, batch, [(m, s.number) for m, s in zip(messages, sent, strict=True)])
        self._health.batches += 1
        self._health.clock_ms = batch.clock_ms

    def _deliver(self, sender: Sender, batch: Batch, messages: list[tuple[Message, int]]) -> None:
        futures = [sender.send(message, number, batch.start_ms) for message, number in messages]
        for message, _ in messages:
            self._health.sent(message.topic, 0 if message.is_heartbeat else message.rows)
        self._unacknowledged.append((batch.number, futures))
        self._settle(at_most=IN_FLIGHT)

    def _settle(self, at_most: int) -> None:
        """Write down what is acknowledged, in order, and wait until at most so many batches are not."""
        waiting = self._unacknowledged
        while waiting and (len(waiting) > at_most or all(future.is_done for future in waiting[0][1])):
            batch, futures = waiting.popleft()
            last: dict[tuple[str, int], int] = {}
            for metadata in map(wait_for, futures):
                place = metadata.topic, metadata.partition
                last[place] = max(metadata.offset, last.get(place, -1))
            self._ledger.acknowledge(batch, [(*place, offset) for place, offset in last.items()])
            self._health.rows_acknowledged = _since(self._ledger.state, self._before)
