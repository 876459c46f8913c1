"""The fault journal of a version: which faults were injected into which batch, written before the batch is sent.

`ledger/faults.jsonl`, one JSON object with one key a line, only ever appended to:

faults  the settings from a batch on
batch   a batch that a fault touched: its clock, the rows held back, spoilt and cut off, and whether it was sent twice

The ledger decides which batches there are. A batch that is in the journal and not in the ledger was never sent: a crash
came between the two, and the journal drops it. Rows that wait are not listed: they follow from the lines in order.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from producer.errors import ReplayError
from producer.replay.faults.disturbance import BadRow, LateRow, TornMessage
from producer.replay.faults.settings import Faults
from producer.replay.json_lines import complete_bytes, read_lines
from runtime.errors import naming

FILE_NAME = "faults.jsonl"


@dataclass(frozen=True, slots=True)
class BatchFaults:
    """What was injected into one batch."""

    batch: int
    clock_ms: int
    is_flush: bool = False
    late: list[LateRow] = field(default_factory=list)
    """Rows of this batch that wait for a later one."""
    bad: list[BadRow] = field(default_factory=list)
    torn: list[TornMessage] = field(default_factory=list)
    is_sent_twice: bool = False

    @property
    def is_any(self) -> bool:
        """Whether the batch was touched at all."""
        return bool(self.late or self.bad or self.torn or self.is_sent_twice)


@dataclass(slots=True)
class FaultState:
    """The faults in force at a batch, and the rows that wait before it is made."""

    faults: Faults = field(default_factory=Faults)
    waiting: list[LateRow] = field(default_factory=list)

    def due(self, clock_ms: int, is_flush: bool) -> list[LateRow]:
        """Return the waiting rows that go with a batch of this clock."""
        return [row for row in self.waiting if row.is_due(clock_ms, is_flush)]

    def pass_batch(self, batch: BatchFaults) -> None:
        """Go on behind a batch: the rows that were due are sent, those that it held back wait."""
        self.waiting = [row for row in self.waiting if not row.is_due(batch.clock_ms, batch.is_flush)] + batch.late


class FaultJournal:
    """The journal in a ledger's folder. Who holds the ledger's lock may write to it."""

    def __init__(self, folder: Path):
        self.path = folder / FILE_NAME

    def drop_from(self, batch: int) -> None:
        """Drop the lines of batches from `batch` on, and a last line that a crash cut short.

        Raises ReplayError where a line before it is damaged.
        """
        if not self.path.exists():
            return
        end = complete_bytes(self.path)
        with naming(self.path, ReplayError), self.path.open("rb") as file:
            while (start := file.tell()) < end:
                ((_, content),) = orjson.loads(file.readline()).items()
                if content["batch"] >= batch:
                    end = start
        os.truncate(self.path, end)

    def set_faults(self, batch: int, faults: Faults) -> None:
        """Write down the settings from a batch on."""
        self._append({"faults": {"batch": batch, "settings": faults}})

    def add(self, batch: BatchFaults) -> None:
        """Write down what is injected into a batch."""
        self._append({"batch": batch})

    def state_before(self, batch: int) -> FaultState:
        """Read the faults in force at a batch, and the rows that wait before it."""
        state = FaultState()
        for line in read_lines(self.path):
            ((kind, content),) = line.items()
            if content["batch"] > batch or (kind == "batch" and content["batch"] == batch):
                break
            if kind == "faults":
                state.faults = Faults(**content["settings"])
            else:
                state.pass_batch(_batch_faults(content))
        return state

    def batches(self) -> list[BatchFaults]:
        """Read every batch that a fault touched, in order."""
        return [_batch_faults(line["batch"]) for line in read_lines(self.path) if "batch" in line]

    def _append(self, line: object) -> None:
        # opened and closed for each line: the system has it before the batch is sent
        with self.path.open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")


def _batch_faults(content: dict[str, Any]) -> BatchFaults:
    return BatchFaults(
        **{
            **content,
            "late": [LateRow(**row) for row in content["late"]],
            "bad": [BadRow(**row) for row in content["bad"]],
            "torn": [TornMessage(**message) for message in content["torn"]],
        }
    )
