"""One attempt at a replay, with one connection to the broker: finish what an earlier one left, then send on."""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from contracts import topics
from producer.errors import ReplayError
from producer.kafka.messages import Identity, Message
from producer.kafka.sender import IN_FLIGHT, Sender, arrived_messages, message_counts, wait_for
from producer.replay.batch_messages import MessageMaker
from producer.replay.batches import RowBatch, RowReader, count_nulls, cut, time_of_row
from producer.replay.clock import arrival_ms, check_clock
from producer.replay.health import ReplayHealth
from producer.replay.ledger import Entry, Ledger, Run, Sent, State
from producer.replay.pace import Pace
from runtime.kafka.connection import KafkaConnection
from runtime.parquet import count_rows
from runtime.units import DAY_MS, MINUTE_MS, SECOND_MS
from runtime.world import World

FLUSH_MS = 31 * MINUTE_MS + SECOND_MS
"""How far past the last row the flush moves the watermark: the gap of 30 min, the delay of 1 min, and 1 s over."""

ReportProgress = Callable[[dict[str, int], int], None]
"""Called after each batch with the rows acknowledged so far, by topic, and the event-time clock in ms."""


def rows_since(state: State, before: Counter[str], topics: Sequence[str]) -> dict[str, int]:
    """Return the rows acknowledged, by topic, that an earlier count does not have."""
    return {topic: state.rows_acknowledged[topic] - before[topic] for topic in topics}


def check_master(world: World, files: Sequence[Path], rows: int) -> None:
    """Refuse rows that no row rule would let pass, or none at all. (An imported world may be without activity.)"""
    master = world.domain.master
    if not rows:
        raise ReplayError(f"raw {master} has no rows: run  playproof simulate --scenario {world.domain.scenario}")
    if world.import_report.exists() and (unknown := count_nulls(files, "listen_ms")):
        raise ReplayError(
            f"{unknown:,} of {rows:,} imported plays have no listen_ms, which topic {master} requires: use the batch "
            f"commands, as  playproof job score-history --world {world.name}"
        )


