"""Fitting the fusion: bytes that a seed decides, a folder that loads, and worlds from which nothing can be learned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.campaigns.group_model import FEATURES
from models.errors import ModelError
from models.fusion.evidence import EVIDENCE, GROUP, PARTS
from models.fusion.model import load_fusion
from models.fusion.training.groups import FoundGroups
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


def train(worlds: list[FusionWorld], out: Path) -> str:
    return train_fusion(worlds, out, seed=1, world="worlds a and b", fitted_with={})


def test_a_fitted_fusion_loads_with_its_hash_and_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    worlds = [world(1), world(2)]
    sha256 = train(worlds, tmp_path / "one" / "fusion")
    assert train(worlds, tmp_path / "again" / "fusion") == sha256
    fusion = load_fusion(tmp_path / "one" / "fusion", sha256)
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
