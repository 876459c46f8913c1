"""Groups of accounts held together by pairs: a device or a payment method they share, or a similarity they have."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def components(pairs: Iterable[tuple[int, int]], accounts: int) -> list[list[int]]:
    """Return the connected groups of at least two accounts, by union-find with path halving, largest first.

    >>> components([(0, 1), (3, 4), (1, 2)], 6)
    [[0, 1, 2], [3, 4]]
    """
    parent = list(range(accounts))

    def root(account: int) -> int:
        while parent[account] != account:
            parent[account] = parent[parent[account]]
            account = parent[account]
        return account

    joined: set[int] = set()
    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
        joined |= {one, other}
    groups: dict[int, list[int]] = {}
    for account in sorted(joined):
        groups.setdefault(root(account), []).append(account)
    return sorted(groups.values(), key=lambda group: (-len(group), group))


def sharing_pairs(account: Ints, thing: Ints) -> list[tuple[int, int]]:
    """Chain the accounts that share a thing: rows (account, thing), a thing of -1 is none.

    >>> sharing_pairs(np.array([5, 6, 7, 5]), np.array([1, 1, -1, 1]))
    [(5, 6)]
    """
    rows = np.unique(np.stack([thing[thing >= 0], account[thing >= 0]]), axis=1)
    same = np.flatnonzero(rows[0, 1:] == rows[0, :-1])
    return [(int(rows[1, i]), int(rows[1, i + 1])) for i in same]