class Attempt:
    """A replay with one connection to the broker."""

    def __init__(
        self,
        world: World,
        ledger: Ledger,
        kafka: KafkaConnection,
        make_messages: MessageMaker,
        rows_before: Counter[str],
        health: ReplayHealth,
        clock_ahead_ms: int,
    ):
        """`clock_ahead_ms` is how far a message may be ahead of the broker's clock, for the job to take it."""
        self._clock_ahead_ms = clock_ahead_ms
        self._world, self._ledger, self._kafka = world, ledger, kafka
        self._make_messages, self._rows_before, self._health = make_messages, rows_before, health
        self._domain = world.domain
        self._files = {topic: world.raw_files(topic) for topic in self._domain.topics}
        self._source_rows = {topic: count_rows(files) for topic, files in self._files.items()}
        self._partitions = {topic: topics.TOPICS[topic].partitions for topic in self._domain.topics}
        self._unacknowledged: deque[tuple[int, list[Any]]] = deque()

    def run(self, pace: Pace, until_batch: int | None, report_progress: ReportProgress) -> bool:
        """Send, and return whether the replay came to its flush. Raises ReplayError, DeliveryError among them."""
        state = self._ledger.state
        self._check_source_and_topics()
        was_flushing = any(entry.is_flush for entry in state.unfinished.values())
        arrived = self._arrived()
        with Sender(self._kafka, self._partitions) as sender:
            self._finish_unfinished(sender, arrived)
            if not was_flushing:
                run = self._next_run()
                if until_batch is None:
                    self._check_clock(run, pace)
                if run != state.run:
                    self._ledger.begin(run)
                with closing(self._batches(run, state.next_row, state.next_batch)) as batches:
                    for batch in batches:
                        if until_batch is not None and batch.number >= until_batch:
                            break
                        if not pace.wait(batch.clock_ms):
                            self._settle(max_unacknowledged=0)
                            return False
                        self._health.behind_s = pace.behind_s
                        self._send(sender, batch, int(time.time()))
                        report_progress(self._rows_since(), batch.clock_ms)
                if self._domain.has_heartbeats:
                    self._send(sender, self._flush(state.next_batch, state.clock_ms + FLUSH_MS), int(time.time()))
            self._settle(max_unacknowledged=0)
        self._ledger.end()
        report_progress(self._rows_since(), state.clock_ms)
        return True

    def _flush(self, number: int, clock_ms: int) -> RowBatch:
        return RowBatch(number, {}, clock_ms, self._domain)

    def _rows_since(self) -> dict[str, int]:
        return rows_since(self._ledger.state, self._rows_before, self._domain.topics)

    def _check_source_and_topics(self) -> None:
        run = self._ledger.state.run
        if run is None:
            for topic, count in message_counts(self._kafka, self._domain.topics).items():
                if count:
                    raise ReplayError(
                        f"topic {topic} holds {count} messages that the ledger of {self._world.name}, version "
                        f"{self._world.version}, does not know: the broker serves another version. Restart broker and "
                        f"job (playproof down, playproof up), then run the replay again; or begin a new version with  "
                        f"playproof replay --fresh"
                    )
        elif run.source_rows != self._source_rows:
            raise ReplayError(
                f"the source has {self._source_rows} rows, but had {run.source_rows} when this version began: begin a "
                f"new version with  --fresh"
            )
        master = self._domain.master
        check_master(self._world, self._files[master], self._source_rows[master])

    def _next_run(self) -> Run:
        """Return how the source is read from here on: event times move on past the last flush, if there was one."""
        state, run = self._ledger.state, self._ledger.state.run
        if run is None:
            return Run(self._source_rows)
        if not state.has_ended:
            return run
        is_source_sent = all(state.next_row[topic] >= count for topic, count in self._source_rows.items())
        if not self._domain.has_heartbeats:
            if is_source_sent:
                raise ReplayError(
                    f"every row of world {self._world.name} is sent, and rows of a {self._domain.name} are sent once: "
                    f"begin a new version with  playproof up --world {self._world.name} --fresh"
                )
            return replace(run, first=dict(state.next_row))
        first = dict.fromkeys(self._domain.topics, 0) if is_source_sent else dict(state.next_row)
        times = [time_of_row(files, first[t]) for t, files in self._files.items() if first[t] < self._source_rows[t]]
        days = -((min(times) - state.clock_ms - 1) // DAY_MS)
        return replace(run, source_pass=run.source_pass + is_source_sent, shift_ms=days * DAY_MS, first=first)

    def _check_clock(self, run: Run, pace: Pace) -> None:
        """Raise ReplayError, before anything is sent, where the job would reject the end of the run."""
        if not self._domain.has_heartbeats:
            return
        state = self._ledger.state
        next_row = state.next_row if run == state.run else run.first
        left = [topic for topic, rows in self._source_rows.items() if next_row[topic] < rows]
        if left:
            first_ms = min(time_of_row(self._files[t], next_row[t]) for t in left) + run.shift_ms
            last_ms = max(time_of_row(self._files[t], self._source_rows[t] - 1) for t in left) + run.shift_ms
            sent_ms = arrival_ms(pace, first_ms, last_ms, int(time.time() * SECOND_MS))
            check_clock(self._world, last_ms + FLUSH_MS, sent_ms, self._clock_ahead_ms)

    def _batches(self, run: Run, first: dict[str, int], number: int) -> Generator[RowBatch]:
        master, companion = (
            RowReader(topic, self._files[topic], first[topic], run.shift_ms, run.id_suffix)
            for topic in self._domain.topics
        )
        with master, companion:
            yield from cut(master, companion, number, self._domain)

    def _arrived(self) -> dict[str, set[Identity]]:
        """Read which messages after the last acknowledged ones are in the topics nevertheless, by topic."""
        offsets = self._ledger.state.offsets
        last = {topic: {p: offset for (t, p), offset in offsets.items() if t == topic} for topic in self._partitions}
        return {t: arrived_messages(self._kafka, t, self._partitions[t], last[t]) for t in self._partitions}

    def _finish_unfinished(self, sender: Sender, arrived: dict[str, set[Identity]]) -> None:
        """Send again what the ledger meant to send and the topics lack: the same messages, with their old ts."""
        for entry, batch in self._unfinished_batches(list(self._ledger.state.unfinished.values())):
            missing = [
                (message, sent.number)
                for message, sent in zip(self._make_messages(batch, entry.ts), entry.messages, strict=True)
                if Identity(sent.number, entry.batch, entry.clock_ms) not in arrived[sent.topic]
            ]
            self._deliver(sender, batch, missing)

    def _unfinished_batches(self, entries: list[Entry]) -> Iterator[tuple[Entry, RowBatch]]:
        """Cut the batches of some consecutive entries again; the flush, which has no rows, can only be the last."""
        run, cut_again = self._ledger.state.run, [entry for entry in entries if not entry.is_flush]
        if run is not None and cut_again:
            first = {topic: cut_again[0].source[topic][0] for topic in self._domain.topics}
            with closing(self._batches(run, first, cut_again[0].batch)) as batches:
                for entry in cut_again:
                    yield entry, next(batches)
        for entry in entries[len(cut_again) :]:
            yield entry, self._flush(entry.batch, entry.clock_ms)

    def _send(self, sender: Sender, batch: RowBatch, ts: int) -> None:
        if self._domain.has_heartbeats:
            check_clock(self._world, batch.clock_ms, ts * SECOND_MS, self._clock_ahead_ms)
        messages = self._make_messages(batch, ts)
        numbers = self._ledger.state.next_number.copy()
        sent = []
        for message in messages:
            sent.append(Sent(message.topic, numbers[message.topic], message.rows, message.is_heartbeat))
            numbers[message.topic] += 1
        source = {topic: [rows.first, len(rows)] for topic, rows in batch.rows.items()}
        self._ledger.intend(Entry(batch.number, ts, batch.clock_ms, source, sent, batch.is_flush))
        self._deliver(sender, batch, [(m, s.number) for m, s in zip(messages, sent, strict=True)])
        self._health.batches += 1
        self._health.clock_ms = batch.clock_ms

    def _deliver(self, sender: Sender, batch: RowBatch, messages: list[tuple[Message, int]]) -> None:
        futures = [sender.send(message, number, batch.start_ms) for message, number in messages]
        for message, _ in messages:
            self._health.sent(message.topic, 0 if message.is_heartbeat else message.rows)
        self._unacknowledged.append((batch.number, futures))
        self._settle(max_unacknowledged=IN_FLIGHT)

    def _settle(self, max_unacknowledged: int) -> None:
        """Write down what is acknowledged, in order, and wait until at most so many batches are not."""
        waiting = self._unacknowledged
        while waiting and (len(waiting) > max_unacknowledged or all(future.is_done for future in waiting[0][1])):
            batch, futures = waiting.popleft()
            last: dict[tuple[str, int], int] = {}
            for metadata in map(wait_for, futures):
                partition = metadata.topic, metadata.partition
                last[partition] = max(metadata.offset, last.get(partition, -1))
            self._ledger.acknowledge(batch, [(*partition, offset) for partition, offset in last.items()])
            self._health.rows_acknowledged = self._rows_since()
