"""The cases that the user-day detector must get right: each is a separate account, all scored in one run."""

import numpy as np
import pandas as pd
import pytest

from models.user_days.by_rules import apply_rules
from models.user_days.detect import detect
from models.user_days.forest import forest_input
from models.user_days.history import sort_user_days
from models.user_days.rules import RULES
from tests.models.user_days.example_days import crowd, user_days

ALL_DAY = {
    "hours": 23.0, "longest_wake_h": 23.4, "plays_day": 390.0, "streams_day": 380.0, "night_share": 0.21,
    "skip_rate": 0.0, "gap_entropy": 3.0,
}  # fmt: skip
SHORT_AT_THREE = {"share_under_35": 0.95, "share_30_35": 0.93, "night_share": 0.9, "plays_day": 60.0, "hours": 0.6}
RELEASE_DAY = {"plays_day": 110.0, "hours": 6.5, "streams_day": 90.0, "top_artist_share": 0.92, "repeat_ratio": 0.85}
LOUD = {"plays_day": 300.0, "hours": 16.0}
ODD = ALL_DAY | {"n_countries": 9.0, "n_ips": 40.0, "hosting_share": 1.0, "dist_dev_id_cnt": 30.0}
SLEEPER = {"night_share": 0.9, "hours": 8.0, "skip_rate": 0.06, "plays_day": 130.0}
SHOP = {"hours": 14.0, "plays_day": 230.0, "skip_rate": 0.06, "night_share": 0.2}

CASES = {
    "23 hours": user_days(ALL_DAY),
    "30 s at 3 h": user_days(SHORT_AT_THREE),
    "release day": user_days(RELEASE_DAY, usual={"top_artist_share": 0.6, "repeat_ratio": 0.5}),
    "who sleeps to music": user_days({"hours": 9.0, "plays_day": 150.0}, usual=SLEEPER),
    "a shop that plays all day": user_days({"hours": 15.0, "plays_day": 250.0}, usual=SHOP),
    "a traveller with a new phone": user_days({"new_device_and_network": 1.0, "n_countries": 2.0}),
    "a drifter's fuller day": user_days({"plays_day": 45.0, "hours": 2.4}),
    "loud": user_days(LOUD),
    "young": user_days(ALL_DAY, history=3, starts_on="2025-03-28"),
    "a week old": user_days(ALL_DAY, history=7, starts_on="2025-03-24"),
    "not measured": user_days(dict.fromkeys(ALL_DAY, np.nan) | {"plays_day": 390.0, "streams_day": 380.0}),
    "odd": user_days(ODD),
}
HONEST = ("release day", "who sleeps to music", "a shop that plays all day", "a traveller with a new phone",
          "a drifter's fuller day")  # fmt: skip


@pytest.fixture(scope="module")
def flags() -> dict[str, pd.Series]:
    """The flag of the newest day of each case, scored among a crowd of ordinary listeners."""
    frames = [frame.assign(user_id=name) for name, frame in CASES.items()]
    scored = detect(pd.concat([*frames, crowd()], ignore_index=True))
    newest = scored.drop_duplicates("user_id", keep="last").set_index("user_id")
    return {str(row.name): row for _, row in newest.loc[list(CASES)].iterrows()}


def test_23_hours_straight_are_flagged_and_said_so(flags: dict[str, pd.Series]) -> None:
    flag = flags["23 hours"]
    assert flag["by_rules"]
    assert flag["is_flagged"]
    said = next(reason for reason in flag["reasons"] if reason.startswith("listened"))
    assert said.startswith("listened 23 h without a pause of 2 h; usually 1.")
    assert {"hours", "no_rest", "plays"} <= set(flag["rules"])


def test_30_second_tracks_at_3_in_the_morning_are_flagged(flags: dict[str, pd.Series]) -> None:
    flag = flags["30 s at 3 h"]
    assert flag["by_rules"]
    assert {"short_plays", "night"} <= set(flag["rules"])
    assert any(reason.startswith("95 % of plays stop before 35 s; usually 3") for reason in flag["reasons"])


@pytest.mark.parametrize("case", HONEST)
def test_honest_habits_and_release_days_are_not_flagged(case: str, flags: dict[str, pd.Series]) -> None:
    assert not flags[case]["is_flagged"]
    assert flags[case]["reasons"] == []


def test_one_group_is_not_enough(flags: dict[str, pd.Series]) -> None:
    assert flags["loud"]["groups"] == ["volume"]
    assert not flags["loud"]["by_rules"]


def test_under_7_active_days_the_cohort_stands_in_and_the_flag_says_so(flags: dict[str, pd.Series]) -> None:
    flag = flags["young"]
    assert (flag["baseline"], flag["history_days"]) == ("cohort", 3)
    assert any("similar accounts: usually" in reason for reason in flag["reasons"])


