"""Reasons of rules in words: the value, and the usual one where it is known."""

import numpy as np
import pytest

from models.user_days.by_rules import RuleResults
from models.user_days.reasons import rule_reasons
from models.user_days.rules import RULES

AT = [rule.name for rule in RULES].index("payout_line")


@pytest.mark.parametrize(
    ("usual", "is_own", "end"),
    [(0.03, False, "; similar accounts: usually 3 %"), (0.03, True, "; usually 3 %"), (np.nan, False, "")],
)
def test_plays_that_stop_as_they_begin_to_pay_are_compared_with_what_is_usual_where_it_is_known(
    usual: float, is_own: bool, end: str
) -> None:
    shape = (1, len(RULES))
    strength, values, usuals = np.zeros(shape), np.full(shape, 0.31), np.full(shape, usual)
    strength[0, AT] = 1.0
    ruled = RuleResults(
        strength > 0, strength, np.array([True]), np.array([0.6]), values, usuals, np.array([9]), np.array([is_own])
    )
    said = "31 % of plays stop in the five seconds after they begin to pay"
    assert rule_reasons(ruled, 0, is_unbroken=False) == [said + end]
