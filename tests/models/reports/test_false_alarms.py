"""False alarms of an honest history: alarms per person-day, their causes, and what did not run."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.reports.false_alarms import (
    FILTER,
    FOREST,
    FUSED,
    RULES,
    SCORER,
    TREES,
    ScoredHistory,
    _session_cause,
    find_false_alarms,
)
from models.reports.format_false_alarms import format_lines, to_json
from models.user_days.trees import load_trees

DAYS = 12
RAID = date(2024, 3, 13)


def day(local_date: date, hours: float, plays: int) -> dict[str, object]:
    unknown = dict.fromkeys(USER_DAY_FEATURE_NAMES, float("nan"))
    known = {"plays": plays, "streams": plays, "plays_day": plays, "hours": hours, "repeat_ratio": plays / 3000}
    return {"user_id": "me", "local_date": local_date, "plan": None, "country": None, **unknown, **known}


def history(**changes: Any) -> ScoredHistory:
    """Quiet evenings, then a day of 20 h, whose flagged session ended just after the listener's midnight."""
    quiet = [day(RAID - timedelta(DAYS - n), 0.5 + 0.05 * (n % 3), 9 + n % 4) for n in range(DAYS)]
    flagged = {
        "user_id": "me", "ended_at": datetime(2024, 3, 12, 23, 30, tzinfo=UTC), "score": 0.9, "is_flagged": True,
        "is_filtered": True, "started_at": datetime(2024, 3, 12, 23, 10, tzinfo=UTC),
        "reasons": [{"feature": "loop_share", "value": 0.99, "contribution": 3.0}],
    }  # fmt: skip
    honest = flagged | {"ended_at": datetime(2024, 3, 5, 19, tzinfo=UTC), "is_flagged": False, "is_filtered": False}
    weaker = flagged | {"ended_at": datetime(2024, 3, 13, 9, tzinfo=UTC), "score": 0.8, "is_filtered": False}
    parts: dict[str, Any] = {
        "name": "me.zip",
        "sessions": pd.DataFrame([honest, weaker, flagged]),
        "days": pd.DataFrame([*quiet, day(RAID, 20.0, 2300)]),
        "timezones": pd.Series({"me": "Europe/Berlin"}),
        "not_measurable": ("error_rate",),
    }
    return ScoredHistory(**parts | changes)


def test_every_detector_reports_its_alarms_per_person_day_with_the_causes() -> None:
    report = find_false_alarms(history())
    rules = report.alarms_of(RULES)
    assert rules["local_date"].tolist() == [str(RAID)]
    assert {"hours", "plays", "few_tracks"} <= set(rules["causes"].iloc[0])
    assert report.per_100(RULES)[0] == pytest.approx(100 / (DAYS + 1))
    text = "\n".join(format_lines(report))
    assert f"me.zip: {DAYS + 1} person-days of 1 person, 2024-03-01 to 2024-03-13; real listening" in text
    assert all(name in text for name in (SCORER, FILTER, RULES, FOREST))
    assert f"verdict: 1 of {DAYS + 1} days are flagged by a detector" in text
    assert "looks like a bot's" not in text, "one odd day proves nothing"
    assert "not measurable from this source (1 features): error_rate" in text


def test_a_session_is_an_alarm_of_the_listeners_own_day_once_with_its_reasons_in_words() -> None:
    (alarm,) = find_false_alarms(history()).alarms_of(SCORER).itertuples()
    assert alarm.local_date == str(RAID)
    assert alarm.causes == ["plays in a loop"]
    assert alarm.reasons == "99 % of plays are in a loop (score 0.90)"


def test_a_model_without_reasons_has_no_causes_of_its_alarms() -> None:
    assert _session_cause(None, 0.9) == ([], "no reasons from this model (score 0.90)")


def test_what_a_source_cannot_tell_is_no_reason() -> None:
    known, unknown = {"feature": "streams", "value": 84.0}, {"feature": "license_rate_10min", "value": None}
    assert _session_cause([unknown, known], 0.9) == (["streams"], "84 streams (score 0.90)")
    assert _session_cause([unknown], 0.9) == ([], "no reasons (score 0.90)")


def test_a_pair_of_the_forest_is_counted_by_its_features_not_by_its_numbers() -> None:
    causes = find_false_alarms(history()).count_causes(FOREST)
    assert causes
    assert not any(digit in name for name, _ in causes for digit in "0123456789.")


def test_the_trees_and_the_scorer_are_named_where_they_did_not_run() -> None:
    report = find_false_alarms(history(is_scored=False))
    text = "\n".join(format_lines(report))
    assert SCORER not in report.detectors
    unknown = [
        line.split("  ")[0] for line in text.splitlines() if line.endswith("not enough is known from this source")
    ]
    assert unknown == ["session scorer", "account windows", "fused decision"]
    assert "did not run: they need every feature" in text
    assert TREES in find_false_alarms(history(), load_trees()).detectors


def test_all_alarms_are_listed_unless_fewer_are_asked_for_and_json_has_all() -> None:
    report = find_false_alarms(history())
    everything = to_json(report)
    assert sum(detector["alarms"] for detector in everything["detectors"].values()) == len(everything["alarms"])
    assert "more: --json has all" not in "\n".join(format_lines(report))
    assert "more: --json has all" in "\n".join(format_lines(report, max_alarms=0))


def test_the_verdict_says_plainly_that_a_history_of_loops_looks_like_a_bots_and_that_quiet_days_do_not() -> None:
    loops = pd.concat([history().sessions.tail(1)] * DAYS, ignore_index=True)
    loops["ended_at"] -= pd.to_timedelta(range(DAYS), "D")
    report = find_false_alarms(history(sessions=loops))
    assert to_json(report)["flagged_by_any"]["days"] == DAYS
    assert "this listening looks like a bot's" in "\n".join(format_lines(report))
    quiet = find_false_alarms(history(days=history().days.head(DAYS), is_scored=False))
    assert "verdict: no detector flags any of these days" in format_lines(quiet)


def test_the_fused_decision_is_one_of_the_detectors_and_names_its_evidence() -> None:
    sure = history().sessions.assign(score=[0.01, 0.9999, 0.9999])
    report = find_false_alarms(history(sessions=sure, not_measurable=()))
    (alarm,) = report.alarms_of(FUSED).itertuples()
    assert alarm.causes == ["a session"]
    assert str(alarm.reasons).startswith("a session (probability ")
    assert find_false_alarms(history(is_scored=False, sessions=sure.head(1))).alarms_of(FUSED).empty
