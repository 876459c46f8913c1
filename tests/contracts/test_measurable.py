"""Which features a source makes impossible to compute."""

from contracts.account_windows import WINDOW_FEATURE_NAMES
from contracts.events import ACTIONS
from contracts.measurable import NEEDS_MINUTES, NEEDS_SECONDS, unmeasurable


def test_a_source_that_reports_everything_makes_no_feature_impossible() -> None:
    assert unmeasurable(ACTIONS, 1000) == ()


def test_times_to_the_minute_make_gaps_and_their_comparison_with_own_history_impossible() -> None:
    assert {*unmeasurable(ACTIONS, 60_000)} == {*NEEDS_SECONDS, "gap_entropy_vs_own", "self_drift"}


def test_times_to_a_quarter_of_an_hour_have_no_gap_and_no_minute_to_measure() -> None:
    unknown = {*unmeasurable(ACTIONS, 900_000)}
    assert unknown == {*unmeasurable(ACTIONS, 60_000), *NEEDS_MINUTES}
    assert {name for name in WINDOW_FEATURE_NAMES if name.startswith("gap_")} <= unknown
