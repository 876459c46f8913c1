"""Dials of honest listeners: what is set is simulated and written into truth; what is not set changes nothing."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from contracts.events import FIELDS, PLAYS
from producer.simulator.block import Block, make_block
from producer.simulator.build import build
from producer.simulator.catalogue import make_catalogue
from producer.simulator.listeners.activity import load_chains
from producer.simulator.listeners.dials import RANGES, parse_dial
from producer.simulator.listeners.endings import ENDED
from producer.simulator.output.listener_values import listener_values
from producer.simulator.plan import make_plan
from producer.simulator.scenario import Scenario, load_scenario
from runtime.arrays import Floats
from runtime.world import World
from tests.producer.simulator.refused_files import refusal_of

CONSTANT = {"mix_sesh": 0.0, "pop_fan": 1.0, "sesh_len": 6, "sesh_num": 2, "skip_prob": 0.25}


def listening(**changes: object) -> tuple[Block, Scenario]:
    """Simulate one block of honest accounts over four weeks, all dials constant."""
    dials = {name: parse_dial(name, value) for name, value in CONSTANT.items()}
    scenario = Scenario("s", users=120, days=28, families={}, listeners=dials)
    scenario = replace(scenario, **changes)  # type: ignore[arg-type]
    return make_block(make_plan(scenario), 0, load_chains()), scenario


def test_a_dial_is_what_is_simulated() -> None:
    block, scenario = listening()
    plays, sessions = block.rows[PLAYS], block.sessions
    assert len(plays["session"]) / len(sessions["user"]) == pytest.approx(6, rel=0.05)
    assert len(sessions["user"]) / (120 * scenario.days) == pytest.approx(2, rel=0.07)
    assert (plays["reason_end"] != ENDED["trackdone"]).mean() == pytest.approx(0.25, abs=0.02)
    # no session is of several artists, but for new releases
    catalogue = make_catalogue(scenario.catalogue, scenario.seed, scenario.days)
    artist = catalogue.artist_of[plays["track"]]
    same = artist[1:] == artist[:-1]
    assert same[plays["session"][1:] == plays["session"][:-1]].mean() > 0.85


def test_truth_has_each_listeners_dials_and_what_came_out_where_none_is_set() -> None:
    block, scenario = listening()
    values = listener_values(block, scenario.days)
    assert {name: set(column.tolist()) for name, column in values.items()} == {n: {v} for n, v in CONSTANT.items()}
    block, scenario = listening(listeners={"skip_prob": parse_dial("skip_prob", 1)})
    values = listener_values(block, scenario.days)
    sessions = np.bincount(block.sessions["user"], minlength=120)
    np.testing.assert_allclose(values["sesh_num"], sessions / scenario.days)
    assert (values["skip_prob"] == 1).all()
    assert np.isnan(values["sesh_len"][sessions == 0]).all()


def test_a_weekend_boost_by_day_is_seen_in_the_sessions_of_that_day() -> None:
    def sessions_by_weekday(**boost: float) -> Floats:
        block, _ = listening(weekend_boost=boost, users=400)
        days = block.sessions["start"].astype("datetime64[ms]").astype("datetime64[D]").astype(np.int64)
        return np.bincount((days + 3) % 7, minlength=7).astype(np.float64)

    ratio = sessions_by_weekday(wednesday=3.0) / sessions_by_weekday()
    assert ratio[2] > 2
    assert ratio[5] == pytest.approx(1, abs=0.1)


def test_dials_that_are_not_set_leave_every_byte_and_static_never_has_them(tmp_path: Path) -> None:
    plain = replace(load_scenario("demo"), users=150, days=1, prevalence=0.2)
    worlds = World(tmp_path / "plain"), World(tmp_path / "dials")
    for world, scenario in zip(worlds, (plain, replace(plain, listeners={})), strict=True):
        build(scenario, world)
    for topic in FIELDS:
        for one, other in zip(*(world.raw_files(topic) for world in worlds), strict=True):
            assert one.read_bytes() == other.read_bytes()
    columns = [pq.ParquetFile(world.truth("users.parquet")).schema_arrow.names for world in worlds]
    assert columns[0] == ["user_id", "family", "campaign_id", "cohort"]
    assert columns[1] == [*columns[0], *RANGES]
    for file in (worlds[1].root / "static").rglob("*.parquet"):
        assert not set(RANGES) & set(pq.ParquetFile(file).schema_arrow.names)


def test_small_gives_its_published_numbers() -> None:
    small = load_scenario("small")
    catalogue = make_catalogue(small.catalogue, seed=1, days=1)
    assert round(catalogue.artist_popularity[0], 6) == 0.104328
    published = [0.097664, 0.072737, 0.061220, 0.054172, 0.049269]
    assert catalogue.track_popularity[:5].round(6).tolist() == published
    totals = (catalogue.artist_popularity[0] * catalogue.track_popularity[:5]).round(6)
    assert totals.tolist() == [0.010189, 0.007589, 0.006387, 0.005652, 0.00514]
    assert small.listeners is not None
    assert set(small.listeners) == set(RANGES)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("listeners = 3", "listeners is 3, expected a table of dials"),
        ("[listeners]\nmood = 1", "unknown dial 'mood'; known: mix_sesh, pop_fan"),
        ("[listeners]\nskip_prob = 1.5", "skip_prob is 1.5, expected a number from 0 to 1"),
        ("[listeners]\nsesh_len = true", "sesh_len is True, expected a number, or a table with distribution"),
        ("[listeners]\nsesh_len = nan", "sesh_len is nan, expected a number, or a table with distribution"),
        ("[listeners]\nsesh_len = { distribution = 'cauchy' }", "distribution 'cauchy': expected a number, or"),
        ("[listeners]\nsesh_num = { distribution = 'uniform', low = 1 }", "uniform takes the numbers low and high"),
        ("[listeners]\nsesh_num = { distribution = 'uniform', low = 3, high = 1 }", "expected 0 <= low <= high <= 48"),
        ("[listeners]\npop_fan = { distribution = 'normal', mean = 2, sd = 1 }", "expected a middle from 0 to 1"),
        ("[listeners]\npop_fan = { distribution = 'beta', a = 0, b = 1 }", "beta takes a and b over 0"),
        ("[weekend_boost]\nsonntag = 2", "weekend_boost: 'sonntag' is none of monday"),
        ("[weekend_boost]\nsunday = 0", "weekend_boost of sunday is 0, expected a number over 0"),
        ("[weekend_boost]\nsunday = 'much'", "weekend_boost of sunday is 'much', expected a number"),
        ("weekend_boost = 2", "weekend_boost is 2, expected a table"),
        ("ends_on = 2020-01-01", "ends_on is 2020-01-01: expected a date like 2025-03-30, not before 2025-03-03"),
        ("ends_on = 'soon'", "ends_on is soon: expected a date"),
        ("days = 3\nends_on = 2025-03-04", "days is 3, but from 2025-03-03 to 2025-03-04 it is 2"),
    ],
)
def test_a_wrong_dial_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    assert re.search(reason, refusal_of(text, tmp_path))


@pytest.mark.parametrize("distribution", ["uniform", "normal", "log_normal", "integers", "beta"])
def test_every_distribution_stays_in_the_dials_range(distribution: str) -> None:
    names = {"uniform": "low high", "normal": "mean sd", "log_normal": "median log_sd", "beta": "a b"}
    first, second = names.get(distribution, "low high").split()
    dial = parse_dial("skip_prob", {"distribution": distribution, first: 0.4 if first != "low" else 0, second: 1})
    drawn = dial.draw(np.random.default_rng(1), 2000)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert drawn.std() > 0.1


def test_ends_on_is_the_last_day_and_days_of_the_command_line_win(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("starts_on = 2025-01-01\nends_on = 2025-01-31")
    assert load_scenario(str(path)).days == 31
    assert load_scenario(str(path)).starts_on == date(2025, 1, 1)
    assert load_scenario(str(path), days=3).days == 3
