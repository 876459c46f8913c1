"""How many of the simulator's campaigns were found, and how many accounts were put into a group wrongly."""

import pandas as pd

from contracts.labels import HONEST
from models.labels.truth import users
from runtime.world import World

LEAST_SIZE = 3
"""Campaigns of fewer accounts are no group to find."""


def against_truth(campaigns: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return by kind of finder (and `all`): accounts flagged, share of bots among them, campaigns found of farms.

    `known`: user_id, family, campaign_id. A campaign is found where a flagged group holds at least half its accounts.
    """
    flagged = campaigns[campaigns["is_flagged"]]
    family = known.set_index("user_id")["family"]
    farms = known[known["family"] == "farm"].groupby("campaign_id")["user_id"].agg(set)
    farms = farms[farms.map(len) >= LEAST_SIZE]
    rows = {}
    for kind in [*sorted(flagged["kind"].unique()), "all"]:
        groups = [set(names) for names in (flagged if kind == "all" else flagged[flagged["kind"] == kind])["user_ids"]]
        members = sorted(set().union(*groups))
        bots = [name for name in members if family.get(name, HONEST) != HONEST]
        found = sum(any(2 * len(farm & group) >= len(farm) for group in groups) for farm in farms)
        accounts = set().union(*farms) if len(farms) else set()
        rows[kind] = {
            "accounts": len(members),
            "bots": len(bots),
            "farms": len(farms),
            "farms_found": found,
            "farm_accounts": len(accounts),
            "farm_accounts_found": len(accounts & set(members)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def recall_lines(campaigns: pd.DataFrame, world: World) -> list[str]:
    """Say it, a line a finder; nothing where the world has no truth."""
    if not world.truth("users.parquet").exists():
        return []
    return [
        f"  {kind:<16}farms found {row['farms_found']} of {row['farms']} ({row['farm_accounts_found']} of "
        f"{row['farm_accounts']} accounts); {row['bots']} of {row['accounts']} accounts flagged are bots'"
        for kind, row in against_truth(campaigns, users(world)).iterrows()
    ]
