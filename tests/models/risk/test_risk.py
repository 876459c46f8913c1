"""Pay under both systems, the roles of tracks, and the order of the analyst's queue."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.risk.accounts import rank_accounts
from models.risk.money import Prices, pro_rata, user_centric
from models.risk.tracks import CAMOUFLAGE, TARGET, artist_risk, suspicious_plays, track_risk
from models.tables.plays import Plays
from tests.models.campaigns.example_plays import encode, play

NO_CAMPAIGNS = pd.DataFrame(
    {"kind": [], "user_ids": [], "is_flagged": pd.Series(dtype=bool), "score": [], "campaign_key": [], "reasons": []}
)


class Small(NamedTuple):
    """A world of one bot and eight listeners."""

    plays: Plays
    flags: pd.DataFrame
    suspicious: NDArray[np.bool_]


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 500)), min_size=1, max_size=30))
def test_both_systems_pay_out_the_same_pool(rows: list[tuple[int, int]]) -> None:
    user, streams = np.array(rows).T
    weight = np.array([1.0, 0.5, 0.5, 0.1, 1.0, 1.0])
    both = [pro_rata(streams, Prices()).sum(), user_centric(user, streams, weight, Prices()).sum()]
    assert both[0] == pytest.approx(both[1])


def test_playing_ten_times_as_much_earns_ten_times_as_much_only_pro_rata() -> None:
    user, streams = np.array([0, 1]), np.array([10, 100])
    assert pro_rata(streams, Prices())[1] == pytest.approx(10 * pro_rata(streams, Prices())[0])
    own = user_centric(user, streams, np.ones(2), Prices())
    assert own[1] == pytest.approx(own[0])


@pytest.fixture(scope="module")
def world() -> Small:
    """A bot that plays `bought` all day, and `famous` now and then as everybody does."""
    rows = [play("bot", "bought", i / 5) for i in range(60)] + [play("bot", "famous", 13 + i / 5) for i in range(12)]
    rows += [play(f"h{u}", "famous", 1 + i / 4) for u in range(8) for i in range(10)]
    rows += [play("h0", "short", 2 + i / 9, listen_ms=29_999) for i in range(9)]
    plays = encode(rows)
    day = pd.Timestamp("1970-01-01") + pd.to_timedelta(sorted(set(plays.local_day.tolist())), unit="D")
    flags = pd.DataFrame(
        {
            "user_id": "bot",
            "local_date": day,
            "is_flagged": True,
            "score": 0.9,
            "probability": 0.8,
            "reasons": [["loud"]] * len(day),
            "categories": [["service"]] * len(day),
        }
    )
    return Small(plays, flags, suspicious_plays(plays, flags, NO_CAMPAIGNS))


@pytest.fixture(scope="module")
def tracks(world: Small) -> pd.DataFrame:
    plays, _, suspicious = world
    artists = pd.Series({"bought": "a1", "famous": "a2", "short": "a3"})
    return track_risk(plays, suspicious, artists, np.ones(len(plays.users)), "v")


def test_a_track_that_only_bots_play_is_a_suspected_target_and_one_they_hide_in_is_not(tracks: pd.DataFrame) -> None:
    roles = tracks.drop_duplicates("track_id").set_index("track_id")["role"]
    assert roles.to_dict() == {"bought": TARGET, "famous": CAMOUFLAGE}


def test_plays_under_30_s_earn_nothing(tracks: pd.DataFrame) -> None:
    assert "short" not in set(tracks["track_id"])
    assert tracks["money_pro_rata_eur"].sum() == pytest.approx(72 * Prices().stream_eur)


def test_a_track_with_over_90_percent_suspicious_streams_in_the_month_is_penalised_once(tracks: pd.DataFrame) -> None:
    assert tracks.groupby("track_id")["is_penalised"].all().to_dict() == {"bought": True, "famous": False}
    risk = artist_risk(tracks).set_index("artist_id")
    assert risk["penalty_eur"].to_dict() == {"a1": 10.0, "a2": 0.0}
    assert risk.loc["a2", "camouflage_tracks"] == 1


def test_accounts_are_ranked_by_money_times_probability(world: Small) -> None:
    plays, flags, suspicious = world
    campaigns = pd.DataFrame(
        {"kind": ["device"], "user_ids": [["h1", "h2"]], "is_flagged": [True], "score": [0.5], "campaign_key": ["k"],
         "reasons": [["2 accounts on devices they share"]]}
    )  # fmt: skip
    probability = pd.Series({"bot": 0.9, "h1": 0.5, "h2": 0.01})
    at_risk = suspicious | suspicious_plays(plays, flags, campaigns)
    queue = rank_accounts(flags, campaigns, plays, at_risk, probability, "fusion@1")
    assert queue.set_index("user_id")["probability"].to_dict() == probability.to_dict()
    assert queue["priority"].tolist() == sorted(queue["priority"], reverse=True)
    assert set(queue["user_id"]) == {"bot", "h1", "h2"}
    row = queue.set_index("user_id").loc["h1"]
    assert (row["campaign_keys"], row["reasons"]) == (["k"], ["2 accounts on devices they share"])
    assert queue.set_index("user_id")["categories"].to_dict() == {"bot": ["service"], "h1": [], "h2": []}


def test_a_reason_that_a_group_a_day_and_a_window_share_is_said_once(world: Small) -> None:
    plays, flags, suspicious = world
    campaigns = pd.DataFrame(
        {"kind": ["device"], "user_ids": [["bot"]], "is_flagged": [True], "score": [0.5], "campaign_key": ["k"],
         "reasons": [["one device"]]}
    )  # fmt: skip
    of_day: pd.Series = pd.Series([["one device", "no rest"]] * len(flags), index=flags.index)
    windows = pd.DataFrame({"user_id": ["bot"], "log_odds": [3.0], "reasons": [["no rest", "same hours"]]})
    probability = pd.Series({"bot": 0.9})
    queue = rank_accounts(
        flags.assign(reasons=of_day), campaigns, plays, suspicious, probability, "fusion@1", windows=windows
    )
    date = f"{flags['local_date'].iat[0]:%d %b}"
    assert queue["reasons"].tolist() == [["one device", f"{date}: no rest", "same hours"]]
