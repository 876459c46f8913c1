"""Compare suspected campaigns with truth: which of the simulator's farms are found, and which accounts are no bots."""

import pandas as pd

from contracts.labels import HONEST
from models.labels.truth import read_account_truth
from runtime.world import World

MIN_SIZE = 3
"""Accounts of a farm from which it counts as a campaign to find."""


def campaign_recall(campaigns: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind of group and one for `all`: accounts flagged, bots among them, farms, farms found, …

    `campaigns`: table campaigns. `accounts`: user_id, family, campaign_id, from truth. A farm is found where a flagged
    group holds at least half of its accounts.
    """
    flagged = campaigns[campaigns["is_flagged"]]
    family = accounts.set_index("user_id")["family"]
    farms = accounts[accounts["family"] == "farm"].groupby("campaign_id")["user_id"].agg(set)
    farms = farms[farms.map(len) >= MIN_SIZE]
    farm_accounts = set().union(*farms) if len(farms) else set()
    rows = {}
    for kind in [*sorted(flagged["kind"].unique()), "all"]:
        groups = [set(names) for names in (flagged if kind == "all" else flagged[flagged["kind"] == kind])["user_ids"]]
        members = sorted(set().union(*groups))
        rows[kind] = {
            "accounts": len(members),
            "bots": sum(family.get(name, HONEST) != HONEST for name in members),
            "farms": len(farms),
            "farms_found": sum(any(2 * len(farm & group) >= len(farm) for group in groups) for farm in farms),
            "farm_accounts": len(farm_accounts),
            "farm_accounts_found": len(farm_accounts & set(members)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def format_recall(campaigns: pd.DataFrame, world: World) -> list[str]:
    """Format the comparison with truth, one line per kind of group; no lines where the world has no truth."""
    if not world.truth("users.parquet").exists():
        return []
    return [
        f"  {kind:<16}farms found {row['farms_found']} of {row['farms']} ({row['farm_accounts_found']} of "
        f"{row['farm_accounts']} accounts); {row['bots']} of {row['accounts']} accounts flagged are bots'"
        for kind, row in campaign_recall(campaigns, read_account_truth(world)).iterrows()
    ]
