"""The ledger says after any end, clean or not, what was meant to be sent and what was acknowledged."""

from collections import Counter
from pathlib import Path

import orjson
import pytest

from contracts.events import ACTIVITY, PLAYS
from producer.errors import ReplayError
from producer.replay.ledger import FILE_NAME, Entry, Ledger, Run, Sent, read_state

RUN = Run({PLAYS: 400, ACTIVITY: 3})


def entry(batch: int, clock_ms: int = 0, **changes: object) -> Entry:
    sent = [Sent(PLAYS, batch, 200, False), Sent(ACTIVITY, batch, 1, True)]
    values = {"source": {PLAYS: [200 * batch, 200], ACTIVITY: [0, 0]}, "messages": sent, **changes}
    return Entry(batch=batch, ts=7, clock_ms=clock_ms, **values)  # type: ignore[arg-type]


def test_a_fresh_version_has_the_state_of_nothing_sent(tmp_path: Path) -> None:
    state = read_state(tmp_path)
    assert (state.run, state.next_batch, state.next_row) == (None, 0, Counter())


def test_the_state_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.begin(RUN)
        ledger.intend(entry(0))
        ledger.acknowledge(0, [(PLAYS, 0, 0), (ACTIVITY, 0, 0)])
        ledger.intend(entry(1))
        written = ledger.state
    state = read_state(tmp_path)
    assert state == written
    assert state.run == RUN
    assert state.next_row == {PLAYS: 400, ACTIVITY: 0}
    assert state.next_number == {PLAYS: 2, ACTIVITY: 2}
    assert state.rows_acknowledged == {PLAYS: 200, ACTIVITY: 0}, "a heartbeat is not a row"
    assert list(state.unfinished) == [1]
    assert not state.has_ended


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
    with pytest.raises(ReplayError, match=r"line 2 of .*replay.jsonl is unreadable"):
        read_state(tmp_path)


def test_two_replays_into_one_version_exclude_each_other(tmp_path: Path) -> None:
    with Ledger(tmp_path / "w" / "v1" / "ledger"), pytest.raises(ReplayError, match=r"another replay .* world w"):
        Ledger(tmp_path / "w" / "v1" / "ledger")


def old_lines(late_share: float, fates: list[object]) -> bytes:
    """Return a ledger as it was written when it held the faults of a replay, too."""
    run = {
        "source_rows": {PLAYS: 400, ACTIVITY: 3},
        "faults": {"late_share": late_share},
        "first": {PLAYS: 0, ACTIVITY: 0},
    }
    batch = {"batch": 0, "ts": 7, "clock_ms": 0, "source": {}, "messages": [], "fates": fates, "is_flush": False}
    return b"".join(orjson.dumps(line) + b"\n" for line in ({"run": run}, {"batch": batch}))


def test_a_ledger_from_before_the_fault_journal_is_read_where_it_has_no_faults(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(old_lines(0.0, []))
    state = read_state(tmp_path)
    assert (state.run, state.next_batch) == (RUN, 1)


@pytest.mark.parametrize(("late_share", "fates"), [(0.1, []), (0.0, [{"topic": PLAYS, "fate": "late"}])])
def test_a_ledger_from_before_the_fault_journal_is_refused_where_it_has_faults(
    tmp_path: Path, late_share: float, fates: list[object]
) -> None:
    (tmp_path / FILE_NAME).write_bytes(old_lines(late_share, fates))
    with pytest.raises(ReplayError, match=r"earlier Playproof, and has faults in it: .* --fresh"):
        read_state(tmp_path)
