"""Labels of sessions from truth: a play belongs to the session of its account that spans it."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from contracts.labels import HONEST
from models.labels.sessions import find_sessions, session_labels

HOUR = 3_600_000


def sessions_frame(*spans: tuple[str, int, int]) -> pd.DataFrame:
    """Sessions from (user_id, started_ms, ended_ms)."""
    frame = pd.DataFrame(spans, columns=["user_id", "started_ms", "ended_ms"])
    for name in ("started", "ended"):
        frame[f"{name}_at"] = pd.to_datetime(frame.pop(f"{name}_ms"), unit="ms", utc=True)
    frame["session_key"] = [f"s{i}" for i in range(len(frame))]
    return frame


def plays_frame(*plays: tuple[str, int, int, str | None]) -> pd.DataFrame:
    """Plays from (user_id, event_ms, listen_ms, campaign that paid or None); a campaign `x-1` is of family x."""
    frame = pd.DataFrame(plays, columns=["user_id", "event_ms", "listen_ms", "campaign_id"])
    frame["event_time"] = pd.to_datetime(frame.pop("event_ms"), unit="ms", utc=True)
    frame["is_paid"] = frame["campaign_id"].notna()
    frame["family"] = frame["campaign_id"].str.split("-").str[0].fillna(HONEST)
    return frame


def label_of(*plays: tuple[str, int, int, str | None]) -> pd.Series:
    """The labels of one session of account a that spans the first hour."""
    return session_labels(sessions_frame(("a", 0, HOUR)), [plays_frame(*plays)]).iloc[0]


def test_a_session_without_paid_streams_is_negative() -> None:
    label = label_of(("a", 10, 40_000, None))
    assert (label["label"], label["family"], label["campaign_id"]) == (0, HONEST, None)


def test_half_of_the_streams_paid_for_is_positive() -> None:
    label = label_of(("a", 10, 40_000, "farm-1"), ("a", 20, 40_000, None), ("a", 30, 1_000, None))
    assert (label["label"], label["family"], label["campaign_id"]) == (1, "farm", "farm-1")
    assert (label["true_plays"], label["true_streams"], label["paid_streams"]) == (3, 2, 1)


def test_less_than_half_of_the_streams_paid_for_is_mixed() -> None:
    plays = [("a", i, 40_000, None) for i in range(3)]
    label = label_of(*plays, ("a", 9, 40_000, "masked-1"))
    assert np.isnan(label["label"])
    assert label["family"] == "masked"


def test_a_paid_play_of_under_30_s_is_no_stream_and_does_not_count() -> None:
    assert label_of(("a", 10, 29_999, "loop30-1"), ("a", 20, 30_000, None))["label"] == 0


def test_the_family_is_that_of_most_paid_streams() -> None:
    label = label_of(("a", 1, 40_000, "loop30-1"), ("a", 2, 40_000, "farm-2"), ("a", 3, 40_000, "farm-2"))
    assert (label["family"], label["campaign_id"]) == ("farm", "farm-2")


def test_plays_in_several_blocks_add_up() -> None:
    sessions = sessions_frame(("a", 0, HOUR))
    one = plays_frame(("a", 1, 40_000, "farm-1"))
    labels = session_labels(sessions, [one, plays_frame(("a", 2, 40_000, None)), one])
    assert labels.loc[[0], ["true_streams", "paid_streams"]].values.tolist() == [[3, 2]]
    assert labels.loc[0, "family"] == "farm"


def test_a_play_at_the_very_end_of_a_session_is_in_it_and_one_before_its_start_is_not() -> None:
    sessions = sessions_frame(("a", 100, 200), ("a", 300, 400), ("b", 100, 200))
    rows = plays_frame(*[("a", ms, 0, None) for ms in (99, 100, 200, 201, 300, 400, 401)], ("c", 150, 0, None))
    assert find_sessions(sessions, rows).tolist() == [-1, 0, 0, -1, 1, 1, -1, -1]


def test_a_play_of_one_account_never_falls_into_the_session_of_another() -> None:
    sessions = sessions_frame(("a", 0, 10), ("b", 0, 1000))
    assert find_sessions(sessions, plays_frame(("a", 500, 0, None), ("b", 500, 0, None))).tolist() == [-1, 1]


def test_without_sessions_every_play_is_outside() -> None:
    labels = session_labels(sessions_frame(), [plays_frame(("a", 1, 40_000, None))])
    assert len(labels) == 0
    assert labels.attrs["rows_outside"] == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 500)), min_size=1, max_size=60))
def test_every_play_is_found_in_the_session_that_it_was_put_in(plays: list[tuple[str, int]]) -> None:
    """Sessions by the plain definition (gap over 50 ms), then plays assigned back by time alone."""
    spans: list[list[Any]] = []
    expected = {}
    for user, ms in sorted(set(plays)):
        if not spans or spans[-1][0] != user or ms - spans[-1][2] > 50:
            spans.append([user, ms, ms])
        spans[-1][2] = ms
        expected[user, ms] = len(spans) - 1
    rows = plays_frame(*[(user, ms, 0, None) for user, ms in plays])
    assigned = find_sessions(sessions_frame(*map(tuple, spans)), rows)
    assert assigned.tolist() == [expected[play] for play in plays]
