"""Honest listening: invariants of time and taste, and that the hard negatives are what they are called."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import ACTIONS, ACTIVITY, NETWORKS, PLAYS, REASONS_END, REASONS_START
from producer.simulator.cohorts import COHORT_NAMES, COHORTS
from producer.simulator.draws import Purpose, stream
from producer.simulator.listeners.population import MOST_STREAKS, draw_traits
from producer.simulator.listeners.profiles import PROFILES
from producer.simulator.listeners.timing import settle
from producer.simulator.plan import Plan
from producer.simulator.rows import Columns
from producer.simulator.scenario import load_scenario
from runtime.units import DAY_MS
from tests.producer.simulator.memory_world import simulate

DONE = REASONS_END.index("trackdone")


@cache
def honest() -> tuple[Plan, dict[str, Columns]]:
    """Simulate a week of some dozens of accounts of each hard negative, and no bots."""
    return simulate(
        replace(
            load_scenario("everything"), users=1600, days=7, prevalence=0.0, families={},
            negatives=dict.fromkeys(COHORTS, 0.04),
        )
    )  # fmt: skip


def of(cohort: str, topic: str = PLAYS) -> Columns:
    plan, rows = honest()
    mask = plan.cohort_of[rows[topic]["user"]] == COHORT_NAMES.index(cohort)
    return {name: column[mask] for name, column in rows[topic].items()}


def test_everything_happens_inside_the_period() -> None:
    plan, rows = honest()
    for table in rows.values():
        assert table["time"].min() >= plan.calendar.starts_ms
        assert table["time"].max() < plan.calendar.ends_ms


def test_a_listener_hears_one_track_at_a_time_unless_several_people_share_the_account() -> None:
    plan, rows = honest()
    plays = rows[PLAYS]
    order = np.lexsort((plays["time"], plays["user"]))
    user, end = plays["user"][order], plays["time"][order]
    overlaps = ((end - plays["listen"][order])[1:] < end[:-1]) & (user[1:] == user[:-1])
    cohort = plan.cohort_of[user[1:]]
    is_shared = np.isin(cohort, [COHORT_NAMES.index(name) for name in ("family_account", "two_devices")])
    assert not overlaps[~is_shared].any()
    for name in ("family_account", "two_devices"):
        assert overlaps[cohort == COHORT_NAMES.index(name)].any()


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


def by_day(cohort: str) -> tuple[np.ndarray, np.ndarray]:
    """Return plays and hours of each user-day (UTC) of a cohort."""
    plays = of(cohort)
    _, day = np.unique(plays["user"].astype(np.int64) * 1_000 + plays["time"] // DAY_MS, return_inverse=True)
    return np.bincount(day), np.bincount(day, plays["listen"]) / 3_600_000


def test_who_plays_at_all_hours_does_so_for_ten_hours_a_day_and_at_night() -> None:
    plays = of("all_hours")
    plan, _ = honest()
    assert 7 < np.median(by_day("all_hours")[1]) < 14
    hours = np.bincount((plays["time"] - plan.calendar.starts_ms) % DAY_MS // 3_600_000, minlength=24)
    assert hours.min() > 0.4 * hours.mean()
    assert (plays["reason_end"] == DONE).mean() > 0.7


def test_a_sampler_tries_a_hundred_tracks_and_hears_few() -> None:
    plays = of("sampler")
    assert np.median(by_day("sampler")[0]) > 60
    assert (plays["listen"] < 35_000).mean() > 0.55


def test_a_phase_of_one_artist_lasts_for_the_whole_week() -> None:
    plan, _ = honest()
    plays = of("one_artist")
    artist = plan.catalogue.artist_of[plays["track"]]
    shares = [np.bincount(artist[plays["user"] == user]).max() / (plays["user"] == user).sum()
              for user in np.unique(plays["user"])]  # fmt: skip
    assert np.median(shares) > 0.9


def test_one_list_is_a_record_or_a_playlist_of_60_tracks_at_most_for_days() -> None:
    plan, _ = honest()
    plays = of("one_list")
    artists = []
    for user in np.unique(plays["user"]):
        tracks = np.unique(plays["track"][plays["user"] == user])
        # a phase may end within the week
        assert len(tracks) <= 2 * 60
        artists.append(len(np.unique(plan.catalogue.artist_of[tracks])))
    assert min(artists) == 1
    assert max(artists) > 5


def test_two_devices_play_at_once() -> None:
    plays = of("two_devices")
    order = np.lexsort((plays["time"], plays["user"]))
    user, end, device = plays["user"][order], plays["time"][order], plays["device"][order]
    at_once = ((end - plays["listen"][order])[1:] < end[:-1]) & (user[1:] == user[:-1])
    assert (device[1:] != device[:-1])[at_once].all()
    assert at_once.mean() > 0.05


def test_a_long_run_is_a_hundred_tracks_in_a_row() -> None:
    plays = of("long_run")
    _, counts = np.unique(plays["session"], return_counts=True)
    assert np.quantile(counts, 0.8) > 100


def test_a_big_day_has_many_times_the_usual_plays() -> None:
    big, usual = by_day("big_day")[0], by_day("regular")[0]
    assert np.quantile(big, 0.97) > 1.5 * np.quantile(usual, 0.97)
    assert np.median(big) < 2 * np.median(usual)


def test_a_world_of_the_field_s_people_can_be_drawn_without_a_warning() -> None:
    plan, rows = simulate(load_scenario("field", users=1500, days=7, prevalence=0.0))
    plays = rows[PLAYS]
    assert (plays["listen"] <= plan.catalogue.duration_ms[plays["track"]]).all()
    assert (plays["listen"] > 0).all()


def test_people_of_the_field_differ_in_habits_that_others_share() -> None:
    catalogue = honest()[0].catalogue
    users = np.arange(500, dtype=np.int32)
    field, spotify = (draw_traits(users, PROFILES[name], catalogue, stream(1, Purpose.PLAN))
                      for name in ("field", "spotify"))  # fmt: skip
    for habit in ("haste", "streaks", "pausing", "tempo", "moods", "day_spread"):
        assert getattr(spotify, habit).std() == 0
        assert getattr(field, habit).std() > 0.2
    assert field.streaks.max() <= MOST_STREAKS
    for trait in ("mixed", "pop_fan", "completion"):
        assert getattr(field, trait).std() > 1.2 * getattr(spotify, trait).std()
