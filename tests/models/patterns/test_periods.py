"""The search for a period finds a timer at any period, and does not take a person's hours for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.patterns.periods import MIN_STARTS, find_periods
from runtime.arrays import Ints
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS

MONDAY_MS = 1_740_960_000_000
"""2025-03-03, UTC."""
DAYS = 28


def timer(period_h: float, jitter_h: float, rng: np.random.Generator) -> Ints:
    """Return starts of a script that begins every `period_h` hours, for four weeks."""
    start = np.arange(0, DAYS * 24, period_h)
    start = start + jitter_h * (rng.random(len(start)) - 0.5)
    return (MONDAY_MS + HOUR_MS + start * HOUR_MS).astype(np.int64)


def person(rng: np.random.Generator) -> Ints:
    """Return starts of a person: after breakfast and in the evening, on three days in four, later at weekends."""
    day = np.repeat(np.arange(DAYS), 2)
    hour = np.tile([8.0, 20.0], DAYS) + 2.0 * (day % 7 >= 5) + 0.7 * rng.standard_normal(2 * DAYS)
    return (MONDAY_MS + day * DAY_MS + hour * HOUR_MS).astype(np.int64)[rng.random(2 * DAYS) < 0.75]


def is_of_day(period_h: float) -> bool:
    """Tell whether 24 h is about a whole number of periods: these belong to the hours of the day."""
    return abs(24 / period_h - round(24 / period_h)) * DAYS < 4


@settings(max_examples=15)
@given(period_h=st.floats(1.2, 47.0).filter(lambda p: not is_of_day(p)), seed=st.integers(0, 99))
def test_a_timer_of_any_period_is_found_by_its_period(period_h: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = timer(period_h, 0.02 * period_h, rng)
    if len(start) < MIN_STARTS:
        return
    periods = find_periods(np.zeros(len(start), np.int64), start, rng)
    assert periods.period_h[0] == pytest.approx(period_h, rel=0.02)
    assert periods.strength[0] > 0.95
    assert periods.p_value[0] < 0.001


def test_a_persons_day_is_not_a_period_but_a_timer_on_the_same_account_is() -> None:
    rng = np.random.default_rng(3)
    people = [person(rng) for _ in range(60)]
    mixed = np.concatenate([person(rng), timer(17, 0, rng)])
    account = np.repeat(np.arange(61), [len(start) for start in (*people, mixed)])
    periods = find_periods(account, np.concatenate([*people, mixed]), rng)
    assert (periods.p_value[:60] < 0.001).sum() <= 1
    assert periods.period_h[60] == pytest.approx(17, rel=0.01)
    assert periods.p_value[60] < 0.001


def test_random_starts_have_no_period_more_often_than_the_p_value_says() -> None:
    rng = np.random.default_rng(4)
    start = MONDAY_MS + rng.integers(0, DAYS * DAY_MS, (100, 40))
    periods = find_periods(np.repeat(np.arange(100), 40), start.ravel(), rng)
    assert (periods.p_value < 0.05).mean() < 0.15


def test_order_and_other_accounts_change_nothing() -> None:
    start, rng = timer(17, 1, np.random.default_rng(5)), np.random.default_rng(6)
    alone = find_periods(np.full(len(start), 7), start, np.random.default_rng(1))
    order = rng.permutation(len(start))
    among = find_periods(
        np.concatenate([np.full(len(start), 7)[order], [9, 9]]),
        np.concatenate([start[order], [MONDAY_MS, MONDAY_MS + DAY_MS]]),
        np.random.default_rng(1),
    )
    assert among.account.tolist() == [7, 9]
    assert among.starts.tolist() == [len(start), 2]
    assert among.period_h[0] == alone.period_h[0]
    assert among.strength[0] == alone.strength[0]
    assert among.p_value[0] == alone.p_value[0]


@pytest.mark.parametrize("start", [[], [MONDAY_MS], list(range(MONDAY_MS, MONDAY_MS + 40 * MINUTE_MS, MINUTE_MS))])
def test_too_short_a_history_is_unknown(start: list[int]) -> None:
    periods = find_periods(np.zeros(len(start), np.int64), np.array(start, np.int64), np.random.default_rng(1))
    assert np.isnan([*periods.period_h, *periods.strength, *periods.p_value]).all()
