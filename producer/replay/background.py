"""A replay in a thread, for a notebook: the cell that starts it returns at once, others watch and stop it."""

import threading
from dataclasses import dataclass, field

import pyarrow.compute as pc

from contracts.events import PLAYS, ROWS_PER_BATCH
from producer.errors import ReplayError
from producer.kafka import topics
from producer.replay.faults.injector import with_faults
from producer.replay.faults.settings import Faults
from producer.replay.ledger import read_state
from producer.replay.pace import Pace
from producer.replay.replay import Outcome, replay
from runtime.checkpoint import clock_ahead_ms
from runtime.kafka.worlds import require_own_broker
from runtime.parquet import count_rows, read_parquet
from runtime.settings import Settings
from runtime.world import World, WorldError

STOP_WITHIN_S = 30.0


@dataclass
class Background:
    """One replay of the settings' world, from where the last one stopped, begun by `start`."""

    settings: Settings
    pace: Pace
    faults: Faults = field(default_factory=Faults)
    pause_at: int | None = None
    """Batch to pause before: no flush, so the next replay goes on as if there had been no pause."""
    batches: int = 0
    """Batches sent so far."""
    rows: int = 0
    """Rows acknowledged so far."""
    clock_ms: int = 0
    """Event-time clock of the last batch."""
    outcome: Outcome | None = None
    _error: Exception | None = None
    _thread: threading.Thread | None = None

    def start(self) -> "Background":
        """Begin to send.

        Raises BrokerError where broker or topics are missing, or the broker is another world's; WorldError without raw
        rows.
        """
        world = self.settings.the_world()
        self.faults.check(world)
        world.raw_files(world.domain.master)
        kafka = self.settings.kafka()
        topics.create(kafka)
        require_own_broker(kafka, world)
        self._thread = threading.Thread(target=self._run, args=(world,), name="replay", daemon=True)
        self._thread.start()
        return self

    @property
    def is_done(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    def stop(self) -> Outcome:
        """End after the batch in flight and return what was sent; a finished replay returns the same again.

        Raises what ended the replay, if it did not end well.
        """
        self.pace.stop.set()
        return self.wait(STOP_WITHIN_S)

    def wait(self, within_s: float | None = None) -> Outcome:
        """Wait for the end and return what was sent. Raises what ended the replay, if it did not end well."""
        if self._thread is None:
            raise ReplayError("the replay was not started: call start()")
        self._thread.join(within_s)
        if self._error is not None:
            raise self._error
        if self.outcome is None:
            raise ReplayError(f"the replay has not ended after {within_s:g} s: stop it first")
        return self.outcome

    def _run(self, world: World) -> None:
        try:
            first = next_batch(world)
            if self.pause_at is not None and first >= self.pause_at:
                self.outcome = Outcome({}, 0, 0.0, first, is_stopped=True)
                return

            def report_progress(rows: dict[str, int], clock_ms: int) -> None:
                self.batches, self.rows, self.clock_ms = self.batches + 1, sum(rows.values()), clock_ms
                if self.pause_at is not None and first + self.batches >= self.pause_at:
                    self.pace.stop.set()

            self.outcome = replay(
                world,
                self.settings.kafka(),
                self.pace,
                with_faults(self.faults),
                report_progress=report_progress,
                clock_ahead_ms=clock_ahead_ms(world.unit, self.settings.clock_ahead),
            )
        except Exception as error:  # kept for the cell that asks: a thread has nobody to raise to
            self._error = error


def next_batch(world: World) -> int:
    """Return the number of the batch that a replay would send next."""
    return read_state(world.unit.ledger).next_batch


@dataclass(frozen=True, slots=True)
class PassPosition:
    """Where in the world's source the next replay goes on: its batches are sent pass after pass."""

    first_batch: int
    """Number of the batch with which the pass begins."""
    sent: int
    """Batches of the pass that are sent."""


def position_in_pass(world: World) -> PassPosition:
    """Return where the next replay goes on; a source that is sent and flushed begins again."""
    state, rows = read_state(world.unit.ledger), count_rows(world.raw_files(world.domain.master))
    sent_rows = state.next_row[world.domain.master]
    if state.run is None or (state.has_ended and sent_rows >= rows):
        return PassPosition(state.next_batch, 0)
    sent = -(-sent_rows // ROWS_PER_BATCH)
    return PassPosition(state.next_batch - sent, sent)


def total_batches(world: World) -> int:
    """Return how many batches a world's source makes."""
    return -(-count_rows(world.raw_files(world.domain.master)) // ROWS_PER_BATCH)


def attack_batches(world: World, family: str) -> range:
    """Return the first stretch of batches in which a family plays, by the truth: the first day of its campaigns.

    Raises WorldError where the world has no such bots.
    """
    for file in sorted(world.truth(PLAYS).glob("date=*/*.parquet")):
        is_family = pc.equal(read_parquet(file, ["family"]).column("family"), family)
        rows = pc.indices_nonzero(is_family)
        if len(rows):
            before = count_rows([f for f in world.raw_files(PLAYS) if f.parent.name < file.parent.name])
            first, last = before + rows[0].as_py(), before + rows[-1].as_py()
            return range(first // ROWS_PER_BATCH, last // ROWS_PER_BATCH + 1)
    raise WorldError(f"world {world.name} has no {family}: simulate one with  --scenario demo")
