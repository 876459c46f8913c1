"""Pages of tracks, artists and labels: what is suspected of them, of whom, and the report to the artist."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from consumer_viz.dashboard.evidence.listeners import MAX_DAYS
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.music.report import of_two_months
from consumer_viz.dashboard.state import AppState
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.rings_world import make_ring_world, ring_users, row
from tests.consumer_viz.dashboard.tiny_world import NOON, make_state

SIZE = 6
USERS = ring_users(SIZE)
HITS = 90


@pytest.fixture
def state(tmp_path: Path) -> AppState:
    """A ring that streams t1 to t8; t8 is a hit: an honest account streams it 90 times."""
    world = make_ring_world(tmp_path, SIZE)
    plays = tiny_world.plays(["honest1"], n=HITS, track_id="t8", country="NZ")
    plays["play_id"] += "more"
    tiny_world.commit(world, "plays", plays)
    values = {"local_date": NOON.date(), "streams": 96, "suspicious_streams": 6}
    roles = [row("track_risk", track_id=f"t{n}", role="suspected target", **values) for n in range(1, 8)]
    victim = row("track_risk", track_id="t8", role="suspected camouflage", **values)
    tiny_world.commit(world, "track_risk", pd.DataFrame([*roles, victim]))
    return make_state(world)


def test_a_victims_page_says_that_it_is_one_and_who_streams_it(ana: Browser) -> None:
    html = ana.client.get("/music/tracks?id=t8").text.replace("\xa0", " ")
    assert "Suspected camouflage: only 6 of 96 streams" in html
    assert "Group of accounts: 6 suspected streams" in html
    assert f"Streams by day from 01 Mar to 03 Mar: {HITS + SIZE}, of which {SIZE} are suspected" in html
    assert all(user in html for user in USERS)
    devoted = html[html.index("Listeners of nothing else</h2>") :]
    assert "honest1" in devoted
    assert USERS[0] not in devoted


def test_a_target_says_so_and_an_artist_lists_the_tracks(ana: Browser) -> None:
    assert "Suspected target: 6 of 96 streams" in ana.client.get("/music/tracks?id=t3").text
    html = ana.client.get("/music/artists?id=a1").text
    assert "7 of 8 tracks are suspected targets, 1 suspected camouflage" in html
    assert "without its artist&#39;s knowledge" in html
    assert "Cedar t3" in ana.client.get("/music/labels?id=l").text
    assert ana.client.get("/music/tracks?id=nothing").status_code == 404


def test_a_dismissed_account_is_not_held_against_the_artist(state: AppState, ana: Browser) -> None:
    before = ana.client.get("/music/tracks?id=t8").text
    ana.send(USERS[0], ana.form(USERS[0]), verdict="dismiss", reason="superfan")
    assert f"{SIZE} suspected streams" in before
    assert f"{SIZE - 1} suspected streams" in ana.client.get("/music/tracks?id=t8").text


def test_the_monthly_report_has_a_row_per_month_track_and_country(ana: Browser) -> None:
    rows = list(csv.DictReader(io.StringIO(ana.client.get("/music/artists/report.csv?id=a1").text)))
    assert sum(int(r["streams"]) for r in rows) == HITS + sum(8 - n % 3 for n in range(SIZE)) + 3 * 6
    [abroad] = [r for r in rows if r["country"] == "NZ"]
    assert (abroad["month"], abroad["track_id"], abroad["suspected_streams"]) == ("2025-03", "t8", "0")
    [hit] = [r for r in rows if r["track_id"] == "t8" and r["country"] == "AU"]
    assert (hit["group_of_accounts_streams"], hit["suspected_share"]) == (str(SIZE), "1.0")
    html = ana.client.get("/music/labels/report?id=l").text
    assert "not about you" in html
    assert "2025-03" in html
    assert "automatic accounts played it to look like people" in html
    assert case_id(USERS[0]) not in html  # a report names no account


def test_money_is_called_held_back_once_it_is(ana: Browser) -> None:
    before = ana.client.get("/music/labels/report?id=l").text
    assert "6 of 6 streams are suspected, €0.02; nothing of it is held back now." in before
    ana.confirm(USERS[0])
    after = ana.client.get("/music/labels/report?id=l").text
    assert "of it is held back now" in after
    assert after.count("nothing of it is held back now") < before.count("nothing of it is held back now")


def test_a_report_counts_the_money_held_of_its_own_months(state: AppState, ana: Browser) -> None:
    ana.confirm(USERS[0])
    held = state.store.held_by_track()
    assert held["t1"] > 0
    assert [state.store.held_by_track(since) for since in ("2025-03", "2025-04")] == [held, {}]
    before = ana.client.get("/music/labels/report?id=l").text
    later = tiny_world.sessions(["honest1"], flagged=False, first=1, hour=24 * 70)  # its months are April and May
    tiny_world.commit(state.world, "sessions", later)
    state.refresh()
    after = ana.client.get("/music/labels/report?id=l").text
    assert " of it is held back now" in before
    assert "is held back now" not in after


@pytest.mark.parametrize(("newest", "first"), [("2025-03-31 23:59:59.999", "2025-02-01"), ("2025-04-01", "2025-03-01")])
def test_a_report_has_no_month_whose_first_days_are_not_read(newest: str, first: str) -> None:
    days = pd.date_range("2025-01-01", "2025-04-01")
    streams = pd.DataFrame({"day": [(day - pd.Timestamp(0)).days for day in days]})
    kept = of_two_months(streams, int(pd.Timestamp(newest).timestamp() * 1000))
    assert days[kept.index[0]] == pd.Timestamp(first)
    assert (pd.Timestamp(newest) - pd.Timestamp(first)).days <= MAX_DAYS
    assert of_two_months(streams[:0], 0).empty
