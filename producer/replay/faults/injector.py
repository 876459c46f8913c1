"""The layer itself: a maker of messages that injects faults, and makes the same messages again after a crash."""

from pathlib import Path

from producer.kafka.messages import Message
from producer.replay.batch_messages import MessageMaker, OpenMaker, open_plain, pack_texts
from producer.replay.batches import RowBatch
from producer.replay.faults.disturbance import disturb_messages, disturb_rows
from producer.replay.faults.journal import BatchFaults, FaultJournal, FaultState
from producer.replay.faults.settings import Faults


def with_faults(faults: Faults) -> OpenMaker:
    """Return how a replay opens its maker of messages: the plain one where no fault is asked for, nor was before.

    A version that once had faults keeps the layer: rows may still wait, and batches may have to be made again.
    """

    def open_maker(ledger: Path, next_batch: int) -> MessageMaker:
        journal = FaultJournal(ledger)
        if not faults.any and not journal.path.exists():
            return open_plain(ledger, next_batch)
        return FaultInjector(journal, faults, next_batch).make_messages

    return open_maker


class FaultInjector:
    """Makes the messages of batches with faults in them; what it injects is in the journal before it returns them."""

    def __init__(self, journal: FaultJournal, faults: Faults, next_batch: int):
        """Take up the journal at the ledger's next batch; from there on `faults` are in force."""
        self._journal = journal
        journal.drop_from(next_batch)
        if journal.state_before(next_batch).faults != faults:
            journal.set_faults(next_batch, faults)
        self._state = journal.state_before(next_batch)
        self._next_batch = next_batch

    def make_messages(self, batch: RowBatch, ts: int) -> list[Message]:
        """Make a batch's messages: its rows, spoilt as the faults say, and the waiting ones that are due."""
        if batch.number < self._next_batch:  # it was made before, and may not have arrived
            return _inject(batch, self._journal.state_before(batch.number), ts)[0]
        messages, injected = _inject(batch, self._state, ts)
        if injected.is_any or self._state.due(batch.clock_ms, batch.is_flush):
            self._journal.add(injected)
        self._state.pass_batch(injected)
        self._next_batch = batch.number + 1
        return messages


def _inject(batch: RowBatch, state: FaultState, ts: int) -> tuple[list[Message], BatchFaults]:
    texts, late, bad = disturb_rows(batch, state.faults)
    for row in state.due(batch.clock_ms, batch.is_flush):
        texts[row.topic] = [*texts.get(row.topic, ()), row.text]
    messages = pack_texts(batch, texts, ts)
    if batch.is_flush:
        return messages, BatchFaults(batch.number, batch.clock_ms, is_flush=True)
    sent, torn = disturb_messages(messages, batch.number, state.faults)
    return sent, BatchFaults(
        batch.number, batch.clock_ms, late=late, bad=bad, torn=torn, is_sent_twice=len(sent) > len(messages)
    )
