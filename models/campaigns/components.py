"""Groups of accounts that pairs connect: two accounts that share a device or a payment method, or that are similar."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from runtime.arrays import Ints


def components(pairs: Sequence[tuple[int, int]], accounts: int) -> list[list[int]]:
    """Return the connected groups of at least two accounts (codes below `accounts`), largest first.

    >>> components([(0, 1), (3, 4), (1, 2)], 6)
    [[0, 1, 2], [3, 4]]
    """
    one, other = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(accounts, accounts))
    _, group = connected_components(graph, directed=False)
    members = np.argsort(group, kind="stable")
    groups = np.split(members, np.flatnonzero(np.diff(group[members])) + 1)
    return sorted((g.tolist() for g in groups if len(g) > 1), key=lambda g: (-len(g), g))


def sharing_pairs(account: Ints, item: Ints) -> list[tuple[int, int]]:
    """Return pairs that chain the accounts which share an item: rows (account, item); the item -1 is none.

    >>> sharing_pairs(np.array([5, 6, 7, 5]), np.array([1, 1, -1, 1]))
    [(5, 6)]
    """
    rows = np.unique(np.stack([item[item >= 0], account[item >= 0]]), axis=1)
    same = np.flatnonzero(rows[0, 1:] == rows[0, :-1])
    return [(int(rows[1, i]), int(rows[1, i + 1])) for i in same]
