"""A batch is due by seconds or by the listeners' clock; waiting ends at once when the replay is to stop."""

from pathlib import Path

import pytest

from producer.errors import ReplayError
from producer.replay.clock import arrival_ms, check_clock
from producer.replay.pace import Pace
from runtime.units import HOUR_MS, MINUTE_MS
from runtime.world import World


class Clock:
    """A clock that is advanced, never slept on."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_by_default_a_batch_is_due_every_second() -> None:
    clock = Clock()
    pace = Pace(now=clock)
    assert [pace.wait_s(0) for _ in range(3)] == [0, 1, 2]
    clock.seconds += 10
    assert pace.wait_s(0) == 0, "late batches are sent at once"


def test_at_speed_60_a_minute_of_listening_takes_a_second() -> None:
    pace = Pace(speed=60, now=Clock())
    assert [pace.wait_s(ms) for ms in (5_000, 65_000, 125_000)] == [0, 1, 2]


def test_at_speed_0_nothing_waits() -> None:
    pace = Pace(speed=0, now=Clock())
    assert [pace.wait_s(ms) for ms in (0, 10**9)] == [0, 0]


def test_a_stop_ends_the_wait_at_once() -> None:
    pace = Pace(interval_s=3_600)
    assert pace.wait(0)
    pace.stop.set()
    assert not pace.wait(0)


@pytest.mark.parametrize(("interval_s", "speed"), [(1.0, 60.0), (0.0, 0.0), (-1.0, None), (None, -1.0)])
def test_two_paces_or_a_negative_one_are_refused(interval_s: float | None, speed: float | None) -> None:
    with pytest.raises(ReplayError, match="--interval and --speed"):
        Pace(interval_s, speed)


def test_what_is_ahead_of_the_brokers_clock_is_refused_with_the_setting_that_takes_it() -> None:
    world, now_ms = World(Path("w")), 1_800_000_000_000
    check_clock(world, now_ms + 5 * MINUTE_MS, now_ms, 5 * MINUTE_MS)
    with pytest.raises(ReplayError, match=r"comes to 2027-01-15T09:00Z.*over 5 minutes.*PLAYPROOF_CLOCK_AHEAD=61 "):
        check_clock(world, now_ms + HOUR_MS, now_ms, 5 * MINUTE_MS)
    check_clock(world, now_ms + HOUR_MS, now_ms, 61 * MINUTE_MS)


def test_a_replay_of_today_at_the_listeners_own_speed_is_never_ahead() -> None:
    assert arrival_ms(Pace(speed=1), 0, HOUR_MS, now_ms=0) == HOUR_MS
