"""The file of progress stays short, and nobody who reads it sees a difference."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.monitoring.progress import first_event_at, recent_micro_batches
from runtime.monitoring.totals import shorten, totals
from runtime.world import Unit
from tests.runtime.monitoring.test_progress import report

LINE_BYTES = len(json.dumps(report()))


def line_of(batch: int, rows: int, late: int, newest: int, lag: int, alerts: int = 0) -> str:
    """Write a micro-batch whose newest row is of minute `newest`, with a watermark `lag` minutes behind it."""
    counts = {"session_step": {"alerts": alerts, "open_rows": 0}}
    newest_at, watermark = (
        f"2025-03-04T{minute // 60:02}:{minute % 60:02}:00.000Z" for minute in (newest, newest - lag)
    )
    times: dict[str, Any] = {"max": newest_at, "min": newest_at, "watermark": watermark} if rows else {}
    ended = f"2026-11-22T{batch // 60:02}:{batch % 60:02}:00.000Z"
    more: dict[str, Any] = {"timestamp": ended, "eventTime": times, "observedMetrics": counts}
    return json.dumps(report(batch, late=late, duplicate=0, kept=rows, **more)) + "\n"


LINES = st.tuples(*(st.integers(*between) for between in ((0, 3), (0, 2), (60, 200), (0, 60), (0, 5))))
BATCHES = st.lists(LINES, min_size=1, max_size=30)


def facts(unit: Unit) -> tuple[Any, ...]:
    sums = totals(unit, "sessions")
    return sums.rows, sums.late, sums.duplicate, sums.alerts, first_event_at(unit, "sessions")


def lag_s(unit: Unit) -> float | None:
    return totals(unit, "sessions").watermark_lag.seconds(now=1_795_400_000.0, waits=True)


@given(BATCHES, st.integers(1, 6))
def test_a_file_that_is_shortened_again_and_again_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, ...]], kept: int
) -> None:
    units = [Unit(tmp_path_factory.mktemp("unit")) for _ in range(2)]
    for unit in units:
        unit.progress.mkdir()
    whole, short = (unit.progress / "sessions.jsonl" for unit in units)
    for number, batch in enumerate(batches):
        for file in (whole, short):
            with file.open("a") as log:
                log.write(line_of(number, *batch))
        shorten(short, max_bytes=2 * kept * LINE_BYTES, kept_bytes=kept * LINE_BYTES)
    assert facts(units[1]) == facts(units[0])
    newest = recent_micro_batches(units[1], "sessions", len(batches))
    assert newest
    assert newest == recent_micro_batches(units[0], "sessions", len(newest))


def test_a_reader_that_looks_in_between_goes_on_with_the_same_sums(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    unit.progress.mkdir()
    file, seen = unit.progress / "sessions.jsonl", []
    for number in range(40):
        with file.open("a") as log:
            log.write(line_of(number, 1, 0, 60 + number, 5))
        shorten(file, max_bytes=9 * LINE_BYTES, kept_bytes=4 * LINE_BYTES)
        seen.append(totals(unit, "sessions").rows)
    assert seen == [*range(1, 41)]
    assert file.stat().st_size < 10 * LINE_BYTES


def test_a_lag_that_began_before_the_lines_that_are_kept_is_not_forgotten(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    unit.progress.mkdir()
    file = unit.progress / "sessions.jsonl"
    # the watermark stands still from the first micro-batch on
    file.write_text("".join(line_of(number, 1, 0, 60 + number, number + 1) for number in range(40)))
    before = lag_s(unit)
    shorten(file, max_bytes=9 * LINE_BYTES, kept_bytes=4 * LINE_BYTES)
    assert lag_s(unit) == before


def test_the_alerts_of_a_micro_batch_count_once_also_where_its_first_line_is_gone(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    unit.progress.mkdir()
    file = unit.progress / "sessions.jsonl"
    lines = [line_of(number, 1, 0, 60, 0, alerts=10**number) for number in range(4)]
    # a job went on from a copy of its checkpoint, and did the last two again
    file.write_text("".join([*lines[:3], *lines[1:]]))
    assert totals(unit, "sessions").alerts == 1111
    shorten(file, max_bytes=9, kept_bytes=len(lines[0]) + len(lines[1]))
    assert totals(unit, "sessions").alerts == 1111
    assert totals(unit, "sessions").rows == 6


def test_a_file_that_an_earlier_playproof_shortened_has_no_alerts_of_before(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    unit.progress.mkdir()
    kept: dict[str, object] = {"rows": 7, "late": 0, "duplicate": 0, "first_event_at": None, "watermark_lag": {}}
    line = line_of(9, 1, 0, 60, 0, alerts=2)
    (unit.progress / "sessions.jsonl").write_text(json.dumps({"kept": kept}) + "\n" + line)
    assert (totals(unit, "sessions").rows, totals(unit, "sessions").alerts) == (8, 2)


@pytest.mark.parametrize("head", [b'{"kept": {"rows": 7, "la', b'{"kept": 7}', b'{"kept": null, "x": 1}'])
def test_a_line_of_sums_that_is_damaged_is_left_out(tmp_path: Path, head: bytes) -> None:
    unit = Unit(tmp_path)
    unit.progress.mkdir()
    (unit.progress / "sessions.jsonl").write_bytes(head + b"\n" + line_of(9, 1, 0, 60, 0).encode())
    assert totals(unit, "sessions").rows == 1


def test_a_full_disk_leaves_the_file_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "sessions.jsonl"
    file.write_text(text := "".join(line_of(number, 1, 0, 60, 0) for number in range(9)))
    monkeypatch.setattr("runtime.monitoring.totals.shutil.copyfileobj", fail)
    with pytest.raises(OSError, match="No space left"):
        shorten(file, max_bytes=9, kept_bytes=4 * LINE_BYTES)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("sessions.jsonl", text)]


def test_a_short_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "sessions.jsonl"
    file.write_text(line_of(0, 1, 0, 60, 0))
    shorten(file)
    assert file.read_text() == line_of(0, 1, 0, 60, 0)
