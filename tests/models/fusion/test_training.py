"""Fitting the fusion: bytes that a seed decides, a folder that loads, and worlds from which nothing can be learned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contracts.measurable import SOURCE_PATTERNS
from models.campaigns.group_model import FEATURES
from models.errors import ModelError
from models.fusion.evidence import EVIDENCE, GROUP, PARTS
from models.fusion.model import FusionModel, load_fusion
from models.fusion.training.groups import FoundGroups, fit_groups
from models.fusion.training.train import train_fusion
from models.fusion.training.worlds import FusionWorld

ACCOUNTS, DAYS, N_BOTS = 60, 4, 12
NO_GROUPS = pd.DataFrame({"kind": [], "user_ids": []})


def world(seed: int) -> FusionWorld:
    """Return a world in which all evidence is high on the days of the bots, who are one group."""
    rng = np.random.default_rng(seed)
    names = [f"u{number:02}" for number in range(ACCOUNTS)]
    is_bot = np.arange(ACCOUNTS) < N_BOTS
    accounts = pd.DataFrame({
        "user_id": names, "family": np.where(is_bot, "farm", "honest"), "cohort": "regular",
        "campaign_id": [f"c{number % 4}" if number < N_BOTS else None for number in range(ACCOUNTS)],
    })  # fmt: skip
    days = accounts.loc[np.repeat(np.arange(ACCOUNTS), DAYS)].reset_index(drop=True)
    days["local_date"] = np.tile(pd.date_range("2025-03-01", periods=DAYS), ACCOUNTS)
    days["paid_streams"] = np.where(days["family"] == "farm", 5, 0)
    level = np.where(days["family"] == "farm", 3.0, -3.0)
    evidence = pd.DataFrame({name: level + rng.normal(size=len(days)) for name in EVIDENCE}).drop(columns=GROUP)
    left_out = pd.DataFrame(
        {name: np.where(days["family"] == "farm", 3.0, np.nan) for name in EVIDENCE if name != GROUP}
    )
    masked = {"scrobbles": evidence.assign(day=np.nan)}
    groups = pd.DataFrame({"kind": ["lockstep", "block"], "user_ids": [names[:6], names[20:24]]})
    found = FoundGroups(groups, np.array([[2.6, 0.5, 0.8, 0.7], [2.0, 0.1, 0.1, 0.0]]), accounts)
    return FusionWorld(days, evidence, left_out, masked, found)


def fans(seed: int) -> FusionWorld:
    """Return a world of honest fans, whose evidence is over that of other people and under that of the bots."""
    one = world(seed)
    rng = np.random.default_rng(seed + 100)
    days = one.days.assign(family="honest", cohort="one_artist", campaign_id=None, paid_streams=0)
    evidence = one.evidence.apply(lambda column: rng.normal(-0.5, 0.3, len(column)))
    masked = {"scrobbles": (evidence + 1.0).assign(day=np.nan)}
    return FusionWorld(days, evidence, None, masked, replace(one.found, table=NO_GROUPS, features=np.empty((0, 4))))


def train(worlds: list[FusionWorld], out: Path, odd: tuple[FusionWorld, ...] = ()) -> str:
    return train_fusion(worlds, out, seed=1, world="worlds a and b", fitted_with={}, odd=odd)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, FusionModel]:
    """Return a fusion without odd people, and its hash."""
    out = tmp_path_factory.mktemp("usual") / "fusion"
    sha256 = train([world(1), world(2)], out)
    return sha256, load_fusion(out, sha256)


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> FusionModel:
    out = tmp_path_factory.mktemp("odd") / "fusion"
    return load_fusion(out, train([world(1), world(2)], out, (fans(3),)))


def test_a_kind_of_odd_people_keeps_to_its_bound_and_the_bots_are_found_still(
    usual: tuple[str, FusionModel], bounded: FusionModel
) -> None:
    others = fans(4).evidence.assign(group=0.0)
    assert usual[1].decide(others).is_suspected.mean() > 0.5
    assert bounded.decide(others).is_suspected.mean() <= 0.01
    assert bounded.decide(world(1).evidence.assign(group=0.0)).is_suspected[: N_BOTS * DAYS].mean() > 0.5


def test_groups_of_a_world_without_bots_do_not_make_an_operator_rarer() -> None:
    found = [world(1).found, world(2).found]
    honest = replace(found[0], accounts=found[0].accounts.assign(family="honest"))
    assert fit_groups([*found, honest]).tolist() == fit_groups(found).tolist()
    with pytest.raises(ModelError, match="no group of accounts"):
        fit_groups([honest])


def test_a_kind_of_source_has_its_own_threshold(bounded: FusionModel) -> None:
    told = fans(4).masked["scrobbles"].assign(group=0.0)
    shares = [bounded.decide(told, unknown).is_suspected.mean() for unknown in ((), SOURCE_PATTERNS["scrobbles"])]
    assert shares[0] > 0.5
    assert shares[1] <= 0.01
    like_none = bounded.decide(told, SOURCE_PATTERNS["timestamps"]).is_suspected
    assert like_none.mean() == shares[1], "a source that is like none has the strictest threshold"


def test_a_fitted_fusion_loads_with_its_hash_and_the_same_seed_gives_the_same_bytes(
    usual: tuple[str, FusionModel], tmp_path: Path
) -> None:
    sha256, fusion = usual
    worlds = [world(1), world(2)]
    assert train(worlds, tmp_path / "fusion") == sha256
    assert len(fusion.stacks) == 2 ** len(PARTS)
    assert len(fusion.groups.slopes) == len(FEATURES)
    assert fusion.decide(worlds[0].evidence.assign(group=0.0)).is_suspected[: N_BOTS * DAYS].mean() > 0.5


def test_worlds_from_which_nothing_can_be_learned_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    one = world(1)
    unpaid = replace(one, days=one.days.assign(paid_streams=0))
    ungrouped = replace(one, found=replace(one.found, table=NO_GROUPS, features=np.empty((0, len(FEATURES)))))
    dumb = replace(one, evidence=one.evidence * 0.0)
    known = replace(one, left_out=None)
    for useless, message in (
        (unpaid, "paid stream"), (ungrouped, "no group"), (dumb, "all evidence together"),
        (known, "without the families"),
    ):  # fmt: skip
        with pytest.raises(ModelError, match=message):
            train([useless], tmp_path / "fusion")
    assert not (tmp_path / "fusion").exists()