def test_7_active_days_are_a_history_of_its_own(flags: dict[str, pd.Series]) -> None:
    assert flags["a week old"]["baseline"] == "own"


def test_what_was_not_measured_fires_nothing(flags: dict[str, pd.Series]) -> None:
    assert not flags["not measured"]["by_rules"]
    assert flags["not measured"]["rules"] == ["plays"]


def test_a_flag_of_the_forest_names_two_features(flags: dict[str, pd.Series]) -> None:
    flag = flags["odd"]
    assert flag["by_forest"]
    assert any(reason.startswith("an unusual combination: ") and " with " in reason for reason in flag["reasons"])


def test_what_both_flag_comes_before_what_one_flags(flags: dict[str, pd.Series]) -> None:
    assert flags["odd"]["by_rules"]
    assert flags["odd"]["score"] >= 0.75


def test_days_to_come_change_nothing() -> None:
    short, long = user_days(ALL_DAY), user_days(ALL_DAY, {"hours": 20.0}, {"hours": 20.0})
    assert apply_rules(long).score[: len(short)].tolist() == apply_rules(short).score.tolist()


def test_a_long_evening_is_one_sign_and_a_day_without_time_for_sleep_is_enough() -> None:
    evening = {"plays_day": 160.0, "hours": 14.0, "night_share": 0.55}
    (of_evening, of_day) = (apply_rules(user_days(day)) for day in (evening, evening | {"hours": 21.0}))
    assert of_evening.fired[-1].sum() == 3, "hours, plays and night"
    assert not of_evening.is_flagged[-1]
    assert of_day.is_flagged[-1]


def test_a_day_of_plays_that_stop_at_the_payout_line_is_enough_from_the_first_day() -> None:
    days = user_days({"share_30_35": 0.4}, history=1)
    assert apply_rules(days).is_flagged.tolist() == [False, True]


def test_a_new_loud_account_is_within_a_cohort_that_has_such_people() -> None:
    loud = {"repeat_ratio": 0.9, "plays_day": 380.0}
    listeners = [user_days(*[loud] * 3, history=0, user=f"w{n}", starts_on="2025-03-07") for n in range(6)]
    others = [user_days(history=7, user=f"d{number}") for number in range(60)]
    among_them, alone = pd.concat([*others, *listeners]), pd.concat([*others, listeners[0]])
    assert not _newest(among_them).any()
    assert _newest(alone).all(), "the median of the cohort is the same, and nobody else is near"


def test_who_listens_all_day_from_the_first_day_on_is_not_held_against_people_who_do_not() -> None:
    others = [user_days(history=7, user=f"d{number}") for number in range(60)]
    open_hours = ALL_DAY | {"hours": 21.0, "new_device_and_network": 1.0}
    shop = user_days(*[open_hours] * 3, history=0, user="w", starts_on="2025-03-07")
    days = sort_user_days(pd.concat([*others, shop]))
    fired = apply_rules(days).fired[(days["user_id"] == "w").to_numpy()]
    assert not fired[:, [rule.needs_own for rule in RULES]].any()
    assert not _newest(days).any()


def test_a_day_of_22_hours_is_enough_from_the_first_day_where_nobody_else_has_one() -> None:
    others = [user_days(history=7, user=f"d{number}") for number in range(60)]
    days = pd.concat([*others, user_days(ALL_DAY, history=0, user="w", starts_on="2025-03-09")])
    assert _newest(days).all()


def test_the_reference_forest_reads_no_deviation_from_a_cohort() -> None:
    others = [user_days(history=21, user=f"d{number}") for number in range(6)]
    days = sort_user_days(pd.concat([*others, user_days(history=3, user="w", starts_on="2025-03-21")]))
    inputs = forest_input(days, ("hours", "plays_day"))
    is_new = (days["user_id"] == "w").to_numpy()
    assert not inputs.is_own[is_new].any()
    assert np.isfinite(inputs.matrix[is_new]).all()
    assert np.isnan(inputs.without_cohorts()[is_new, 2:]).all()
    assert np.array_equal(inputs.without_cohorts()[inputs.is_own], inputs.matrix[inputs.is_own])


def test_a_first_week_with_nobody_to_compare_with_fires_nothing() -> None:
    assert not apply_rules(user_days(ALL_DAY, history=3)).fired.any()


def _newest(days: pd.DataFrame) -> pd.Series:
    """Whether the newest day of each account `w…` is flagged."""
    days = sort_user_days(days)
    is_flagged = pd.Series(apply_rules(days).is_flagged).groupby(days["user_id"].to_numpy()).last()
    return is_flagged[is_flagged.index.str.startswith("w")]
