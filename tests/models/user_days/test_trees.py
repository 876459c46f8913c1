"""The trees of the user-day detector: what they find that rules cannot, what ships, what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.errors import ModelError
from models.registry.artefact import CARD, MANIFEST
from models.user_days.detect import detect
from models.user_days.training.card import render
from models.user_days.training.train_trees import train_trees
from models.user_days.trees import SHIPPED_TREES, TREES_FILE, UserDayTrees, load_trees
from tests.models.user_days.example_days import crowd, user_days

ALWAYS_A_BOT = {
    "share_30_35": 0.25, "share_under_35": 0.95, "repeat_ratio": 0.9, "skip_rate": 0.0, "gap_entropy": 1.5,
}  # fmt: skip
BOTS, DAYS = 24, 12


def always_bots() -> pd.DataFrame:
    """Accounts that were bots on each of their days."""
    made = [user_days(user=f"b{i:02}", history=DAYS, usual=ALWAYS_A_BOT) for i in range(BOTS)]
    return pd.concat(made, ignore_index=True)


def labelled() -> pd.DataFrame:
    honest = crowd(users=60, days=DAYS).assign(label=0.0, family="honest", campaign_id=None, account_family="honest")
    bots = always_bots().assign(label=1.0, family="loop30", account_family="loop30")
    bots["campaign_id"] = "k" + bots["user_id"]
    return pd.concat([honest, bots], ignore_index=True).assign(cohort=None)


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("artefacts") / "few_trees"
    return folder, train_trees(labelled(), folder, seed=1, world="made by hand")


@pytest.fixture(scope="module")
def trees(artefact: tuple[Path, str]) -> UserDayTrees:
    return load_trees(*artefact)


def test_trees_find_a_bot_that_was_one_from_its_first_day_and_rules_do_not(trees: UserDayTrees) -> None:
    flags = detect(pd.concat([always_bots(), crowd(users=20, days=DAYS)], ignore_index=True), trees=trees)
    is_bot = flags["user_id"].str.startswith("b")
    assert flags.loc[is_bot, "by_trees"].mean() > 0.9
    assert flags.loc[~is_bot, "by_trees"].mean() < 0.05
    # past the first week its own days are what is usual for it
    assert flags.loc[is_bot & (flags["history_days"] >= 7), "by_rules"].mean() < 0.1
    assert (flags.loc[flags["by_trees"], "score"] >= 0.75).all()


def test_each_flag_of_the_trees_says_what_pushed_it_up_and_what_honest_listeners_do(trees: UserDayTrees) -> None:
    flags = detect(always_bots(), trees=trees)
    said = flags.loc[flags["by_trees"], "reasons"]
    assert all(any("honest listeners: usually" in reason for reason in reasons) for reasons in said)
    everything = " ".join(reason for reasons in said for reason in reasons)
    assert "95 %" in everything
    assert "nan" not in everything
    assert "unknown" not in everything


def test_without_trees_nothing_is_said_of_them() -> None:
    flags = detect(always_bots().head(DAYS))
    assert flags["trees_probability"].isna().all()
    assert not flags["by_trees"].any()


def test_the_same_days_and_seed_give_the_same_bytes(artefact: tuple[Path, str], tmp_path: Path) -> None:
    folder, manifest_sha256 = artefact
    again = tmp_path / folder.name
    assert (
        train_trees(labelled().sample(frac=1, random_state=3), again, seed=1, world="made by hand") == manifest_sha256
    )
    assert all((again / name).read_bytes() == (folder / name).read_bytes() for name in (TREES_FILE, MANIFEST, CARD))


def test_trees_that_were_touched_are_refused(artefact: tuple[Path, str], tmp_path: Path) -> None:
    folder, manifest_sha256 = artefact
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / TREES_FILE).write_bytes(b"{}")
    with pytest.raises(ModelError, match="Not a gzipped file"):
        load_trees(tmp_path, manifest_sha256)
    with pytest.raises(ModelError, match="champions"):
        load_trees(folder)


def test_one_kind_of_label_is_too_little(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no positive or no negative"):
        train_trees(labelled().query("label == 0"), tmp_path, seed=1, world="made by hand")


def test_what_ships_is_the_trusted_one_and_its_card_says_how_good_it_is() -> None:
    shipped = load_trees()
    assert shipped.manifest["test"]["average_precision"] > 0.9
    assert len(shipped.usual) == len(shipped.features)
    card = (SHIPPED_TREES / CARD).read_text()
    assert card == render(shipped.manifest), "write render(manifest) to the card"


def test_probabilities_never_fall_as_margins_rise(trees: UserDayTrees) -> None:
    assert np.all(np.diff(trees.curve[:, 1]) >= 0)
    assert np.all((trees.curve[:, 1] >= 0) & (trees.curve[:, 1] <= 1))


def test_odd_people_who_do_what_bots_do_are_learned_from_other_accounts_and_raise_the_threshold(
    artefact: tuple[Path, str], tmp_path: Path
) -> None:
    alike = labelled().query("label == 1").assign(label=0.0, family="honest", account_family="honest", campaign_id=None)
    odd = alike.assign(user_id="o" + alike["user_id"], cohort="child")
    folder = tmp_path / "with_odd"
    trees = load_trees(folder, train_trees(labelled(), folder, seed=1, world="made by hand", odd=odd))
    usual = load_trees(*artefact)
    assert trees.threshold > usual.threshold
    assert (trees.score(odd)[1] >= 0.5).mean() < 0.1 < (usual.score(odd)[1] >= 0.5).mean()
    assert f"{len(odd):,} days of {BOTS} accounts of worlds with many odd people" in (folder / CARD).read_text()
    with pytest.raises(ModelError, match="other seeds"):
        train_trees(labelled(), folder, seed=1, world="made by hand", odd=labelled())
