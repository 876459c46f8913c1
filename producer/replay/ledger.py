"""The ledger of a version: what replay means to send, written before it is sent, and what the broker acknowledged.

`ledger/replay.jsonl`, one JSON object with one key a line, only ever appended to:

run    a replay began: its pass over the source, the shift of its event times, its first source rows
batch  about to be sent: number, ts, clock, source rows by topic [first, count], and what each message has
ack    every message of a batch is acknowledged; the last offset by topic and partition
end    a run ended by itself, after its flush

A batch's line is handed to the system before the batch is sent, so a killed process loses nothing that matters: what
it knew to be acknowledged goes with the next line, and is otherwise found again in the topics. A line that a crash cut
short belongs to a batch that was not sent yet, and is dropped.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from producer.errors import ReplayError
from producer.replay.json_lines import complete_bytes, read_lines
from runtime.file_lock import hold_lock, open_locked
from runtime.world import World

FILE_NAME = "replay.jsonl"
_AT_WORK = "another replay is at work on world {}: wait for it, or stop it"


@dataclass(frozen=True, slots=True)
class Run:
    """How one replay reads the source. A pass is one way through all of it."""

    source_rows: dict[str, int]
    source_pass: int = 1
    shift_ms: int = 0
    first: dict[str, int] = field(default_factory=dict)
    """First source row by topic; by default 0 of each."""

    def __post_init__(self) -> None:
        if not self.first:
            object.__setattr__(self, "first", dict.fromkeys(self.source_rows, 0))

    @property
    def id_suffix(self) -> str:
        """What makes row ids unique again when the source is sent once more."""
        return "" if self.source_pass == 1 else f"~{self.source_pass}"


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as the ledger knows it: its topic, its number among that topic's messages, its rows."""

    topic: str
    number: int
    rows: int
    is_heartbeat: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One batch as the ledger knows it. The flush at the end of a run is a batch without source rows."""

    batch: int
    ts: int
    clock_ms: int
    source: dict[str, list[int]]
    messages: list[Sent]
    is_flush: bool = False


@dataclass(slots=True)
class State:
    """How far a version is: what the next replay has to know."""

    run: Run | None = None
    has_ended: bool = True
    """Whether the last run came to its flush; otherwise the next one goes on where it stopped."""
    next_batch: int = 0
    next_row: Counter[str] = field(default_factory=Counter)
    next_number: Counter[str] = field(default_factory=Counter)
    clock_ms: int = 0
    unfinished: dict[int, Entry] = field(default_factory=dict)
    """Batches of which not every message is acknowledged, by number."""
    rows_acknowledged: Counter[str] = field(default_factory=Counter)
    """Rows by topic, copies included and heartbeats aside."""
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    """Last acknowledged offset by topic and partition."""

    def begin(self, run: Run) -> None:
        self.run, self.has_ended, self.next_row = run, False, Counter(run.first)

    def intend(self, entry: Entry) -> None:
        self.unfinished[entry.batch] = entry
        self.next_batch, self.clock_ms = entry.batch + 1, entry.clock_ms
        for topic, (first, count) in entry.source.items():
            self.next_row[topic] = first + count
        for message in entry.messages:
            self.next_number[message.topic] = message.number + 1

    def acknowledge(self, batch: int, offsets: list[tuple[str, int, int]]) -> None:
        for message in self.unfinished.pop(batch).messages:
            self.rows_acknowledged[message.topic] += 0 if message.is_heartbeat else message.rows
        for topic, partition, offset in offsets:
            self.offsets[topic, partition] = offset


def require_no_replay(world: World) -> None:
    """Raise ReplayError where a replay sends the world's rows, which a new simulation would replace."""
    if (world.unit.ledger / FILE_NAME).exists():
        with hold_lock(world.unit.ledger / FILE_NAME, ReplayError(_AT_WORK.format(world.name))):
            pass


class Ledger:
    """The open ledger of a version, and its state; one process at a time."""

    def __init__(self, folder: Path):
        at_work = ReplayError(_AT_WORK.format(folder.parent.parent.name))
        self._file = open_locked(folder / FILE_NAME, at_work)
        self._file.truncate(complete_bytes(folder / FILE_NAME))
        self._folder = folder
        self.reload()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()

    def reload(self) -> None:
        """Take up the state as the file has it."""
        self._file.flush()
        self.state = read_state(self._folder)

    def begin(self, run: Run) -> None:
        self._append("run", run)
        self.state.begin(run)

    def intend(self, entry: Entry) -> None:
        self._append("batch", entry)
        self.state.intend(entry)

    def acknowledge(self, batch: int, offsets: list[tuple[str, int, int]]) -> None:
        self._append("ack", {"batch": batch, "offsets": offsets}, is_urgent=False)
        self.state.acknowledge(batch, offsets)

    def end(self) -> None:
        self._append("end", {})
        self.state.has_ended = True

    def _append(self, kind: str, content: Run | Entry | dict[str, Any], is_urgent: bool = True) -> None:
        self._file.write(orjson.dumps({kind: content}) + b"\n")
        if is_urgent:
            self._file.flush()


def read_state(folder: Path) -> State:
    """Read the state of a version; that of a fresh one where there is no ledger. Raises ReplayError."""
    state, path = State(), folder / FILE_NAME
    for line in read_lines(path):
        ((kind, content),) = line.items()
        if kind == "run":
            state.begin(Run(**_without_faults(content, path)))
        elif kind == "batch":
            messages = [Sent(**message) for message in content["messages"]]
            state.intend(Entry(**{**_without_faults(content, path), "messages": messages}))
        elif kind == "ack":
            state.acknowledge(content["batch"], [(t, p, o) for t, p, o in content["offsets"]])
        else:
            state.has_ended = True
    return state


def _without_faults(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """Leave out what ledgers held of faults before these had a journal. Raises ReplayError where there were any."""
    settings, fates = content.get("faults") or {}, content.get("fates")
    if fates or any(settings.get(f"{kind}_share") for kind in ("late", "duplicate", "corrupt")):
        raise ReplayError(
            f"the ledger {path} is of an earlier Playproof, and has faults in it: begin a new version with  --fresh"
        )
    return {name: value for name, value in content.items() if name not in ("faults", "fates")}
