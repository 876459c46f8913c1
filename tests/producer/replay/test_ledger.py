"""The ledger says after any end, clean or not, what was meant to be sent and what was acknowledged."""

from pathlib import Path

import pytest

from contracts.events import ACTIVITY, PLAYS
from producer.errors import ReplayError
from producer.replay.faults import Faults
from producer.replay.ledger import FILE_NAME, Entry, Ledger, Run, Sent, read_state

RUN = Run({PLAYS: 400, ACTIVITY: 3}, Faults(late_share=0.1))
LATE = {"topic": PLAYS, "row": 3, "fate": "late", "due_ms": 5_000, "text": "{"}


def entry(batch: int, clock_ms: int = 0, **changes: object) -> Entry:
    sent = [Sent(PLAYS, batch, 200, False), Sent(ACTIVITY, batch, 1, True)]
    values = {"source": {PLAYS: [200 * batch, 200], ACTIVITY: [0, 0]}, "messages": sent, **changes}
    return Entry(batch=batch, ts=7, clock_ms=clock_ms, **values)  # type: ignore[arg-type]


def test_a_fresh_version_has_the_state_of_nothing_sent(tmp_path: Path) -> None:
    state = read_state(tmp_path)
    assert (state.run, state.next_batch, state.next_row) == (None, 0, {PLAYS: 0, ACTIVITY: 0})


def test_the_state_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.begin(RUN)
        ledger.intend(entry(0))
        ledger.acknowledge(0, [(PLAYS, 0, 0), (ACTIVITY, 0, 0)])
        ledger.intend(entry(1, fates=[LATE]))
        written = ledger.state
    state = read_state(tmp_path)
    assert state == written
    assert state.run == RUN
    assert state.next_row == {PLAYS: 400, ACTIVITY: 0}
    assert state.next_number == {PLAYS: 2, ACTIVITY: 2}
    assert state.rows_acknowledged == {PLAYS: 200, ACTIVITY: 0}, "a heartbeat is not a row"
    assert list(state.unfinished) == [1]
    assert not state.has_ended


def test_late_rows_wait_until_a_later_batch_has_reached_them(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.begin(RUN)
        ledger.intend(entry(0, clock_ms=9_000, fates=[LATE]))
        assert len(ledger.state.waiting) == 1, "not with its own batch, whatever its clock"
        ledger.intend(entry(1, clock_ms=9_000))
        assert ledger.state.waiting == []
        assert [len(u.waiting) for u in ledger.state.unfinished.values()] == [0, 1]


def test_a_flush_leaves_nothing_waiting(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.begin(RUN)
        ledger.intend(entry(0, fates=[LATE]))
        ledger.intend(entry(1, source={}, is_flush=True))
        assert ledger.state.waiting == []


def test_a_line_that_a_crash_cut_short_was_not_sent_and_is_dropped(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.begin(RUN)
        ledger.intend(entry(0))
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"batch": {"batch": 1, "ts"')
    assert read_state(tmp_path).next_batch == 1
    with Ledger(tmp_path) as ledger:
        ledger.intend(entry(1))
    assert list(read_state(tmp_path).unfinished) == [0, 1]


def test_a_spoilt_line_is_named(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.begin(RUN)
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b"not JSON\n")
    with pytest.raises(ReplayError, match=r"line 2 of the ledger .* is unreadable"):
        read_state(tmp_path)


def test_two_replays_into_one_version_exclude_each_other(tmp_path: Path) -> None:
    with Ledger(tmp_path / "w" / "v1" / "ledger"), pytest.raises(ReplayError, match=r"another replay .* world w"):
        Ledger(tmp_path / "w" / "v1" / "ledger")
