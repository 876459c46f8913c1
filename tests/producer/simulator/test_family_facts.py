"""What each family is known by, measured on a blatant world of it: the fact in its docstring."""

import numpy as np
import pytest

from contracts.events import ACTIONS, ACTIVITY, DEVICES, DRMS, DRMS_OF, PLAYS
from producer.simulator.listeners.population import traits_of
from producer.simulator.plan import Plan, make_plan
from producer.simulator.rows import Columns, take
from producer.simulator.scenario import Scenario
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.producer.simulator.memory_world import of_family, world_of


def plays_of(family: str, difficulty: float = 0.0, days: int = 14) -> tuple[Plan, Columns]:
    """Return the plan and a family's plays by account and time, with `start`, and its local `day` and `hour`."""
    plan, rows = world_of((family,), difficulty, 0.1, days, 300)
    plays = of_family(rows[PLAYS], family)
    plays = take(plays, np.lexsort((plays["time"], plays["user"])))
    start = plays["time"] - plays["listen"]
    place = place_of(plan, plays["user"])
    midnight = plan.calendar.local_midnight
    # by the place's own midnights: a day on which the clocks change does not have 24 hours
    day = (start[:, None] >= midnight[place]).sum(axis=1) - 1
    return plan, plays | {"start": start, "day": day, "hour": (start - midnight[place, day]) / HOUR_MS}


def place_of(plan: Plan, users: np.ndarray) -> np.ndarray:
    """Look up where accounts live, from the traits that their blocks draw."""
    places = [
        traits_of(plan.users_of(block), block, plan.setting.profile, plan.catalogue, plan.scenario.seed).place
        for block in range(plan.blocks)
    ]
    return np.concatenate(places)[users]


def accounts_of(plays: Columns) -> list[Columns]:
    return [take(plays, plays["user"] == user) for user in np.unique(plays["user"])]


def minutes_by_day(plays: Columns) -> np.ndarray:
    """Minutes heard by account and local day."""
    _, day = np.unique(plays["user"].astype(np.int64) * 1_000 + plays["day"], return_inverse=True)
    return np.bincount(day, plays["listen"]) / MINUTE_MS


def test_hidden_target_pays_for_few_tracks_among_popular_ones() -> None:
    plan, plays = plays_of("hidden_target")
    assert 0.1 < plays["is_paid"].mean() < 0.35
    for campaign in plan.campaigns:
        assert len(campaign.tracks) <= 3
    popularity = np.log(plan.catalogue.artist_popularity[plan.catalogue.artist_of[plays["track"]]])
    assert popularity[~plays["is_paid"]].mean() > popularity[plays["is_paid"]].mean() + 1


@pytest.mark.parametrize("difficulty", [0.0, 0.5, 1.0])
def test_rotation_never_keeps_an_account_at_work_for_over_45_minutes_a_day(difficulty: float) -> None:
    _, plays = plays_of("rotation", difficulty)
    assert minutes_by_day(plays).max() <= 45


def test_rotation_moves_an_account_through_the_day_while_somebody_is_always_at_work() -> None:
    _, plays = plays_of("rotation")
    for account in accounts_of(plays):
        first = account["hour"][np.diff(account["day"], prepend=-1) != 0]
        assert np.ptp(first) > 12
    assert len(np.unique(plays["hour"].astype(int))) >= 23


def test_dormant_rests_for_16_days_and_then_comes_from_other_homes() -> None:
    plan, plays = plays_of("dormant", days=42)
    assert (plays["ip"] < plan.scenario.users).all()
    assert (plays["ip"] != plays["user"]).mean() > 0.95
    for account in accounts_of(plays):
        gaps = np.diff(np.unique(account["day"]), prepend=0, append=43)
        assert gaps.max() >= 15
        assert len(np.unique(account["day"])) <= 28


def test_sleep_ring_plays_sounds_of_31_to_40_seconds_at_night() -> None:
    plan, plays = plays_of("sleep_ring")
    paid = take(plays, plays["is_paid"])
    length = plan.catalogue.duration_ms[paid["track"]]
    assert length.min() >= 31_000
    assert length.max() <= 40_000
    assert ((paid["hour"] > 20) | (paid["hour"] < 10)).mean() > 0.95
    for campaign in plan.campaigns:
        assert len(campaign.tracks) == 48


