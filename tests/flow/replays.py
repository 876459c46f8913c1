"""What a stage's ledger and fault journal have of its replays: clocks, shifts of event time, rows held back."""

from dataclasses import dataclass, field

from producer.replay.faults.disturbance import LateRow
from producer.replay.faults.journal import FaultJournal
from producer.replay.json_lines import read_lines
from producer.replay.ledger import FILE_NAME
from runtime.world import Unit


@dataclass(slots=True)
class Replayed:
    """One replay, as the ledger has it."""

    shift_ms: int
    first: dict[str, int]
    """First source row by topic."""
    clocks_ms: list[int] = field(default_factory=list)
    """Of its batches, the flush last."""


def replays_of(unit: Unit) -> list[Replayed]:
    """Read the replays of a version, the first one first."""
    replays: list[Replayed] = []
    for line in read_lines(unit.ledger / FILE_NAME):
        if "run" in line:
            replays.append(Replayed(line["run"]["shift_ms"], line["run"]["first"]))
        elif "batch" in line:
            replays[-1].clocks_ms.append(line["batch"]["clock_ms"])
    return replays


def rows_held_back(unit: Unit) -> list[LateRow]:
    """Read the rows that the replays of a version sent late."""
    return [row for batch in FaultJournal(unit.ledger).batches() for row in batch.late]
