"""Groups of accounts in simulated worlds, and the numbers that say how likely each is one operator's."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from contracts.labels import HONEST
from models.campaigns.find import find_groups
from models.campaigns.finders import MIN_SIZE
from models.campaigns.group_model import ASSUMED, MAX_PROBABILITY, group_features
from models.errors import ModelError
from models.fusion.evidence import group_evidence
from models.fusion.logistic import fit_logistic
from models.tables.plays import read_plays
from models.tables.static_tables import read_popularity, read_static
from models.user_days.calibration import PREVALENCE
from runtime.arrays import Floats
from runtime.world import World

GROUP_RIDGE = 1e-4
KINDS = ("lockstep", "shared_tracks", "lifted_tracks", "block")


@dataclass(frozen=True, slots=True)
class FoundGroups:
    """The groups of one world, with the truth about its accounts."""

    table: pd.DataFrame
    """kind, user_ids."""
    features: Floats
    """By group (`group_features`)."""
    accounts: pd.DataFrame
    """user_id and family."""

    @property
    def has_bots(self) -> bool:
        """Whether the world has bots: one of odd people alone says nothing of how rare they are."""
        return bool((self.accounts["family"] != HONEST).any())

    @property
    def inputs(self) -> Floats:
        """Return by group which of KINDS it is, and its features."""
        kinds = self.table["kind"].to_numpy()[:, None] == np.array(KINDS)
        return np.hstack([kinds.astype(np.float64), self.features])

    def members(self) -> pd.DataFrame:
        """Return group and is_bot of each member; members whose truth is not given are left out."""
        rows = self.table["user_ids"].explode().rename("user_id").rename_axis("group").reset_index()
        rows = rows.merge(self.accounts[["user_id", "family"]], on="user_id")
        return rows.assign(is_bot=rows["family"] != HONEST)

    def evidence(self, fitted: Floats, user_ids: pd.Series) -> Floats:
        """Return the evidence of groups for account-days, their probabilities by these numbers (`fit_groups`)."""
        probability = np.minimum(expit(fitted[0] + self.inputs @ fitted[1:]), MAX_PROBABILITY)
        return group_evidence(user_ids, self.table.assign(probability=probability))


def find_world_groups(world: World, seed: int, accounts: pd.DataFrame) -> FoundGroups:
    """Find the groups of a world's raw rows whose probability is fitted."""
    plays = read_plays(world, "raw")
    users = read_static(world, "users", ["user_id", "payment_id"])
    popularity = read_popularity(world, plays.tracks)
    found = [
        group
        for group in find_groups(plays, users, popularity, np.random.default_rng(seed))
        if len(group.users) >= MIN_SIZE and group.kind not in ASSUMED
    ]
    names = [[str(name) for name in plays.users[group.users]] for group in found]
    table = pd.DataFrame({"kind": [group.kind for group in found], "user_ids": names})
    return FoundGroups(table, group_features(found, plays), accounts)


def account_weights(family: pd.Series) -> Floats:
    """Return a weight by account with which PREVALENCE of them are bots.

    >>> account_weights(pd.Series(["farm", "honest", "honest"])).round(3).tolist()
    [0.006, 0.497, 0.497]
    """
    is_bot = (family != HONEST).to_numpy()
    return np.where(is_bot, PREVALENCE / max(is_bot.sum(), 1), (1 - PREVALENCE) / max((~is_bot).sum(), 1))


def fit_groups(worlds: Sequence[FoundGroups], without: Collection[str] = ()) -> Floats:
    """Return intercepts of KINDS and slopes of the features, by the accounts in the groups of worlds that have bots.

    A slope is at least 0: a larger, tighter group that owns its tracks is never less suspicious. Bots of the families
    `without` are left out. Raises ModelError where the worlds have no group.
    """
    values, labels, weights = [], [], []
    for world in (world for world in worlds if world.has_bots):
        accounts = world.accounts[~world.accounts["family"].isin(list(without))]
        share = pd.Series(account_weights(accounts["family"]), accounts["user_id"].to_numpy())
        members = world.members()
        members["weight"] = members["user_id"].map(share).fillna(0.0)
        for are_bots in (True, False):
            total = members[members["is_bot"] == are_bots].groupby("group")["weight"].sum()
            values.append(world.inputs)
            labels.append(np.full(len(world.table), are_bots))
            weights.append(total.reindex(world.table.index, fill_value=0.0).to_numpy(dtype=np.float64))
    if not values or not np.concatenate(weights).any():
        raise ModelError("no group of accounts was found in the worlds: simulate scenario field")
    label, weight = np.concatenate(labels), np.concatenate(weights)
    lower = np.append(np.full(len(KINDS), -np.inf), np.zeros(values[0].shape[1] - len(KINDS)))
    return fit_logistic(np.vstack(values), label, weight, lower, GROUP_RIDGE)
