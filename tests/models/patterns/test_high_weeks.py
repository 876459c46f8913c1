"""Weeks in a row that are high against the weeks before them, and nothing after the day."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.patterns.high_weeks import MAX_WEEKS, count_high_weeks
from runtime.arrays import Floats, Ints


def count(amount: list[float]) -> Floats:
    """Count for one account that listened on every day from day 100 on."""
    return count_high_weeks(np.zeros(len(amount), np.int64), 100 + np.arange(len(amount)), np.array(amount))


def test_weeks_are_counted_while_they_last_and_the_run_does_not_become_its_own_baseline() -> None:
    counted = count([10.0] * 28 + [40.0] * 35 + [10.0] * 14)
    assert np.isnan(counted[:20]).all()  # this week and two before it
    assert (counted[20:28] == 0).all()
    assert counted[34] == 1
    assert counted[41] == 2
    assert counted[62] == 5
    assert (counted[63 + 7 :] == 0).all()


def test_an_account_that_was_always_high_has_no_high_weeks() -> None:
    assert (count([200.0] * 56)[20:] == 0).all()


def test_a_week_of_silence_before_is_not_what_is_usual() -> None:
    day = np.r_[np.arange(21), np.arange(35, 49)]
    counted = count_high_weeks(np.zeros(len(day), np.int64), day, np.full(len(day), 10.0))
    assert counted[-1] == 0


@settings(max_examples=30)
@given(
    amount=st.lists(st.floats(1, 100), min_size=1, max_size=80),
    cut=st.integers(1, 80),
    factor=st.floats(0.1, 10),
)
def test_the_future_other_accounts_and_the_unit_change_nothing(amount: list[float], cut: int, factor: float) -> None:
    whole = count(amount)
    np.testing.assert_array_equal(whole[:cut], count(amount[:cut]))
    assert np.nanmax(whole, initial=0) <= MAX_WEEKS
    day: Ints = 100 + np.arange(len(amount))
    account = np.r_[np.zeros(len(amount), np.int64), 5, 5]
    among = count_high_weeks(account, np.r_[day, 40, 300], np.r_[amount, 1.0, 1.0])
    np.testing.assert_array_equal(among[:-2], whole)
