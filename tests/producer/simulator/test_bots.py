"""Every registered family passes these, unwritten; and the documented cases of some."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import ACTIVITY, PLAYS, STREAM_MS
from contracts.labels import FAMILIES
from producer.simulator.block import make_block
from producer.simulator.bots import BOTS, FIRST_CODES, family_words
from producer.simulator.listeners.activity import load_chains
from producer.simulator.plan import make_plan
from producer.simulator.scenario import Scenario, ScenarioError, load_scenario
from runtime.units import DAY_MS, HOUR_MS
from tests.producer.simulator.memory_world import DAYS, of_family, world_of

PAID_SHARE = {"hidden_target": 0.04, "agent": 0.04}
"""Least share of a family's plays that is paid for, where that is not a third: what it hides among is most of it."""


@pytest.fixture(params=list(BOTS))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_registry_and_the_contract_name_the_same_families() -> None:
    assert set(BOTS) == set(FAMILIES)


def test_it_has_paid_streams_and_activity_in_every_week(family: str) -> None:
    plan, rows = world_of(tuple(BOTS), 0.5)
    plays = of_family(rows[PLAYS], family)
    week = (plays["time"][plays["is_paid"]] - plan.calendar.starts_ms) // (7 * DAY_MS)
    assert set(week) == {0, 1}
    assert len(of_family(rows[ACTIVITY], family)["time"])


def test_only_streams_are_paid_for_and_only_bots_are_paid(family: str) -> None:
    _, rows = world_of(tuple(BOTS), 0.5)
    plays = rows[PLAYS]
    assert (plays["listen"][plays["is_paid"]] >= STREAM_MS).all()
    assert not of_family(plays, "honest")["is_paid"].any()
    assert of_family(plays, family)["is_paid"].mean() > PAID_SHARE.get(family, 0.3)


def test_a_paid_stream_is_of_a_target_of_its_campaign(family: str) -> None:
    plan, rows = world_of(tuple(BOTS), 0.5)
    plays = of_family(rows[PLAYS], family)
    for campaign in plan.campaigns:
        if campaign.family == family:
            paid = plays["track"][(plays["campaign"] == campaign.index) & plays["is_paid"]]
            assert set(paid) <= set(campaign.tracks)


def test_an_account_is_paid_for_less_the_harder_its_campaign(family: str) -> None:
    paid = []
    for difficulty in (0.0, 1.0):
        plan, rows = world_of(tuple(BOTS), difficulty)
        accounts = sum(len(campaign.accounts) for campaign in plan.campaigns if campaign.family == family)
        paid.append(of_family(rows[PLAYS], family)["is_paid"].sum() / accounts)
    assert paid[1] < paid[0]


def test_the_words_of_truth_grow_only_with_the_families_of_a_world() -> None:
    assert family_words(()) == family_words(("quiet_shift",)) == ("honest", *BOTS)[:FIRST_CODES]
    assert family_words(("loop30", "hidden_target"))[FIRST_CODES:] == ("hidden_target",)
    assert family_words(BOTS) == ("honest", *BOTS)


def test_an_account_never_plays_two_tracks_of_a_bot_at_once(family: str) -> None:
    _, rows = world_of(tuple(BOTS), 0.5)
    plays = of_family(rows[PLAYS], family)
    order = np.lexsort((plays["time"], plays["user"]))
    user, end = plays["user"][order], plays["time"][order]
    start = end - plays["listen"][order]
    assert (start[1:] >= end[:-1])[user[1:] == user[:-1]].all()


def test_the_owner_listens_on_exactly_where_the_family_keeps_cover(family: str) -> None:
    plan, rows = world_of(tuple(BOTS), 0.5)
    accounts = np.concatenate([c.accounts for c in plan.campaigns if c.family == family])
    honest = of_family(rows[PLAYS], "honest")
    assert np.isin(honest["user"], accounts).any() == BOTS[family].keeps_cover


def test_no_listening_goes_past_the_end_of_its_track(family: str) -> None:
    plan, rows = world_of(tuple(BOTS), 0.5)
    plays = of_family(rows[PLAYS], family)
    assert (plays["listen"] <= plan.catalogue.duration_ms[plays["track"]]).all()
    assert (plays["listen"] > 0).all()


def test_an_unknown_parameter_is_refused_with_the_known_ones(family: str) -> None:
    scenario = replace(load_scenario("everything"), users=700, days=7, families={family: {"colour": 1}}, prevalence=0.1)
    with pytest.raises(ScenarioError, match="unknown colour; known: weight, accounts, difficulty"):
        make_plan(scenario)


