"""What other accounts did in the same window: tracks that they share, and who makes an artist's plays."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from contracts.account_windows import BETWEEN_ACCOUNTS, MIN_ACCOUNTS
from models.campaigns.co_listening import find_co_listening
from models.campaigns.track_evidence import DayPlays, find_track_evidence
from runtime.arrays import Floats, Ints
from runtime.local_time import day_numbers
from spark_app.stages.account_windows.account_days import AccountDays

BUSIEST = 10
MIN_ARTIST_PLAYS = 30


def compare_accounts(days: AccountDays, table: pd.DataFrame) -> dict[str, Floats]:
    """Return the features of what other accounts did: each window with those of the same days.

    `table`: user_id, last_day, days. Null in a world of under MIN_ACCOUNTS accounts.
    """
    results = {feature.name: np.full(len(table), np.nan) for feature in BETWEEN_ACCOUNTS}
    if len(days.users) < MIN_ACCOUNTS:
        return results
    accounts = pd.Index(days.users.to_pandas()).get_indexer(table["user_id"])
    of_day, track, plays, artist, popularity = _tracks(days)
    day, owner = days.day[of_day], days.user[of_day]
    artist_rows, artist_id, artist_plays = _elements(days, "artists", "artist_plays")
    ends, lengths = day_numbers(table["last_day"]), table["days"].to_numpy().astype(np.int64)
    for last, length in np.unique(np.stack([ends, lengths]), axis=1).T.tolist():
        rows = np.flatnonzero((ends == last) & (lengths == length))
        position, n = np.full(len(days.users), -1), len(rows)
        position[accounts[rows]] = np.arange(n)
        chosen = (day > last - length) & (day <= last) & (position[owner] >= 0)
        counts = DayPlays(position[owner[chosen]], track[chosen], day[chosen] - (last - length + 1), plays[chosen])
        found = find_co_listening(counts.user, counts.track, counts.plays, n)
        values = {
            "co_tracks": found.shared_tracks,
            "co_share": found.share_of_plays,
            "co_linked": found.linked,
            "co_core": found.core,
            "co_tightness": found.tightness,
        }
        values |= asdict(find_track_evidence(counts, popularity, artist, n))
        for name, column in values.items():
            results[name][rows] = column
        at = days.day[artist_rows]
        within = (at > last - length) & (at <= last) & (position[days.user[artist_rows]] >= 0)
        results["artist_top10"][rows] = _share_of_busiest(
            position[days.user[artist_rows[within]]], artist_id[within], artist_plays[within], n
        )
    return results


def _elements(days: AccountDays, *names: str) -> tuple[Ints, ...]:
    """Return day (position) and values of the elements of columns of lists; the first column's ids as positions."""
    column = days.lists[names[0]]
    of_day = np.repeat(np.arange(days.n), np.diff(column.offsets))
    ids = np.unique(column.values, return_inverse=True)[1].astype(np.int64)
    return of_day, ids, *(days.lists[name].values.astype(np.int64) for name in names[1:])


def _tracks(days: AccountDays) -> tuple[Ints, Ints, Ints, Ints, Floats]:
    """Return day, track and plays of each element, and artist and popularity (0 where unknown) by track."""
    of_day, track, plays = _elements(days, "tracks", "track_plays")
    first = np.unique(track, return_index=True)[1]
    artist = np.unique(days.lists["track_artists"].values[first], return_inverse=True)[1].astype(np.int64)
    popularity = np.nan_to_num(days.lists["track_popularity"].values.astype(np.float64)[first])
    return of_day, track, plays, artist, popularity


def _share_of_busiest(user: Ints, artist: Ints, plays: Ints, n: int) -> Floats:
    """Return for each account the share of its top artist's plays that the artist's busiest accounts make."""
    if not len(user):
        return np.full(n, np.nan)
    n_artists = int(artist.max()) + 1
    key, position = np.unique(user * n_artists + artist, return_inverse=True)
    owner, name, total_of = key // n_artists, key % n_artists, np.bincount(position, weights=plays)
    order = np.lexsort((-total_of, name))
    rank = np.arange(len(order)) - np.searchsorted(name[order], name[order])
    total = np.bincount(name, weights=total_of, minlength=n_artists)
    busiest = np.bincount(name[order], weights=np.where(rank < BUSIEST, total_of[order], 0), minlength=n_artists)
    share = np.where(total >= MIN_ARTIST_PLAYS, busiest / np.maximum(total, 1), np.nan)
    top = np.full(n, -1)
    by_plays = np.lexsort((total_of, owner))
    top[owner[by_plays]] = name[by_plays]  # the last one of an account is its most played
    return np.where(top >= 0, share[np.maximum(top, 0)], np.nan)
