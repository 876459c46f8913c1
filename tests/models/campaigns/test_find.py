"""Groups that one operator runs are found; strangers, couples and households are not accused."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from models.campaigns.find import find_campaigns
from models.campaigns.finders import Group, find_shared_payment
from models.campaigns.group_model import ASSUMED, MAX_PROBABILITY, GroupModel
from models.campaigns.recall import campaign_recall
from models.fusion.model import load_fusion
from models.tables.plays import encode_plays
from tests.models.campaigns.example_plays import encode, farm, play, strangers


def find(rows: list[dict[str, Any]]) -> pd.DataFrame:
    plays = encode(rows)
    accounts = pd.DataFrame({"user_id": plays.users, "payment_id": None})
    share = 1 / np.arange(1, 401)
    known = pd.Series(share / share.sum(), index=[f"t{i:03}" for i in range(400)])
    popularity = known.reindex(plays.tracks).fillna(0).to_numpy()
    return find_campaigns(plays, accounts, popularity, np.random.default_rng(1), load_fusion().groups)


@pytest.fixture(scope="module")
def with_farm() -> pd.DataFrame:
    return find(strangers() + farm(device="rack"))


@pytest.mark.parametrize("kind", ["lockstep", "device", "block"])
def test_a_farm_is_found_by_each_of_its_traces(kind: str, with_farm: pd.DataFrame) -> None:
    groups = with_farm[(with_farm["kind"] == kind) & with_farm["is_flagged"]]
    assert {f"farm{i}" for i in range(6)} in [set(names) for names in groups["user_ids"]]


def test_a_small_tight_group_is_found_though_its_accounts_play_at_different_times() -> None:
    rng = np.random.default_rng(5)
    ring = [
        play(f"ring{a:02}", f"x{t}", float(rng.uniform(0, 200))) for a in range(12) for t in range(5) for _ in range(8)
    ]
    groups = find(strangers(users=200, plays=100) + ring)
    of_ring = groups[groups["is_flagged"] & (groups["kind"] == "shared_tracks")]
    assert of_ring["user_ids"].tolist() == [[f"ring{a:02}" for a in range(12)]]
    assert of_ring["reasons"].tolist()[0][0].startswith("12 accounts repeat the same 5 tracks")


def test_accounts_that_push_one_track_next_to_their_own_taste_are_a_group_and_who_only_likes_it_is_not_in_it() -> None:
    rng = np.random.default_rng(7)
    hours = iter(rng.uniform(0, 200, 600).tolist())
    names = [*(f"pump{a}" for a in range(5)), "fan"]
    own = [play(name, f"t{rng.integers(400):03}", next(hours)) for name in names for _ in range(60)]
    pushed = [play(f"pump{a}", "t399", next(hours)) for a in range(5) for _ in range(20)]
    liked = [play("fan", "t399", next(hours)) for _ in range(4)]
    groups = find(strangers(users=100, plays=100) + own + pushed + liked)
    lifted = groups[groups["kind"] == "lifted_tracks"]
    assert lifted["user_ids"].tolist() == [[f"pump{a}" for a in range(5)]]
    assert lifted["reasons"].tolist()[0][0].startswith("5 accounts make most of the plays of 1 track: over 3 times")


def test_a_block_that_chance_explains_is_not_called_denser_than_chance() -> None:
    few = [row | {"user_id": f"b{row['user_id']}", "track_id": f"b{row['track_id']}"} for row in farm(4, 5)]
    groups = find(strangers() + farm(40, 40) + few)
    first = groups[groups["kind"] == "block"].set_index("size")["reasons"].str[0]
    assert first[40].endswith("100 % of all pairs of account and track, 1.6 times as dense as chance makes it")
    assert first[4].endswith("100 % of all pairs of account and track")


def test_fans_of_a_track_that_many_play_are_not_an_operator() -> None:
    """Six fans repeat three songs; everybody else plays them too, and the fans play other things as well."""
    rng = np.random.default_rng(6)
    hours = iter(rng.uniform(0, 200, 3000).tolist())
    everybody = [play(f"h{u:02}", f"f{t}", next(hours)) for u in range(200) for t in range(3)]
    fans = [play(f"fan{a}", f"f{t}", next(hours)) for a in range(6) for t in range(3) for _ in range(15)]
    others = [play(f"fan{a}", f"t{rng.integers(400):03}", next(hours)) for a in range(6) for _ in range(100)]
    groups = find(strangers(users=200, plays=100) + everybody + fans + others)
    assert groups.loc[groups["kind"] == "shared_tracks", "user_ids"].tolist() == [[f"fan{a}" for a in range(6)]]
    assert not groups["is_flagged"].any()


def test_a_group_that_is_larger_tighter_or_owns_more_of_its_tracks_is_never_less_likely(
    with_farm: pd.DataFrame,
) -> None:
    model = load_fusion().groups
    assert min(model.slopes) >= 0
    assert set(model.intercepts) == {"lockstep", "shared_tracks", "lifted_tracks", "block"}
    fitted = with_farm[~with_farm["kind"].isin(ASSUMED)]
    assert fitted["probability"].max() <= MAX_PROBABILITY


def test_a_kind_that_the_model_does_not_know_is_never_flagged() -> None:
    plays = encode(strangers(users=3))
    group = Group("new kind", np.arange(3), 0.9, ["?"], 1.0)
    assert GroupModel({"block": 9.0}, (1.0, 1.0, 1.0, 1.0)).probabilities([group], plays).tolist() == [0.0]


def test_a_group_has_its_tracks_its_time_and_its_money(with_farm: pd.DataFrame) -> None:
    group = with_farm[with_farm["kind"] == "lockstep"].iloc[0]
    assert set(group["track_ids"]) == {f"x{i:02}" for i in range(12)}
    assert group["streams"] == 6 * 4 * 12
    assert group["money_at_risk_eur"] == pytest.approx(288 * 0.0035)
    assert group["first_seen"] < group["last_seen"]
    assert group["reasons"][0].startswith("6 accounts play the same tracks in the same hours: any two of them share")


def test_the_key_of_a_group_is_the_same_in_every_run(with_farm: pd.DataFrame) -> None:
    again = find(list(reversed(strangers() + farm(device="rack"))))
    assert sorted(again["campaign_key"]) == sorted(with_farm["campaign_key"])


def test_strangers_are_in_no_flagged_group() -> None:
    assert not find(strangers())["is_flagged"].any()


def test_two_people_with_one_phone_are_named_and_not_flagged() -> None:
    couple: list[dict[str, Any]] = [
        play(name, f"t{i:03}", 24 * i, device="the phone") for name in ("ann", "bob") for i in range(9)
    ]
    groups = find(strangers() + [dict(row, event_time=row["event_time"] + n * 10**7) for n, row in enumerate(couple)])
    pair = groups[groups["kind"] == "device"].iloc[0]
    assert not pair["is_flagged"]
    assert "lend" in pair["reasons"][1]


def test_a_household_on_one_payment_method_is_not_flagged_and_a_crowd_is() -> None:
    plays = encode([play(f"u{i}", "t", i) for i in range(12)])
    accounts = pd.DataFrame({"user_id": plays.users, "payment_id": ["home"] * 4 + ["card"] * 8})
    crowd, home = find_shared_payment(plays, accounts)
    assert (len(crowd.users), crowd.score >= 0.5) == (8, True)
    assert (len(home.users), home.score >= 0.5, "household" in home.reasons[1]) == (4, False, True)


def test_recall_counts_campaigns_of_any_family_of_which_half_is_in_a_group() -> None:
    groups = pd.DataFrame(
        {"kind": ["device", "block"], "user_ids": [["a", "b"], ["a", "h"]], "is_flagged": [True, True]}
    )
    known = pd.DataFrame(
        {"user_id": list("abcdhij"), "family": ["low_slow"] * 4 + ["honest", "farm", "farm"],
         "campaign_id": ["k"] * 4 + [None, "m", "m"]}
    )  # fmt: skip
    recall = campaign_recall(groups, known)
    assert recall.loc[["device"], ["accounts", "bots", "campaigns", "campaigns_found"]].values.tolist() == [
        [2, 2, 1, 1]
    ]
    assert recall.loc[["block"], ["accounts", "bots", "campaigns_found"]].values.tolist() == [[2, 1, 0]]
    assert recall.loc[["all"], ["campaign_accounts", "campaign_accounts_found"]].values.tolist() == [[4, 2]]


def test_a_play_sent_twice_counts_once() -> None:
    rows = farm(accounts=1)
    frame = pd.DataFrame(rows + rows)
    frame["event_time"] = pd.to_datetime(frame["event_time"], unit="ms", utc=True)
    frame.insert(0, "play_id", [f"p{i}" for i in range(len(rows))] * 2)
    assert len(encode_plays(pa.Table.from_pandas(frame), pd.Series(dtype=object)).user) == len(rows)
