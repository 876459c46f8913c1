"""Whatever point a replay with faults is killed at, it goes on to send just what an undisturbed one sends."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events import ACTIVITY, ID_FIELD, PLAYS
from producer.replay import attempt, batches
from producer.replay.batch_messages import make_messages
from producer.replay.faults import journal
from producer.replay.faults.injector import with_faults
from producer.replay.faults.journal import FaultJournal
from producer.replay.faults.settings import Faults
from producer.replay.ledger import FILE_NAME, Ledger, read_state
from producer.replay.pace import Pace
from producer.replay.replay import Outcome, replay
from runtime.kafka.connection import KafkaConnection
from runtime.units import MINUTE_MS
from runtime.world import World
from tests.producer.raw_world import at, write_raw
from tests.producer.replay.memory_topics import MemoryTopics

NOWHERE = KafkaConnection("nowhere:9092")
N_PLAYS, N_ACTIVITY = 30, 24
EVERY_FAULT = Faults(late_share=0.2, late_by_minutes=15, duplicate_share=0.4, corrupt_share=0.3, seed=4)
ONLY_LATE = Faults(late_share=0.3, late_by_minutes=30, seed=1)


class Crash(BaseException):
    """What a `kill -9` is to the code: it ends here, and nothing handles it."""


@dataclass
class Machine:
    """Runs replays of one world, and kills them at a chosen step: a write to ledger or journal, or a message."""

    world: World
    topics: MemoryTopics
    steps_left: float = float("inf")
    disk: dict[Path, bytes] = field(default_factory=dict)
    """Ledger and journal at the moment of the crash; what a process has only in its buffers is lost."""

    @property
    def ledger(self) -> Path:
        return self.world.unit.ledger

    def replay(self, faults: Faults, pace: Pace | None = None) -> Outcome:
        return replay(self.world, NOWHERE, pace or Pace(speed=0), with_faults(faults))

    def finish(self, faults: Faults, pace: Pace | None = None) -> None:
        """Replay on, unless an earlier replay came to the end: one more would send the source again."""
        state = read_state(self.ledger)
        if state.run is None or not state.has_ended:
            self.replay(faults, pace)

    def is_killed(self, faults: Faults, after_steps: int) -> bool:
        """Replay on, and return whether it came to the step at which it is killed."""
        self.steps_left = after_steps
        try:
            self.finish(faults)
        except Crash:
            for path, content in self.disk.items():
                path.write_bytes(content)
            return True
        finally:
            self.steps_left = float("inf")
        return False

    def step(self, cut_short: Path | None = None) -> None:
        """Count a step; crash at the last one, with the last line of a file cut short where one is given."""
        self.steps_left -= 1
        if self.steps_left < 0:
            self.disk = {path: path.read_bytes() for path in self.ledger.iterdir()}
            if cut_short is not None:
                self.disk[cut_short] = self.disk[cut_short][:-3]
            raise Crash

    def watch(self, append: Callable[..., None], name: str) -> Callable[..., None]:
        """Make steps of a write: before it, in the middle of it, after it."""

        def watched(file: Any, *arguments: Any, **options: Any) -> None:
            self.step()
            append(file, *arguments, **options)
            if options.get("is_urgent", True):
                self.step(cut_short=self.ledger / name)
            self.step()

        return watched


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Set up a machine whose batches have ten plays each."""
    with pytest.MonkeyPatch.context() as patch:
        times = [place * 2 * MINUTE_MS for place in range(N_PLAYS)]
        world = write_raw(folder / "data" / "w", at(*times), at(*times[:N_ACTIVITY]))
        made = Machine(world, MemoryTopics())
        made.topics.before_send = made.topics.after_send = made.step
        made.topics.install(patch)
        patch.setattr(batches, "ROWS_PER_BATCH", 10)
        patch.setattr(attempt, "time", SimpleNamespace(time=lambda: 1_767_312_000))
        patch.setattr(Ledger, "_append", made.watch(Ledger._append, FILE_NAME))
        patch.setattr(FaultJournal, "_append", made.watch(FaultJournal._append, journal.FILE_NAME))
        yield made


def sent(machine: Machine) -> dict[str, Counter[str]]:
    """Count every row of the topics, torn messages as they are."""
    return {topic: Counter(map(repr, machine.topics.rows(topic))) for topic in (PLAYS, ACTIVITY)}


def ids(machine: Machine, topic: str) -> list[str]:
    return sorted(row[ID_FIELD[topic]] for row in machine.topics.rows(topic))


