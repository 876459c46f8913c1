"""A real broker, a real job, and a replay that sends rows at the rates that a measurement asks for."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from contracts.topics import TOPICS, Topic
from ops.bench import world as bench_world
from ops.bench.process_tree import TreeMeter, machine_cpu_s
from ops.errors import StackError
from ops.latency.pace import FLOOD, RatePace
from ops.stack import child_process
from ops.stack.broker import running as running_broker
from ops.stack.child_process import ChildProcess
from ops.stack.private_broker import command_environment, start_only_version
from producer.kafka import topics
from producer.kafka.sender import message_counts
from producer.replay.replay import replay
from producer.simulator.scenario import Scenario
from runtime.command_line import playproof
from runtime.kafka.connection import KafkaConnection
from runtime.monitoring.progress import last_micro_batch, recent_micro_batches
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import Unit

QUERY = "sessions"
READ_TOPICS = (QUERY, "archive")
"""The queries that read the topics."""
JOB_UP_WITHIN_S = 900.0
DRAINS_WITHIN_S = 900.0
SAMPLE_EVERY_S = 0.5
RECENT = 100
"""Micro-batches of a query that are looked at."""
BURSTS = 3
"""Batches of the first burst, as a share of the flood: the job compiles its code while it takes them."""
AS_SENT = "producer"
"""Kafka's word for messages that are kept as they were sent; the replay sends them uncompressed."""
ROWS_PER_BATCH = 535
"""Rows of both topics in a batch of the replay, about (200 plays and their activity; `default`, seed 7)."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A span of the run with one rate."""

    name: str
    asked_rows_per_s: float
    began_at: float
    ended_at: float
    job_cpu_s: float
    other_cpu_s: float
    is_caught_up: bool = True
    """Whether the job took all rows within DRAINS_WITHIN_S after it."""


