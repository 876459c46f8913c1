"""Split a training table by time, by account and by campaign at once.

A session is in a block only where both its time and its group of accounts belong to that block. So the test block holds
later days of accounts and campaigns that training never saw. The price: most sessions are in no block.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from contracts.labels import HONEST
from models.errors import ModelError
from models.metrics.flags import WEIGHT
from models.tables.times import epoch_ms

TRAIN, CALIBRATION, TEST, NO_BLOCK = "train", "calibration", "test", ""
BLOCKS = (TRAIN, CALIBRATION, TEST)
SHARES = (0.5, 0.25, 0.25)
"""Share of the groups in each block. Where days are split too (`assign_blocks`), .25, .0625 and .0625 of the rows."""
ODD_SHARE, ODD_WEIGHT = 0.75, 0.5
"""Share of the odd worlds' accounts that are trained on, and how much one of their rows counts: choices."""


def number_groups(users: pd.Series, campaigns: pd.Series) -> NDArray[np.int64]:
    """Number each row's group: its account, together with all accounts that the same campaigns pay.

    >>> number_groups(pd.Series(["a", "b", "c", "a"]), pd.Series(["x", "x", None, None])).tolist()
    [0, 0, 1, 0]
    """
    user, names = pd.factorize(users)
    campaign, campaign_names = pd.factorize(campaigns)  # -1 where none
    paid = campaign >= 0
    nodes = len(names) + len(campaign_names)
    edges = coo_matrix((np.ones(paid.sum()), (user[paid], len(names) + campaign[paid])), shape=(nodes, nodes))
    return connected_components(edges, directed=False)[1][user].astype(np.int64)


def assign_blocks(
    table: pd.DataFrame, rng: np.random.Generator, shares: tuple[float, ...] = SHARES
) -> NDArray[np.object_]:
    """Return each row's block: train, calibration, test, or the empty string for a row in no block.

    `table` has user_id, campaign_id, family, cohort, started_at. Groups are dealt out in the shares within each
    family and each cohort, so that no block lacks one of them by chance.
    """
    started = epoch_ms(table["started_at"]).astype(float)
    by_time = np.searchsorted(np.quantile(started, np.cumsum(shares)[:-1]), started, side="right")
    by_group = deal_groups(table, rng, shares)
    names = np.array(BLOCKS, dtype=object)
    return np.where(by_time == by_group, names[by_time], NO_BLOCK)


def deal_groups(table: pd.DataFrame, rng: np.random.Generator, shares: tuple[float, ...]) -> NDArray[np.int64]:
    """Return the portion, 0 to n − 1, that each row's group is dealt to; portions have the given shares.

    `table` has user_id, campaign_id, family, cohort. Groups are dealt within each family and each cohort.
    """
    cuts = np.cumsum(shares)[:-1]
    group = number_groups(table["user_id"], table["campaign_id"])
    kind = table["family"].where(table["family"] != HONEST).fillna(table["cohort"]).fillna(HONEST)
    # a group is dealt out by its rarest kind: a campaign's accounts have honest sessions too
    pairs = pd.DataFrame({"group": group, "kind": kind}).drop_duplicates()
    pairs["groups"] = pairs.groupby("kind")["group"].transform("size")
    kind_of = pairs.sort_values(["groups", "kind"]).drop_duplicates("group").sort_values("group")["kind"]
    by_group = np.empty(len(kind_of), dtype=np.int64)
    for members in kind_of.reset_index(drop=True).groupby(kind_of.to_numpy()).groups.values():
        position = (rng.permutation(len(members)) + 0.5) / len(members)
        by_group[members] = np.searchsorted(cuts, position, side="right")
    return by_group[group]


def split_odd(odd: pd.DataFrame, table: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split rows of worlds of many odd people: labelled ones to train on, and honest ones of accounts that are not.

    Both tables have user_id, label and what `deal_groups` needs. The first part is ODD_SHARE of the accounts, with
    column `weight`. Raises ModelError where an account is in `table` too.
    """
    if shared := {*odd["user_id"]} & {*table["user_id"]}:
        raise ModelError(f"{len(shared):,} accounts are in the odd worlds and in the others: give them other seeds")
    is_learned = deal_groups(odd, rng, (ODD_SHARE, 1 - ODD_SHARE)) == 0
    learned = odd[is_learned & odd["label"].notna()].assign(**{WEIGHT: ODD_WEIGHT})
    return learned, odd[~is_learned & (odd["label"] == 0)]