def test_blatant_loops_are_30_to_45_seconds_long() -> None:
    _, rows = world_of(("loop30",), 0.0)
    listen = of_family(rows[PLAYS], "loop30")["listen"]
    assert listen.min() >= 30_000
    assert listen.max() <= 45_000


def test_a_blatant_catalogue_spread_plays_about_636_tracks_a_day() -> None:
    plan, rows = world_of(("catalog_spread",), 0.0)
    plays = of_family(rows[PLAYS], "catalog_spread")
    a_day = len(plays["time"]) / sum(len(c.accounts) for c in plan.campaigns) / DAYS
    assert a_day == pytest.approx(636, rel=0.15)


def test_a_blatant_marathon_is_on_for_5_hours_and_begins_every_17() -> None:
    _, rows = world_of(("marathon",), 0.0)
    plays = of_family(rows[PLAYS], "marathon")
    one = np.sort(plays["time"][plays["user"] == plays["user"][0]])
    begins = one[np.concatenate(([True], np.diff(one) > 6 * HOUR_MS))]
    assert np.diff(begins).mean() / HOUR_MS == pytest.approx(17, abs=1)


def test_a_blatant_farm_shares_devices_and_one_list() -> None:
    plan, rows = world_of(("farm",), 0.0)
    plays = of_family(rows[PLAYS], "farm")
    for campaign in plan.campaigns:
        mine = plays["campaign"] == campaign.index
        assert len(np.unique(plays["device"][mine])) <= len(campaign.accounts) / 5
        assert set(plays["track"][mine]) <= set(campaign.tracks)


def test_a_taken_over_account_is_fraud_only_in_the_thief_s_sessions() -> None:
    _, rows = world_of(("takeover",), 0.0)
    plays = rows[PLAYS]
    thief = of_family(plays, "takeover")
    owner = plays["family"] == 0
    assert not set(thief["device"]) & set(plays["device"][owner])
    assert np.isin(plays["user"][owner], thief["user"]).any()


def test_a_share_of_a_bad_account_s_sessions_may_be_left_out() -> None:
    counts = []
    for share in (1.0, 0.3):
        scenario = replace(
            load_scenario("everything"), users=200, days=7, prevalence=0.1, negatives={},
            families={"geo_vpn": {"bad_sessions": share}},
        )  # fmt: skip
        plan = make_plan(scenario)
        rows = make_block(plan, 0, load_chains()).joined(PLAYS)
        counts.append(len(np.unique(of_family(rows, "geo_vpn")["session"])))
    assert counts[1] / counts[0] == pytest.approx(0.3, abs=0.12)


def test_a_share_of_sessions_does_not_go_with_streams_bought() -> None:
    families = {"marathon": {"bad_sessions": 0.5}}
    with pytest.raises(ScenarioError, match="bad_sessions does not go with streams bought"):
        make_plan(Scenario("one", users=100, days=14, prevalence=0.5, families=families))


@settings(max_examples=15)
@given(
    accounts=st.integers(2, 9), days=st.integers(5, 16), share=st.floats(0.05, 1.0), difficulty=st.floats(0, 1),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_a_marathon_delivers_exactly_the_streams_that_were_bought(
    accounts: int, days: int, share: float, difficulty: float, seed: int
) -> None:
    scenario = Scenario(
        "one", users=accounts * 2, days=days, prevalence=0.5, families={"marathon": {"accounts": accounts}}, seed=seed,
        difficulty=difficulty,
    )  # fmt: skip
    plan = make_plan(scenario)
    fits = BOTS["marathon"].capacity(plan.campaigns[0], plan.setting) * accounts - accounts + 1  # type: ignore[attr-defined]
    bought = max(int(share * fits), 1)
    plan = make_plan(replace(scenario, families={"marathon": {"accounts": accounts, "streams": bought}}))
    rows = make_block(plan, 0, load_chains()).joined(PLAYS)
    assert rows["is_paid"].sum() == bought


def test_an_order_that_cannot_fit_is_refused_with_the_number_that_can() -> None:
    families = {"marathon": {"accounts": 4, "streams": 10_000_000.0}}
    with pytest.raises(ScenarioError, match=r"marathon: 10000000 streams don't fit 4 accounts .* at most \d+"):
        make_plan(Scenario("one", users=8, days=7, prevalence=0.5, families=families))