class DrivenJob:
    """A running job that gets rows at the rates that are asked for."""

    def __init__(
        self,
        kafka: KafkaConnection,
        unit: Unit,
        job: ChildProcess,
        pace: RatePace,
        report_progress: ReportProgress,
        end: Callable[[], None] = lambda: None,
        read_topics: Sequence[str] = READ_TOPICS,
    ):
        self.kafka, self.unit, self.meter = kafka, unit, TreeMeter(job.process.pid)
        self.end = end
        """Ends replay and job; the broker goes on."""
        self._job, self._pace, self._read_topics = job, pace, read_topics
        self._report_progress = report_progress

    def highest_rate(self, rows: int) -> float:
        """Return the rows per second at which the job takes a flood of rows, after a smaller one to get warm.

        Raises StackError where it does not take them within DRAINS_WITHIN_S.
        """
        self.flood(rows // BURSTS)
        rate = self.flood(rows)
        self._report_progress(f"the job takes {rate:,.0f} rows/s at most")
        return rate

    def flood(self, rows: int) -> float:
        """Send rows as fast as possible, wait until the job has taken them, and return how many it took per second.

        Raises StackError where it does not take them within DRAINS_WITHIN_S.
        """
        before, began_at = self._pace.batches, time.time()
        self._pace.set_rate(FLOOD)
        while self._pace.batches - before < rows // ROWS_PER_BATCH:
            self._look(0.05)
        self._pace.set_rate(0.0)
        sent = self._pace.batches - before
        if not self.drain():
            raise StackError(f"the job has not taken {rows:,} rows within {DRAINS_WITHIN_S:g} s  (see {self._job.log})")
        batches = recent_micro_batches(self.unit, QUERY, RECENT)
        # those after it had no rows: they only moved the watermark, while the archive was at work
        took_last = next(batch for batch in batches if batch.ends == batches[-1].ends)
        return sent * ROWS_PER_BATCH / (took_last.ended_at - began_at)

    def hold(
        self, name: str, rows_per_s: float, seconds: float, on_sample: Callable[[float], None] = lambda now: None
    ) -> Phase:
        """Send rows at a rate for a while, then wait until the job has caught up. `on_sample` gets the time."""
        self._report_progress(f"{name.replace('_', ' ')}: {rows_per_s:,.0f} rows/s for {seconds:g} s …")
        self.meter.sample(time.time())
        began_at, cpu_s, machine_s = time.time(), self.meter.cpu_s, machine_cpu_s()
        self._pace.set_rate(rows_per_s / ROWS_PER_BATCH)
        while time.time() < began_at + seconds:
            self._look()
            on_sample(time.time())
        self._pace.set_rate(0.0)
        ended_at = time.time()
        job_cpu_s = self.meter.cpu_s - cpu_s
        other_cpu_s = max(machine_cpu_s() - machine_s - job_cpu_s, 0.0)
        is_caught_up = self.drain()
        return Phase(name, rows_per_s, began_at, ended_at, job_cpu_s, other_cpu_s, is_caught_up)

    def drain(self) -> bool:
        """Wait until the job has read all that is in the topics; return whether it did within DRAINS_WITHIN_S.

        The archive comes last: its micro-batches are rare, and what it is behind would count for the next rate.
        """
        until = time.monotonic() + DRAINS_WITHIN_S
        while time.monotonic() < until:
            self._look()
            if all(map(self._has_read_all, self._read_topics)):
                return True
        return False

    def _has_read_all(self, query: str) -> bool:
        last = last_micro_batch(self.unit, query)
        ends = {} if last is None else last.ends
        counts = message_counts(self.kafka, tuple(ends))
        return bool(ends) and all(sum(ends[topic].values()) >= count for topic, count in counts.items())

    def _look(self, wait_s: float = SAMPLE_EVERY_S) -> None:
        self._job.require_alive()
        if self._pace.stop.is_set():
            raise StackError("the replay ended before the measurement")
        self.meter.sample(time.time())
        time.sleep(wait_s)


@contextmanager
def driven_job(
    settings: Settings, scenario: Scenario, report_progress: ReportProgress, compression: str = AS_SENT
) -> Iterator[DrivenJob]:
    """Simulate the settings' world once, and run broker, job and replay for the length of a `with` block.

    `compression` is the codec in which the broker keeps messages, as in Kafka's `compression.type`.
    """
    world = settings.the_world()
    bench_world.simulate_once(world, scenario, 1, report_progress)
    unit = start_only_version(world)
    environment = command_environment(settings) | {"PLAYPROOF_SPARK_JVM_FLAGS": settings.spark_jvm_flags}
    with ExitStack() as running:
        running.enter_context(running_broker(unit.broker, settings.broker, {"compression.type": compression}))
        topics.create(settings.kafka(), map(keep_all, TOPICS.values()))
        ours = running.enter_context(ExitStack())
        log = world.root / "run" / "job.log"
        job = ours.enter_context(child_process.running("job", playproof("job", "run"), environment, log))
        job.wait_for_message("Ctrl-C stops", JOB_UP_WITHIN_S)
        pace = RatePace()
        ours.enter_context(replaying(settings, pace))
        yield DrivenJob(settings.kafka(), unit, job, pace, report_progress, ours.close)


def keep_all(topic: Topic) -> Topic:
    """Return a topic without its limit of bytes: all rows of a measurement are read again after it."""
    return replace(topic, config=topic.config | {"retention.bytes": "-1"})


@contextmanager
def replaying(settings: Settings, pace: RatePace) -> Iterator[None]:
    """Replay the world at `pace` next to the `with` block, again and again under later dates, until it is stopped."""
    failures: list[BaseException] = []

    def send() -> None:
        try:
            while not replay(settings.the_world(), settings.kafka(), pace).is_stopped:
                pass
        except BaseException as error:  # told to the main thread
            failures.append(error)
        finally:
            pace.stop.set()  # whoever waits for its batches is not to wait for ever

    sender = threading.Thread(target=send, name="replay")
    sender.start()
    try:
        yield
    finally:
        pace.stop.set()
        sender.join()
        if failures:
            raise StackError(f"the replay ended: {failures[0]}") from failures[0]
