"""Compare suspected groups with truth: which of the simulator's campaigns are found, and which accounts are no bots."""

import pandas as pd

from contracts.labels import HONEST
from contracts.wording.quantities import count_of
from models.labels.truth import paid_family, read_account_truth
from runtime.world import World

MIN_SIZE = 3
"""Accounts of a campaign from which it counts as one to find."""


def campaign_recall(campaigns: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind of group and one for `all`: accounts flagged, bots among them, campaigns, those found, …

    `campaigns`: table campaigns. `accounts`: user_id, family, campaign_id, from truth. A campaign of MIN_SIZE accounts
    and more is found where a flagged group holds at least half of its accounts.
    """
    flagged = campaigns[campaigns["is_flagged"]]
    family = paid_family(accounts.set_index("user_id"))
    paid = accounts.dropna(subset="campaign_id").groupby("campaign_id")["user_id"].agg(set)
    paid = paid[paid.map(len) >= MIN_SIZE]
    paid_accounts = set().union(*paid) if len(paid) else set()
    rows = {}
    for kind in [*sorted(flagged["kind"].unique()), "all"]:
        groups = [set(names) for names in (flagged if kind == "all" else flagged[flagged["kind"] == kind])["user_ids"]]
        members = sorted(set().union(*groups))
        rows[kind] = {
            "groups": len(groups),
            "accounts": len(members),
            "bots": sum(family.get(name, HONEST) != HONEST for name in members),
            "campaigns": len(paid),
            "campaigns_found": sum(any(2 * len(one & group) >= len(one) for group in groups) for one in paid),
            "campaign_accounts": len(paid_accounts),
            "campaign_accounts_found": len(paid_accounts & set(members)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def format_recall(campaigns: pd.DataFrame, world: World) -> list[str]:
    """Format the comparison with truth, one line per kind of group; no lines where the world has no truth."""
    if not world.truth("users.parquet").exists():
        return []
    return [
        f"  {kind:<16}campaigns found {row['campaigns_found']} of {row['campaigns']} "
        f"({row['campaign_accounts_found']} of {row['campaign_accounts']} accounts), in "
        f"{count_of(row['groups'], 'group')}; {row['bots']} of {count_of(row['accounts'], 'account')} flagged are bots'"
        for kind, row in campaign_recall(campaigns, read_account_truth(world)).iterrows()
    ]
