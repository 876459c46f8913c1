"""Honest listening: invariants of time and taste, and that the hard negatives are what they are called."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import ACTIONS, ACTIVITY, NETWORKS, PLAYS, REASONS_END, REASONS_START
from producer.simulator.block import make_block
from producer.simulator.cohorts import COHORT_NAMES, COHORTS
from producer.simulator.listeners.activity import load_chains
from producer.simulator.listeners.timing import settle
from producer.simulator.plan import Plan, make_plan
from producer.simulator.rows import Columns
from producer.simulator.scenario import load_scenario
from runtime.units import DAY_MS

DONE = REASONS_END.index("trackdone")


@cache
def honest() -> tuple[Plan, dict[str, Columns]]:
    """Simulate a week of some hundred accounts of each hard negative, and no bots."""
    scenario = replace(
        load_scenario("everything"), users=1400, days=7, prevalence=0.0, families={},
        negatives=dict.fromkeys(COHORTS, 0.05),
    )  # fmt: skip
    plan = make_plan(scenario)
    chains = load_chains()
    blocks = [make_block(plan, number, chains) for number in range(plan.blocks)]
    joined = [{topic: block.joined(topic) for topic in (PLAYS, ACTIVITY)} for block in blocks]
    return plan, {
        topic: {name: np.concatenate([block[topic][name] for block in joined]) for name in joined[0][topic]}
        for topic in (PLAYS, ACTIVITY)
    }


def of(cohort: str, topic: str = PLAYS) -> Columns:
    plan, rows = honest()
    mask = plan.cohort_of[rows[topic]["user"]] == COHORT_NAMES.index(cohort)
    return {name: column[mask] for name, column in rows[topic].items()}


def test_everything_happens_inside_the_period() -> None:
    plan, rows = honest()
    for table in rows.values():
        assert table["time"].min() >= plan.calendar.starts_ms
        assert table["time"].max() < plan.calendar.ends_ms


def test_a_listener_hears_one_track_at_a_time_unless_the_account_is_a_family_s() -> None:
    plan, rows = honest()
    plays = rows[PLAYS]
    order = np.lexsort((plays["time"], plays["user"]))
    user, end = plays["user"][order], plays["time"][order]
    overlaps = ((end - plays["listen"][order])[1:] < end[:-1]) & (user[1:] == user[:-1])
    is_family = plan.cohort_of[user[1:]] == COHORT_NAMES.index("family_account")
    assert not overlaps[~is_family].any()
    assert overlaps[is_family].any()


def test_a_track_that_is_done_was_heard_whole_and_no_other() -> None:
    plan, rows = honest()
    plays = rows[PLAYS]
    is_whole = plays["listen"] == plan.catalogue.duration_ms[plays["track"]]
    assert (is_whole == (plays["reason_end"] == DONE)).all()


def test_nothing_is_played_before_it_comes_out() -> None:
    plan, rows = honest()
    plays = rows[PLAYS]
    day = (plays["time"] - plan.calendar.starts_ms) // DAY_MS
    # a listener west of Greenwich may begin a local day late
    assert (plan.catalogue.released_days[plays["track"]] + day >= -1).all()


def test_a_track_begins_by_itself_only_after_one_that_was_done() -> None:
    _, rows = honest()
    plays = rows[PLAYS]
    order = np.lexsort((plays["time"], plays["session"]))
    same = np.diff(plays["session"][order].astype(np.int64)) == 0
    begun = plays["reason_start"][order][1:][same] == REASONS_START.index("trackdone")
    done = plays["reason_end"][order][:-1][same] == DONE
    assert not (begun & ~done).any()


def test_no_start_stands_on_a_round_second_more_often_than_by_chance() -> None:
    _, rows = honest()
    for table in rows.values():
        digit = np.bincount(table["time"] % 10, minlength=10) / len(table["time"])
        assert np.abs(digit - 0.1).max() < 0.01


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10_000), st.integers(1, 5_000)), min_size=1, max_size=30))
def test_settled_sessions_keep_their_order_and_never_overlap(rows: list[tuple[int, int, int]]) -> None:
    rows = sorted(rows)
    who, wish, length = (np.array(column) for column in zip(*rows, strict=True))
    begin = settle(wish.astype(np.int64), length.astype(np.int64), who.astype(np.int32))
    assert (begin >= wish).all()
    same = who[1:] == who[:-1]
    assert (begin[1:] >= begin[:-1] + length[:-1])[same].all()


def mean_by_account(cohort: str, values: str) -> float:
    table = of(cohort)
    return float(table[values].mean())


def plays_an_account(cohort: str) -> float:
    plan, _ = honest()
    return len(of(cohort)["user"]) / int((plan.cohort_of == COHORT_NAMES.index(cohort)).sum())


@pytest.mark.parametrize("cohort", list(COHORTS))
def test_every_hard_negative_listens_and_is_honest(cohort: str) -> None:
    plays = of(cohort)
    assert len(plays["user"]) > 100
    assert not plays["family"].any()
    assert not plays["is_paid"].any()


def test_a_venue_plays_far_more_than_a_regular_account() -> None:
    assert plays_an_account("venue") > 4 * plays_an_account("regular")


def test_a_superfan_and_a_child_repeat_more_than_others() -> None:
    def distinct(cohort: str) -> float:
        plays = of(cohort)
        return len(np.unique(plays["user"].astype(np.int64) << 32 | plays["track"])) / len(plays["user"])

    assert distinct("superfan") < 0.7 * distinct("regular")
    assert distinct("child") < 0.5 * distinct("regular")


def test_a_skip_heavy_listener_hears_little_of_a_track() -> None:
    assert (of("skip_heavy")["reason_end"] == DONE).mean() < 0.5 * (of("regular")["reason_end"] == DONE).mean()


def test_a_privacy_minded_listener_comes_through_vpn_and_hosting() -> None:
    codes = [NETWORKS.index("vpn"), NETWORKS.index("hosting")]
    assert np.isin(of("vpn")["network"], codes).mean() > 0.8
    assert np.isin(of("regular")["network"], codes).mean() < 0.2


def test_an_office_shares_few_addresses() -> None:
    plays = of("office")
    shared = plays["ip"][plays["network"] == NETWORKS.index("business")]
    assert len(np.unique(shared)) <= 5


def test_a_buggy_client_fails_to_start_again_and_again() -> None:
    failed = ACTIONS.index("failed_start")
    assert (of("buggy_client", ACTIVITY)["action"] == failed).mean() > 0.1
    assert (of("regular", ACTIVITY)["action"] == failed).mean() < 0.01


def test_a_traveller_is_seen_in_several_countries() -> None:
    def countries(cohort: str) -> float:
        plays = of(cohort)
        pairs = np.unique(plays["user"].astype(np.int64) << 8 | plays["country"])
        return len(pairs) / len(np.unique(plays["user"]))

    assert countries("traveller") > 1.2 * countries("regular")
