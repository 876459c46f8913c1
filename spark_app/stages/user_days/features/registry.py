"""All features of a user-day that are computed from the account's own rows, by name.

A feature is one public function in a module of this folder, or of a session's features, and one entry of the same name
in `contracts/user_day_features.py`. A test compares the two lists.
"""

from collections.abc import Callable

from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from runtime.arrays import Floats
from spark_app.stages.sessions.features.registry import FEATURES, SessionFeature, functions_of
from spark_app.stages.user_days.day_batch import DayBatch
from spark_app.stages.user_days.features import clock, day, new_places, own_history

DayFeature = Callable[[DayBatch], Floats]


def _over_the_day(feature: SessionFeature) -> DayFeature:
    return lambda b: feature(b.as_sessions)


DAY_FEATURES: dict[str, DayFeature] = {
    # features that a session has too: the same code, on the day as one long session
    **{name: _over_the_day(FEATURES[name]) for name in USER_DAY_FEATURE_NAMES if name in FEATURES},
    **functions_of(day, clock, own_history, new_places),
}
JOINED_FEATURES = ("accounts_per_device", "accounts_per_ip", "account_age_days", "is_paid_plan")
"""Features that come by a join (`compute_user_days`), not from the account's own rows."""
