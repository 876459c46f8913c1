"""Scenarios: the shipped ones work, wrong ones are refused in one line, small ones with the smallest that works."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.labels import FAMILIES, HARD_NEGATIVES
from producer.simulator.cohorts import COHORTS
from producer.simulator.plan import make_plan
from producer.simulator.scenario import Scenario, ScenarioError, load_scenario, shipped
from tests.conftest import Playproof
from tests.producer.simulator.refused_files import refusal_of


def test_a_handful_of_scenarios_is_shipped() -> None:
    assert {"quiet", "default", "farm-raid", "slow-burn", "everything", "demo"} <= set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_scenario_can_be_planned(name: str) -> None:
    plan = make_plan(load_scenario(name, users=10_000, days=7))
    assert {campaign.family for campaign in plan.campaigns} == set(plan.scenario.families)


OF_CATEGORIES = "resold"
"""The family of scenario `categories` alone: an account of three categories, for a study of categories."""


def test_field_and_odd_name_all_families_and_all_hard_negatives() -> None:
    scenario = load_scenario("field")
    assert set(scenario.families) | {OF_CATEGORIES} == set(FAMILIES)
    assert set(scenario.negatives) | set(load_scenario("odd").negatives) == set(HARD_NEGATIVES) == set(COHORTS)


def test_field_has_every_family_at_a_natural_prevalence_too() -> None:
    plan = make_plan(load_scenario("field", users=12_000, prevalence=0.006))
    assert {campaign.family for campaign in plan.campaigns} | {OF_CATEGORIES} == set(FAMILIES)


def test_a_population_too_small_is_refused_with_a_size_that_works() -> None:
    scenario = Scenario("s", users=300, days=14, prevalence=0.006, families={"loop30": {}, "farm": {"weight": 9}})
    with pytest.raises(ScenarioError, match=r"loop30 needs 1 accounts .* take \d+ accounts or more") as refused:
        make_plan(scenario)
    found = re.search(r"take (\d+) accounts", str(refused.value))
    assert found
    plan = make_plan(replace(scenario, users=int(found.group(1))))
    assert {campaign.family for campaign in plan.campaigns} == {"loop30", "farm"}
    with pytest.raises(ScenarioError):
        make_plan(replace(scenario, users=int(0.85 * int(found.group(1)))))


def test_prevalence_by_streams_is_met_within_a_third(tmp_path: Path) -> None:
    plan = make_plan(
        Scenario("s", users=4000, days=14, prevalence=0.05, prevalence_of="streams", families={"low_slow": {}})
    )
    accounts = sum(len(campaign.accounts) for campaign in plan.campaigns)
    # some 17 paid streams a bot's day against 7 of an honest account
    assert 4000 * 0.05 * 7 / 17 * 0.5 < accounts < 4000 * 0.05 * 7 / 17 * 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("prevalence = ", "not TOML"),
        ("colour = 1", "unknown keys colour; known: "),
        ("[catalogue]\ncolour = 1", r"unknown keys catalogue\.colour"),
        ("[families]\nfram = {}", "families: 'fram' is none of loop30, "),
        ("[negatives]\nsuperfam = 0.1", "negatives: 'superfam' is none of superfan, "),
        ("prevalence = 2", r"prevalence is 2, expected a number from 0 to 1"),
        ("profile = 'radio'", "profile 'radio': expected one of spotify, kkbox, field"),
        ("prevalence_of = 'plays'", "expected accounts or streams"),
        ("days = 0", "both must be at least 1"),
        ("users = '300'", "users is '300', expected a whole number"),
        ("users = 1e3", "users is 1000.0, expected a whole number"),
        ("days = 4000000", "days is 4000000, expected 0 to 36,525"),
        ("seed = -1", "seed is -1, expected 0 to"),
        ("difficulty = nan", "difficulty is nan, expected a number"),
        ("prevalence = true", "prevalence is True, expected a number"),
        ("starts_on = '2025-03-03'", "starts_on is '2025-03-03', expected a date"),
        ("starts_on = 2025-03-03T00:00:00", r"starts_on is datetime.* expected a date"),
        ("chains = 5", "chains is 5, expected a text"),
        ("negatives = 5", "negatives is 5, expected a table"),
        ("[negatives]\nsuperfan = 2", "negatives: expected shares from 0 to 1"),
        ("[families]\nfarm = 3", "families.farm is 3, expected a table"),
        ("[families.farm]\nweight = 'x'", r"families\.farm\.weight is 'x', expected a number"),
        ("[families.farm]\nweight = 0", "families.farm: expected a weight over 0"),
        ("[families.farm]\naccounts = 0", "families.farm: expected .* accounts from 1"),
        ("[catalogue]\nn_artists = '9'", r"catalogue\.n_artists is '9', expected a number"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    assert re.search(reason, refusal_of(text, tmp_path))


def test_a_file_that_is_no_text_is_refused_in_one_line(tmp_path: Path, playproof: Playproof) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe")
    assert "mine.toml: not TOML" in playproof("simulate", "--scenario", str(tmp_path / "mine.toml")).error


@pytest.mark.parametrize("seeds", ["1,x", "-1", "", "1,,2", "99999999999"])
def test_seeds_that_are_none_are_refused_before_a_world_is_made(seeds: str, playproof: Playproof) -> None:
    expected = f"error: --seeds: {seeds!r}: expected whole numbers with commas, like 1,2,3"
    assert playproof("calibrate", "--seeds", seeds).error == expected


def test_a_scenario_that_is_not_there_is_refused_with_the_shipped_names() -> None:
    with pytest.raises(ScenarioError, match="no such file; shipped ones: categories, default, demo"):
        load_scenario("nowhere")
