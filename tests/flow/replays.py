"""What a stage's ledger says of its replays: their clocks, their shift of event time, the rows they spoilt."""

from dataclasses import dataclass, field
from typing import Any

from producer.replay.ledger import read_lines
from runtime.world import Unit


@dataclass(slots=True)
class Replayed:
    """One replay, as the ledger has it."""

    shift_ms: int
    first: dict[str, int]
    """First source row by topic."""
    clocks_ms: list[int] = field(default_factory=list)
    """Of its batches, the flush last."""
    fates: list[dict[str, Any]] = field(default_factory=list)


def replays_of(unit: Unit) -> list[Replayed]:
    """Read the replays of a version, the first one first."""
    found: list[Replayed] = []
    for line in read_lines(unit.ledger):
        if "run" in line:
            found.append(Replayed(line["run"]["shift_ms"], line["run"]["first"]))
        elif "batch" in line:
            found[-1].clocks_ms.append(line["batch"]["clock_ms"])
            found[-1].fates += line["batch"]["fates"]
    return found
