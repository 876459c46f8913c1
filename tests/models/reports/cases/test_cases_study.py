"""The case study of user-days: each case is told apart, every detector measured, a page with figures written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contracts.labels import HONEST
from models.reports.cases.extended_forest import fit_extended
from models.reports.cases.forests import FORESTS, RULE_FEATURES
from models.reports.cases.page import PAGE, RECALL_FIGURE, SCORES_FIGURE, tables, write_page
from models.reports.cases.study import CASES, NEW_NIGHTS, CaseStudy, study_cases
from producer.simulator.build import build
from producer.simulator.scenario import load_scenario
from runtime.world import World, WorldError
from tests.models.user_days.example_days import crowd

USERS, DAYS = 100, 33


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A simulated world of the study's scenario, with user-days made by hand: the real ones take Spark."""
    world = World(tmp_path_factory.mktemp("worlds") / "cases")
    build(replace(load_scenario("user-days"), users=USERS, days=DAYS, prevalence=0.2), world)
    truth = pd.read_parquet(world.truth("users.parquet"))
    chosen = pd.concat([truth[truth["family"] != HONEST], truth[truth["family"] == HONEST].head(20)])
    days = crowd(users=len(chosen), days=DAYS)
    ids = dict(zip(days["user_id"].unique(), chosen["user_id"], strict=True))
    folder = world.from_raw("user_days")
    folder.mkdir()
    days.assign(user_id=days["user_id"].map(ids), local_date=days["local_date"].dt.date).to_parquet(
        folder / "p.parquet"
    )
    (folder / "_SUCCESS").touch()
    return world


@pytest.fixture(scope="module")
def study(world: World) -> CaseStudy:
    return study_cases(world)


def test_every_detector_is_measured_on_every_case_and_on_honest_days(study: CaseStudy) -> None:
    assert list(study.flagged) == ["rules", "forest", "hybrid"]
    assert list(study.at_one_percent) == ["rules", *FORESTS]
    for shares in (*study.flagged.values(), *study.at_one_percent.values()):
        assert list(shares) == [*CASES, HONEST]
        assert all(shares[case].n > 0 for case in CASES)
    for shares in study.at_one_percent.values():
        assert (shares[HONEST].value or 0) <= 0.01 + 1 / shares[HONEST].n
    measured = study.scores.groupby("kind").size()
    assert {kind: int(n) for kind, n in measured.items()} == {
        kind: share.n for kind, share in study.flagged["rules"].items() if share.n
    }
    assert study.flagged["rules"][NEW_NIGHTS].n < len(study.scores) / 10


def test_the_marathon_is_found_by_its_17_hours_and_people_are_not(study: CaseStudy) -> None:
    assert study.repeating["marathon"].value == 1
    assert study.period_h["marathon"] == pytest.approx(17, abs=0.3)
    assert (study.repeating[HONEST].value or 0) < 0.05


def test_weeks_are_counted_from_the_days_of_the_table(study: CaseStudy) -> None:
    assert study.high_weeks[HONEST].n == 20


def test_the_page_has_its_tables_and_figures(study: CaseStudy, tmp_path: Path) -> None:
    page = write_page(tmp_path / "study", study, "A study")
    text = page.read_text()
    assert page.name == PAGE
    assert text.startswith("# A study\n")
    assert "| rules | " in text
    assert "| marathon | " in text
    for figure in (RECALL_FIGURE, SCORES_FIGURE):
        assert f"]({figure})" in text
        assert (page.parent / figure).stat().st_size > 5_000
    assert tables(study) in text


def test_an_extended_forest_isolates_what_is_far_in_two_columns_at_once() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal(600)
    rows = np.column_stack([x, x + 0.1 * rng.standard_normal(600), np.full(600, np.nan)])
    score = fit_extended(rows, rng)
    along, across = score(np.array([[1.5, 1.5, np.nan], [1.5, -1.5, np.nan]]))
    assert across > along
    np.testing.assert_array_equal(score(rows[:5]), score(rows)[:5])


def test_the_forests_differ_in_one_thing_each() -> None:
    assert len(RULE_FEATURES) == 8
    assert len({*FORESTS.values()}) == len(FORESTS)


def test_a_world_that_is_too_short_or_without_truth_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="no truth to compare with"):
        study_cases(World(tmp_path))
