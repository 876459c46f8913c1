"""Group accounts around tracks that a few of them lift: one bought track is enough, whatever else they play.

Odd tracks (`co_listening`) link accounts that have most of them in common. An account that plays its own taste next to
what it is paid for has others, and a single target links nobody. Here a track counts that has far more plays than its
popularity explains, of which accounts that repeat it make most: a hit that drifts up has many listeners who do not.
"""

import numpy as np

from models.campaigns.co_listening import link_accounts
from models.campaigns.components import components
from models.campaigns.track_evidence import CHANCE_OF_TRACK, LIFT, MAX_ACCOUNTS, MIN_ACCOUNTS, MIN_PLAYS, excess_share
from runtime.arrays import Floats, Ints

MIN_BY_REPEATING = 0.6
"""Share of a track's plays by accounts that repeat it: a choice; of hits that drift up it is under a half."""
MIN_OF_OWN = 0.01
"""Share of an account's plays from which a track can link it: who plays everything is linked to everybody. A choice."""
MIN_MEMBERS = 4
"""Accounts of such a group, at least: of 21 threes among 8,000 accounts (scenario default, seed 6) 20 were chance."""
MIN_OF_MEDIAN = 0.5
"""Share of what the median member gives of its plays to the group's tracks, under which an account is no member."""
MAX_SHARE = 0.02
"""Share of the accounts (or MAX_ACCOUNTS, if that is more) over which a track that they repeat is a hit with fans."""
MIN_OVERLAP = 0.5
"""Share of either's lifted tracks that two accounts have in common."""


def lifted_groups(user: Ints, track: Ints, popularity: Floats, n_users: int) -> list[tuple[Ints, float, Ints]]:
    """Return the accounts of each group, its tightness, and its tracks.

    One element per stream; `popularity`: by track, 0 where it is unknown.
    """
    n_tracks = len(popularity)
    if not len(user) or not popularity.sum():
        return []
    key, plays = np.unique(user * n_tracks + track, return_counts=True)
    owner, of = key // n_tracks, key % n_tracks
    total = np.bincount(of, weights=plays, minlength=n_tracks).astype(np.float64)
    expected = popularity / popularity.sum() * total.sum()
    repeats = plays >= MIN_PLAYS
    accounts = np.bincount(of[repeats], minlength=n_tracks)
    by_repeating = np.bincount(of[repeats], weights=plays[repeats], minlength=n_tracks) / np.maximum(total, 1)
    most = max(MAX_ACCOUNTS, MAX_SHARE * n_users)
    is_target = (accounts >= MIN_ACCOUNTS) & (accounts <= most) & (popularity > 0)
    is_target &= (by_repeating >= MIN_BY_REPEATING) & (excess_share(total, expected, LIFT, CHANCE_OF_TRACK) > 0)
    streams = np.bincount(user, minlength=n_users)
    links = repeats & is_target[of] & (plays >= MIN_OF_OWN * streams[owner])
    share_of = (plays / np.maximum(streams[owner], 1))[links]
    owner, of = owner[links], np.unique(of[links], return_inverse=True)[1].astype(np.int64)
    names = key[links] % n_tracks
    a, b, common = link_accounts(owner, of, n_users, 1)
    targets = np.bincount(owner, minlength=n_users)
    overlap = common / np.maximum(targets[a] + targets[b] - common, 1)
    is_close = (a < b) & (overlap >= MIN_OVERLAP)
    a, b, overlap = a[is_close], b[is_close], overlap[is_close]
    groups = []
    for linked in components(list(zip(a.tolist(), b.tolist(), strict=True)), n_users):
        tracks = np.unique(names[np.isin(owner, linked)])
        members = _alike(np.array(linked), share_of[np.isin(names, tracks)], owner[np.isin(names, tracks)])
        if len(members) >= MIN_MEMBERS:
            inside = np.isin(a, members) & np.isin(b, members)
            tightness = float(overlap[inside].sum() / (len(members) * (len(members) - 1) / 2))
            groups.append((members, tightness, tracks))
    return groups


def _alike(members: Ints, share: Floats, owner: Ints) -> Ints:
    """Return the members that give the tracks at least MIN_OF_MEDIAN of what the others give of their plays.

    `share` by account × track of the group, with its `owner`. Who only likes one of the tracks is no member.
    """
    total = np.bincount(owner, weights=share, minlength=int(members.max()) + 1)[members]
    return members[total >= MIN_OF_MEDIAN * np.quantile(total, 0.5)]
