"""Evidence between accounts: who repeats the same tracks that hardly anybody would repeat by chance.

A bot that behaves like a person still plays what it is paid for, and so do the other accounts of its operator. A track
counts for an account where the account plays it far more often than its share of all plays lets expect. Accounts are
linked by several such tracks that few others have, and an account is as suspicious as the densest group that it is in.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.stats import poisson

from runtime.arrays import Floats, Ints

MIN_PLAYS = 4
"""Plays of a track by an account from which they can be improbable: a choice."""
CHANCE = 1e-6
"""Probability of so many plays by chance, under which they are improbable: a choice."""
MIN_ACCOUNTS = 3
"""Accounts that share an improbable track, at least."""
MAX_SHARE, MAX_ACCOUNTS = 0.05, 30
"""Share of the accounts (and number, where that is more) over which a track is a hit with fans, not a target."""
MIN_SHARED = 2
"""Improbable tracks that link two accounts: fans of one song share one."""


@dataclass(frozen=True, slots=True)
class CoListening:
    """What links each account to others, by position: arrays of shape (accounts,)."""

    shared_tracks: Floats
    """Improbable tracks that at least MIN_ACCOUNTS accounts share."""
    share_of_plays: Floats
    """Share of the account's plays that are of those."""
    linked: Floats
    """Accounts that it is linked to."""
    core: Floats
    """Largest k such that it is in a group in which each account is linked to k others."""
    tightness: Floats
    """Mean overlap (shared / either's) of its improbable tracks with those of its linked accounts."""


@dataclass(frozen=True, slots=True)
class OddTracks:
    """What accounts play far more often than chance lets expect, as a few others do; one element per account × track.

    `user` (0 to n_users − 1), `track` (0 to the number of odd tracks − 1) and `plays`; `codes`: by odd track, its code.
    """

    user: Ints
    track: Ints
    plays: Ints
    codes: Ints
    n_users: int

    def links(self) -> tuple[Ints, Ints, Ints, Floats]:
        """Return accounts a and b (both directions), the odd tracks that both have, and shared / either's tracks."""
        a, b, common = link_accounts(self.user, self.track, self.n_users, MIN_SHARED)
        tracks = np.bincount(self.user, minlength=self.n_users)
        return a, b, common, common / (tracks[a] + tracks[b] - common)


def find_odd_tracks(user: Ints, track: Ints, plays: Ints, n_users: int) -> OddTracks:
    """Find the odd tracks; each element is `plays` of a `track` by a `user` (0 to n_users − 1)."""
    none = np.empty(0, dtype=np.int64)
    if not len(user):
        return OddTracks(none, none, none, none, n_users)
    pairs = pd.DataFrame({"user": user, "track": track, "plays": plays}).groupby(["user", "track"]).sum().reset_index()
    of_user = np.bincount(user, weights=plays, minlength=n_users)
    of_track = pairs.groupby("track")["plays"].transform("sum").to_numpy()
    # what the other accounts' plays of the track let expect of this one
    own, owner = pairs["plays"].to_numpy(), pairs["user"].to_numpy()
    expected = of_user[owner] * (of_track - own + 1) / max(int(plays.sum()), 1)
    is_odd = (own >= MIN_PLAYS) & (poisson.sf(own - 1, expected) < CHANCE)
    odd = pairs[is_odd]
    accounts = odd.groupby("track")["user"].transform("size")
    most = max(MAX_ACCOUNTS, MAX_SHARE * np.count_nonzero(of_user))
    odd = odd[(accounts >= MIN_ACCOUNTS) & (accounts <= most)]
    column, codes = pd.factorize(odd["track"])
    return OddTracks(
        odd["user"].to_numpy(np.int64), column.astype(np.int64), odd["plays"].to_numpy(np.int64),
        np.asarray(codes, dtype=np.int64), n_users,
    )  # fmt: skip


def find_co_listening(user: Ints, track: Ints, plays: Ints, n_users: int) -> CoListening:
    """Link accounts by improbable tracks; each element is `plays` of a `track` by a `user` (0 to n_users − 1)."""
    nothing = np.zeros(n_users)
    odd = find_odd_tracks(user, track, plays, n_users)
    if not len(odd.user):
        return CoListening(nothing, nothing, nothing, nothing, nothing)
    a, b, _, overlap = odd.links()
    linked = np.bincount(a, minlength=n_users).astype(np.float64)
    of_odd = np.bincount(odd.user, weights=odd.plays, minlength=n_users)
    return CoListening(
        shared_tracks=np.bincount(odd.user, minlength=n_users).astype(np.float64),
        share_of_plays=of_odd / np.maximum(np.bincount(user, weights=plays, minlength=n_users), 1),
        linked=linked,
        core=core_numbers(a, b, n_users).astype(np.float64),
        tightness=np.bincount(a, weights=overlap, minlength=n_users) / np.maximum(linked, 1),
    )


def link_accounts(user: Ints, track: Ints, n_users: int, min_shared: int) -> tuple[Ints, Ints, Ints]:
    """Return accounts a and b (both directions) with at least `min_shared` tracks in common, and how many these are.

    One element per account × track.

    >>> link_accounts(np.array([0, 0, 1, 1, 2]), np.array([4, 7, 4, 7, 7]), 3, min_shared=2)
    (array([0, 1]), array([1, 0]), array([2, 2]))
    """
    has = csr_matrix((np.ones(len(user)), (user, track)), shape=(n_users, int(track.max(initial=-1)) + 1))
    both = (has @ has.T).tocoo()
    is_link = (both.row != both.col) & (both.data >= min_shared)
    a, b, common = (values[is_link].astype(np.int64) for values in (both.row, both.col, both.data))
    return a, b, common


def core_numbers(a: Ints, b: Ints, n: int) -> Ints:
    """Return the core number of each node of a graph whose links are given in both directions.

    The k-core is what is left when nodes with under k links are removed again and again (Seidman 1983).

    >>> core_numbers(np.array([0, 1, 1, 2, 0, 2, 2, 3]), np.array([1, 0, 2, 1, 2, 0, 3, 2]), 5).tolist()
    [2, 2, 2, 1, 0]
    """
    order = np.argsort(a, kind="stable")
    neighbours, begins = b[order], np.searchsorted(a[order], np.arange(n + 1))
    degree = np.diff(begins)
    core = np.zeros(n, dtype=np.int64)
    remains = degree > 0
    k = 0
    while remains.any():
        k = max(k, int(degree[remains].min()))
        while (leaving := np.flatnonzero(remains & (degree <= k))).size:
            core[leaving] = k
            remains[leaving] = False
            for node in leaving:
                np.subtract.at(degree, neighbours[begins[node] : begins[node + 1]], 1)
    return core
