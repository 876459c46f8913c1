"""The Netflix framework: labels, metrics, trials, and what the models make of wrong labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.labels import CATEGORIES
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.errors import ModelError
from models.lab.netflix import metrics
from models.lab.netflix.figures import write_figures
from models.lab.netflix.importances import category_importances, top_features
from models.lab.netflix.labels import FEATURES, HEURISTICS, heuristic_tags, matrix, true_tags
from models.lab.netflix.page import BEGIN, END, FIGURES, publish
from models.lab.netflix.run import HEURISTIC, TRUTH, TaggedDays, corrected, sample_accounts, tag_days
from models.lab.netflix.techniques import BINARY, MULTI_LABEL
from models.lab.netflix.trials import AUTOENCODER, SEMI_SUPERVISED, semi_supervised, supervised
from tests.models.lab.example_table import example_days

DATA = tag_days(example_days(people=40))


def test_there_are_23_features_two_heuristics_a_category_and_the_models_of_the_paper() -> None:
    assert len(FEATURES) == len(set(FEATURES)) == 23
    assert set(FEATURES) | {h.feature for h in HEURISTICS} <= set(USER_DAY_FEATURE_NAMES)
    assert [sum(h.category == c for h in HEURISTICS) for c in CATEGORIES] == [2, 2, 2]
    assert (len(BINARY), len(MULTI_LABEL), len(SEMI_SUPERVISED)) == (12, 5, 7)


def test_a_heuristic_fires_over_what_the_trusted_cohort_ever_does() -> None:
    days = example_days(people=40)
    features = days.features.copy()
    place = USER_DAY_FEATURE_NAMES.index("license_cnt")
    features[:, place] = 1.0
    features[-1, place] = 500.0
    quiet = [USER_DAY_FEATURE_NAMES.index(h.feature) for h in HEURISTICS if h.feature != "license_cnt"]
    features[:, quiet] = 0.0
    tags = heuristic_tags(replace(days, features=features))
    assert tags.sum() == 1
    assert tags[-1].tolist() == [False, True, False]


def test_true_tags_are_the_familys_categories() -> None:
    days = example_days(people=40)
    tags = true_tags(days)
    farm = tags[days.family == "farm"]
    assert farm[:, CATEGORIES.index("service")].all()
    assert farm[:, CATEGORIES.index("account")].all()
    assert not tags[days.label == 0].any()
    assert np.isfinite(matrix(days)).all()


@pytest.mark.parametrize("name", BINARY)
def test_every_binary_model_finds_bots_that_are_easy(name: str) -> None:
    rng = np.random.default_rng(0)
    label = np.arange(240) % 4 == 0
    features = rng.normal(size=(240, 3)) + 4 * label[:, None]
    technique = replace(BINARY[name], grid={})
    trial = supervised(technique, features, label, np.arange(240) // 4 * 2 + label, has_smote=False, seed=1)
    assert metrics.binary(label, trial.predicted, trial.score)["F1"] > 0.9


def test_smote_and_the_grid_run_inside_the_training_fold() -> None:
    rng = np.random.default_rng(0)
    label = np.arange(200) % 8 == 0
    features = rng.normal(size=(200, 2)) + 4 * label[:, None]
    trial = supervised(BINARY["decision tree"], features, label, np.arange(200), has_smote=True, seed=1)
    assert trial.fitted_on <= 170  # rows that SMOTE adds are no training rows
    assert metrics.binary(label, trial.predicted, trial.score)["recall"] > 0.8


@pytest.mark.parametrize("name", ["knn", "mahalanobis", "one_class_svm"])
def test_a_semi_supervised_model_flags_few_honest_days(name: str) -> None:
    trial = semi_supervised(name, DATA.features, DATA.trusted, 1)
    assert trial.fitted_on < DATA.trusted.sum()
    assert trial.score.shape == (len(DATA.groups),)
    assert np.isfinite(trial.score).all()


def test_several_labels_are_measured_jointly() -> None:
    label = np.array([[True, False], [False, False], [True, True]])
    predicted = np.array([[True, False], [False, False], [True, False]])
    numbers = metrics.multi_label(label, predicted, predicted.astype(float))
    assert numbers["exact match ratio"] == pytest.approx(2 / 3)
    assert numbers["Hamming loss"] == pytest.approx(1 / 6)
    assert numbers["Hamming score"] == pytest.approx((1 + 1 + 0.5) / 3)


def test_corrections_count_what_is_put_right_and_what_is_spoiled() -> None:
    tags = {HEURISTIC: np.array([[1], [1], [0], [0]], dtype=bool), TRUTH: np.array([[1], [0], [1], [0]], dtype=bool)}
    data = TaggedDays(np.zeros((4, 1)), tags, np.arange(4), np.zeros(4, dtype=bool))
    told = corrected(data, np.array([False, False, True, False]))
    assert told == {
        "wrong": 2, "bots_missed_found": 1, "bots_missed": 1, "people_accused_cleared": 1, "people_accused": 1,
        "spoiled": 1,
    }  # fmt: skip


def test_the_sample_keeps_accounts_whole() -> None:
    sample = sample_accounts(DATA, 300, np.random.default_rng(0))
    assert len(sample.groups) <= 300
    for group in np.unique(sample.groups):
        assert (sample.groups == group).sum() == (DATA.groups == group).sum()


def test_the_figures_are_made_and_put_into_a_page(tmp_path: Path) -> None:
    small = sample_accounts(DATA, 1200, np.random.default_rng(0))
    confusion = {AUTOENCODER: [[9, 1], [2, 8]], "kNN": [[9, 1], [2, 8]]}
    write_figures(small, DATA, confusion, category_importances(small, 1), tmp_path / "figures", 1)
    (tmp_path / "report.md").write_text("# Title\n\nthe report\n")
    page = tmp_path / "docs" / "netflix.md"
    page.parent.mkdir()
    page.write_text(f"# Study\n\n{BEGIN}\nold\n{END}\n\n## After\n")
    publish(tmp_path, page, page.parent / "media")
    assert page.read_text().startswith(f"# Study\n\n{BEGIN}\nthe report\n")
    assert page.read_text().endswith(f"{END}\n\n## After\n")
    assert {path.stem for path in (page.parent / "media").glob("*.png")} == set(FIGURES)


def test_the_top_features_of_a_category_are_those_that_give_it_away() -> None:
    rng = np.random.default_rng(0)
    tags = np.zeros((400, len(CATEGORIES)), dtype=bool)
    tags[::4, 0] = True
    features = rng.normal(size=(400, len(FEATURES)))
    features[:, 2] += 4 * tags[:, 0]
    data = TaggedDays(features, {HEURISTIC: tags, TRUTH: tags}, np.arange(400), ~tags[:, 0])
    top = top_features(category_importances(data, 1))
    assert top[TRUTH][CATEGORIES[0]][0][0] == FEATURES[2]
    assert set(top[TRUTH]) == {CATEGORIES[0]}  # no day has the others


@pytest.mark.parametrize("text", [None, "# Study\n", f"# Study\n{BEGIN}\n"])
def test_a_page_without_both_markers_is_refused_and_left_as_it_is(tmp_path: Path, text: str | None) -> None:
    page = tmp_path / "page.md"
    if text is not None:
        page.write_text(text)
    with pytest.raises(ModelError, match="expected a page with the lines"):
        publish(tmp_path, page, tmp_path / "media")
    assert (page.read_text() if page.exists() else None) == text