def test_an_agent_searches_and_likes_and_pays_for_one_play_in_seven() -> None:
    _, rows = world_of(("agent",), 0.5, 0.1, 14, 300)
    plays, activity = (of_family(rows[topic], "agent") for topic in (PLAYS, ACTIVITY))
    assert 0.08 < plays["is_paid"].mean() < 0.2
    honest = of_family(rows[ACTIVITY], "honest")["action"]
    for action in ("search", "like"):
        code = ACTIONS.index(action)
        assert (activity["action"] == code).mean() > 0.5 * (honest == code).mean()


def test_ai_flood_plays_many_new_tracks_a_little_each() -> None:
    plan, plays = plays_of("ai_flood")
    for campaign in plan.campaigns:
        mine = plays["track"][(plays["campaign"] == campaign.index) & plays["is_paid"]]
        assert np.bincount(mine).max() / len(mine) < 0.01
        age = plan.catalogue.released_days[campaign.tracks]
        known = plan.catalogue.released_days[plan.catalogue.released_days > 0]
        assert np.median(age) < 0.5 * np.median(known)


def test_chart_pump_is_one_track_for_seven_days() -> None:
    plan, plays = plays_of("chart_pump")
    paid = take(plays, plays["is_paid"])
    for campaign in plan.campaigns:
        mine = take(paid, paid["campaign"] == campaign.index)
        assert len(np.unique(mine["track"])) == 1
        assert np.ptp(mine["time"]) <= 7 * DAY_MS


def test_sabotage_is_a_burst_of_three_days_on_one_artist() -> None:
    plan, plays = plays_of("sabotage")
    for campaign in plan.campaigns:
        mine = take(plays, (plays["campaign"] == campaign.index) & plays["is_paid"])
        assert set(plan.catalogue.artist_of[mine["track"]]) == {campaign.target_artist}
        assert np.ptp(mine["time"]) <= 3 * DAY_MS + 6 * HOUR_MS


def test_payout_stop_hears_targets_for_30_to_32_seconds() -> None:
    _, plays = plays_of("payout_stop")
    paid = plays["listen"][plays["is_paid"]]
    assert paid.min() >= 30_000
    assert paid.max() <= 32_000
    assert plays["is_paid"].mean() > 0.95


def test_single_loop_plays_one_track_or_one_album_all_day() -> None:
    plan, plays = plays_of("single_loop")
    lengths = {len(campaign.tracks) for campaign in plan.campaigns}
    assert min(lengths) == 1
    assert 1 < max(lengths) <= 12
    assert np.median(minutes_by_day(plays)) > 15 * 60
    assert 250 < len(plays["time"]) / len(np.unique(plays["user"])) / 14 < 450


def test_a_short_single_loop_has_tracks_of_31_to_45_seconds() -> None:
    plan = make_plan(Scenario("s", users=300, days=7, prevalence=0.1, families={"single_loop": {"short": 1.0}}))
    lengths = np.concatenate([plan.catalogue.duration_ms[campaign.tracks] for campaign in plan.campaigns])
    assert (lengths >= 31_000).all()
    assert (lengths <= 45_000).mean() > 0.9


def test_high_weeks_is_high_for_three_weeks_in_a_row_and_no_longer() -> None:
    plan, plays = plays_of("high_weeks", days=42)
    for account in accounts_of(plays):
        assert 18 <= np.ptp(account["day"]) <= 22
    assert len({campaign.starts_ms for campaign in plan.campaigns}) == 2


def test_every_17h_begins_at_multiples_of_17_hours() -> None:
    _, plays = plays_of("every_17h")
    for account in accounts_of(plays):
        begins = account["start"][np.diff(account["session"].astype(np.float64), prepend=-1) != 0]
        since = (begins - begins[0]) / HOUR_MS / 17
        assert np.abs(since - np.rint(since)).max() * 17 * 60 < 2
        assert np.ptp(account["hour"]) > 20


def test_sleepless_plays_for_23_hours_in_a_row_on_some_days() -> None:
    plan, plays = plays_of("sleepless")
    long_days = minutes_by_day(plays) > 21 * 60
    assert long_days.mean() > 0.8
    accounts = sum(len(campaign.accounts) for campaign in plan.campaigns)
    assert 0.3 < long_days.sum() / accounts / 14 < 0.7


def test_resold_shares_devices_and_takes_copies() -> None:
    plan, plays = plays_of("resold")
    for campaign in plan.campaigns:
        of = plays["campaign"] == campaign.index
        assert len(np.unique(plays["device"][of])) < len(np.unique(plays["user"][of]))
    _, first = np.unique(plays["session"], return_index=True)
    allowed = np.array([[drm in DRMS_OF[device] for drm in DRMS] for device in DEVICES])
    is_odd = ~allowed[plays["device_type"][first], plays["drm"][first]]
    assert is_odd.mean() > 0.2
