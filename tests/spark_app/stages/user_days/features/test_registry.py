"""A feature of a user-day is one function and one name: registry and contract list the same ones."""

from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from spark_app.stages.user_days.features.registry import DAY_FEATURES, JOINED_FEATURES
from tests.spark_app.days import days_of, heard


def test_every_name_of_the_contract_has_a_function_or_a_join_and_every_function_a_name() -> None:
    assert sorted([*DAY_FEATURES, *JOINED_FEATURES]) == sorted(USER_DAY_FEATURE_NAMES)


def test_a_function_of_the_day_replaces_that_of_a_session_with_the_same_name() -> None:
    # London on one day, Tokyo 12 hours later on the next: only the day's own function looks over midnight
    days = days_of(heard(20, 0, country="GB"), heard(8, 0, day=1, country="JP"))
    assert DAY_FEATURES["max_speed_kmh"](days)[1] > 0