PLAY_IDS = sorted(f"p{place}" for place in range(N_PLAYS))
ACTIVITY_IDS = sorted(f"a{place}" for place in range(N_ACTIVITY))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    """What a replay sends that nothing kills; every kind of fault is in it."""
    with machine(tmp_path_factory.mktemp("undisturbed")) as whole:
        whole.replay(EVERY_FAULT)
        injected = FaultJournal(whole.ledger).batches()
        assert all(any(getattr(batch, kind) for batch in injected) for kind in ("late", "bad", "torn", "is_sent_twice"))
        return sent(whole)


def assert_as_undisturbed(killed: Machine, undisturbed: dict[str, Counter[str]]) -> None:
    assert sent(killed) == undisturbed
    for topic in (PLAYS, ACTIVITY):
        numbers = sorted(killed.topics.numbers(topic))
        assert numbers == list(range(len(numbers))), "no message twice, none left out"
    assert read_state(killed.ledger).has_ended


def test_killed_at_any_single_step_it_sends_what_an_undisturbed_one_sends(
    undisturbed: dict[str, Counter[str]], tmp_path: Path
) -> None:
    step = 0
    while True:
        with machine(tmp_path / str(step)) as each:
            if not each.is_killed(EVERY_FAULT, after_steps=step):
                break
            each.finish(EVERY_FAULT)
            assert_as_undisturbed(each, undisturbed)
        step += 1
    assert step > 50, "every write of ledger and journal is three steps, every message two"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    kills=st.lists(st.integers(0, 60), max_size=4),
    stop=st.integers(1, 3),
    acknowledges_at_once=st.booleans(),
)
def test_killed_any_number_of_times_and_stopped_it_sends_what_an_undisturbed_one_sends(
    undisturbed: dict[str, Counter[str]],
    tmp_path_factory: pytest.TempPathFactory,
    kills: list[int],
    stop: int,
    acknowledges_at_once: bool,
) -> None:
    with machine(tmp_path_factory.mktemp("killed")) as each:
        each.topics.acknowledges_at_once = acknowledges_at_once
        for steps in kills:
            each.is_killed(EVERY_FAULT, steps)
        each.finish(EVERY_FAULT, stopping_after(stop))
        each.finish(EVERY_FAULT)
        assert_as_undisturbed(each, undisturbed)


def stopping_after(n_batches: int) -> Pace:
    """Return a pace that stops the replay before the batch after so many."""
    waits = iter([0.0] * n_batches)
    pace = Pace(speed=0)

    def now() -> float:
        if next(waits, None) is None:
            pace.stop.set()
        return 0.0

    pace.now = now
    pace._began_at = 0.0  # so that each batch asks the clock once
    return pace


def test_a_batch_that_only_the_journal_knows_may_be_made_with_other_faults(tmp_path: Path) -> None:
    with machine(tmp_path) as each:
        # the settings, then the run, are three steps each; then the journal's first batch is written in full
        assert each.is_killed(ONLY_LATE, after_steps=8)
        assert FaultJournal(each.ledger).batches()[0].batch == 0
        assert read_state(each.ledger).next_batch == 0
        each.replay(Faults())
        assert FaultJournal(each.ledger).batches() == []
        assert (ids(each, PLAYS), ids(each, ACTIVITY)) == (PLAY_IDS, ACTIVITY_IDS)


def test_rows_that_wait_when_a_replay_is_stopped_come_with_one_that_has_no_faults(tmp_path: Path) -> None:
    with machine(tmp_path) as each:
        assert each.replay(ONLY_LATE, stopping_after(2)).is_stopped
        assert FaultJournal(each.ledger).state_before(2).waiting
        assert len(ids(each, PLAYS)) < 20, "some of the two batches wait"
        each.replay(Faults())
        assert (ids(each, PLAYS), ids(each, ACTIVITY)) == (PLAY_IDS, ACTIVITY_IDS)


def test_a_batch_that_is_made_again_has_the_faults_of_its_time_not_those_of_now(tmp_path: Path) -> None:
    with machine(tmp_path) as killed:
        killed.topics.acknowledges_at_once = False
        assert killed.is_killed(EVERY_FAULT, after_steps=30)
        first_unknown = read_state(killed.ledger).next_batch
        killed.replay(ONLY_LATE)
        faults_of = [FaultJournal(killed.ledger).state_before(batch).faults for batch in range(first_unknown + 1)]
        assert faults_of == [EVERY_FAULT] * first_unknown + [ONLY_LATE]
        numbers = sorted(killed.topics.numbers(PLAYS))
        assert numbers == list(range(len(numbers)))


def test_a_replay_without_faults_keeps_no_journal_and_goes_through_no_layer(tmp_path: Path) -> None:
    with machine(tmp_path) as plain:
        plain.replay(Faults())
        assert [path.name for path in plain.ledger.iterdir()] == [FILE_NAME]
        assert with_faults(Faults())(plain.ledger, 0) is make_messages
