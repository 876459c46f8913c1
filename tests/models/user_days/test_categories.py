"""The categories of suspected user-days: what they are told by, what they are measured on, what is refused."""

import json
from pathlib import Path

import pandas as pd
import pytest

from contracts.labels import ACCOUNT, CATEGORIES, CONTENT, SERVICE
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.errors import ModelError
from models.registry.artefact import MANIFEST
from models.risk.accounts import account_categories
from models.user_days.categories import CategoryModel, load_categories
from models.user_days.detect import detect
from models.user_days.training.train_categories import train_categories
from tests.models.user_days.example_days import crowd, user_days

KINDS = {
    "content_ripper": {"license_rate_10min": 90.0, "license_cnt": 400.0},
    "loop30": {"share_30_35": 0.9, "repeat_ratio": 0.9},
    "takeover": {"accounts_per_device": 6.0, "hosting_share": 0.8},
    "farm": {"share_30_35": 0.9, "repeat_ratio": 0.9, "accounts_per_device": 20.0},
}


def days_of(family: str, accounts: int) -> pd.DataFrame:
    """The days of some bots of one family, each account in a campaign of its own."""
    made = [user_days(user=f"{family}{i}", history=9, usual=KINDS[family]) for i in range(accounts)]
    days = pd.concat(made, ignore_index=True).assign(label=1.0, family=family)
    return days.assign(campaign_id="k" + days["user_id"])


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("artefacts") / "few_categories"
    honest = crowd(users=5, days=9).assign(label=0.0, family="honest", campaign_id=None)
    labelled = pd.concat([honest, *(days_of(family, 8) for family in KINDS)], ignore_index=True)
    return folder, train_categories(labelled, folder, seed=1, world="made by hand")


@pytest.fixture(scope="module")
def model(artefact: tuple[Path, str]) -> CategoryModel:
    return load_categories(*artefact)


@pytest.mark.parametrize(
    ("family", "expected"),
    [("content_ripper", [CONTENT]), ("loop30", [SERVICE]), ("takeover", [ACCOUNT]), ("farm", [SERVICE, ACCOUNT])],
)
def test_a_day_has_the_categories_of_its_bot(model: CategoryModel, family: str, expected: list[str]) -> None:
    assert model.categories(days_of(family, 1)) == [expected] * len(days_of(family, 1))


def test_only_flagged_days_have_a_category(model: CategoryModel) -> None:
    flags = detect(pd.concat([days_of("loop30", 2), crowd(users=20, days=9)], ignore_index=True), categories=model)
    assert flags.loc[~flags["is_flagged"], "categories"].isna().all()
    assert flags.loc[flags["is_flagged"], "categories"].map(set(CATEGORIES).issuperset).all()
    assert detect(crowd(users=3, days=9))["categories"].isna().all()


def test_campaigns_are_trained_on_or_tested_on_and_the_figures_have_intervals(artefact: tuple[Path, str]) -> None:
    test = json.loads((artefact[0] / MANIFEST).read_text())["test"]
    assert test["exact_match"]["n"] == sum(len(days_of(family, 2)) for family in KINDS)  # 30 % of 8
    assert test["exact_match"]["low"] <= test["exact_match"]["value"] == 1.0
    assert set(test["recall"]) == set(test["precision"]) == set(CATEGORIES)


def test_too_few_campaigns_of_a_category_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has too few campaigns: take more accounts"):
        train_categories(days_of("loop30", 8), tmp_path / "none", seed=1, world="made by hand")


def test_an_account_has_the_categories_that_a_quarter_of_its_suspected_days_have() -> None:
    assert account_categories(pd.Series([[CONTENT], [SERVICE], [SERVICE, ACCOUNT], [SERVICE]])) == [
        SERVICE,
        CONTENT,
        ACCOUNT,
    ]
    assert account_categories(pd.Series([[SERVICE]] * 9 + [[ACCOUNT]])) == [SERVICE]


def test_the_model_that_ships_is_the_one_in_the_table_of_champions() -> None:
    assert set(load_categories().features) == set(USER_DAY_FEATURE_NAMES)
