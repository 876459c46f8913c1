"""The lag of the watermark by the clock: the same at any pace, and 0 when there is nothing to be behind of."""

import pytest

from runtime.monitoring.progress import MicroBatch
from runtime.monitoring.watermark_lag import MAX_READINGS, WatermarkLag


def batch(ended_at: float, newest_at: float | None = None, watermark_at: float | None = None) -> MicroBatch:
    return MicroBatch("sessions", 0, ended_at, 1.0, 1, newest_at=newest_at, watermark_at=watermark_at)


@pytest.fixture
def lag() -> WatermarkLag:
    return WatermarkLag()


@pytest.mark.parametrize("pace", [1, 320])
def test_a_watermark_that_is_30_seconds_behind_is_so_at_any_pace_with_and_without_rows(
    lag: WatermarkLag, pace: int
) -> None:
    found = []
    for second in range(100):
        has_rows = second % 3 == 0  # others only move the watermark, or nothing
        lag.add(batch(second, second * pace if has_rows else None, max(second - 30, 0) * pace))
        found.append(lag.seconds(second, waits=False))
    assert {round(seconds) for seconds in found[40:] if seconds is not None} <= {28, 29, 30}


def test_it_grows_while_one_topic_is_silent_and_the_other_sends(lag: WatermarkLag) -> None:
    for second in range(1000):
        lag.add(batch(second, second * 320.0, 500 * 320.0 if second > 500 else second * 320.0))
    assert lag.seconds(999, waits=False) == 499


def test_a_topic_that_never_sent_a_row_counts_from_the_first_row_of_the_other(lag: WatermarkLag) -> None:
    assert lag.seconds(9, waits=True) is None
    lag.add(batch(10, 5.0))
    lag.add(batch(70, 9.0))
    assert lag.seconds(70, waits=False) == 60


def test_what_is_idle_is_not_behind_unless_messages_wait(lag: WatermarkLag) -> None:
    lag.add(batch(100, 1000.0, 940.0))
    lag.add(batch(150, None, 940.0))
    assert lag.seconds(150, waits=False) == 50
    assert (lag.seconds(161, waits=False), lag.seconds(161, waits=True)) == (0, 61)
    lag.add(batch(500, 2000.0, 1940.0))
    assert lag.seconds(501, waits=True) == 1


def test_a_silence_of_days_costs_no_memory_and_is_still_measured_from_its_start(lag: WatermarkLag) -> None:
    for second in range(4 * MAX_READINGS):
        lag.add(batch(second, float(second), 0.0))
    assert lag.seconds(4 * MAX_READINGS, waits=False) == 4 * MAX_READINGS
    assert len(lag._newest_read) <= MAX_READINGS
