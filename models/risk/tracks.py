"""Tracks and artists: which part of a track's earnings is suspicious, and whether its streams were bought.

A track that almost only suspicious accounts play is a suspected **target**: somebody pays for its streams. A track that
they play now and then, as everybody does, is suspected **camouflage**: its artist is a victim, who gains little by a
few streams and loses them when they are taken back. In between this alone does not tell.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.risk.money import Prices, pro_rata, user_centric
from models.tables.plays import Plays

TARGET, CAMOUFLAGE, UNCLEAR = "suspected target", "suspected camouflage", "unclear"
TARGET_SHARE = 0.5
"""Share of suspicious streams from which a track is a suspected target: half of what it earned. An assumption."""
CAMOUFLAGE_SHARE = 0.2
"""Share of suspicious streams up to which a track is suspected camouflage. An assumption."""
MIN_STREAMS = 10
"""Suspicious streams from which a track gets a role."""
EPOCH = pd.Timestamp("1970-01-01")


def suspicious_plays(
    plays: Plays, flags: pd.DataFrame, campaigns: pd.DataFrame, windows: pd.DataFrame | None = None
) -> NDArray[np.bool_]:
    """Return whether each play is in a flagged user-day or window, or of an account in a flagged campaign.

    `flags`: table user_day_flags. `campaigns`: table campaigns. `windows`: flagged rows of account_windows.
    """
    flagged = flags[flags["is_flagged"]]
    day = (pd.to_datetime(flagged["local_date"]) - EPOCH).dt.days.to_numpy(dtype=np.int64)
    user = plays.users.get_indexer(pd.Index(flagged["user_id"])).astype(np.int64)
    flagged_days = user[user >= 0] << 32 | day[user >= 0]
    in_flagged_day = np.isin(plays.user.astype(np.int64) << 32 | plays.local_day.astype(np.int64), flagged_days)
    members = {name for names in campaigns.loc[campaigns["is_flagged"], "user_ids"] for name in names}
    suspicious = in_flagged_day | np.isin(plays.user, np.flatnonzero(plays.users.isin(members)))
    return suspicious if windows is None else suspicious | _in_windows(plays, windows)


def _in_windows(plays: Plays, windows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether each play is in one of the windows (user_id, last_day, days)."""
    last = (pd.to_datetime(windows["last_day"]) - EPOCH).dt.days.to_numpy(dtype=np.int64)
    length = windows["days"].to_numpy(dtype=np.int64)
    user = np.repeat(plays.users.get_indexer(pd.Index(windows["user_id"])).astype(np.int64), length)
    back = np.concatenate([np.arange(n) for n in length]) if len(length) else np.empty(0, dtype=np.int64)
    days = user << 32 | (np.repeat(last, length) - back)
    return np.isin(plays.user.astype(np.int64) << 32 | plays.local_day.astype(np.int64), days[user >= 0])


def track_risk(
    plays: Plays,
    is_suspicious: NDArray[np.bool_],
    artist_of: pd.Series,
    weight: NDArray[np.float64],
    version: str,
    prices: Prices | None = None,
) -> pd.DataFrame:
    """Return table `track_risk`: one row per track and local day, for tracks with a suspicious stream on some day.

    `is_suspicious`: by play. `artist_of`: artist_id by track_id. `weight`: by account, what it pays in
    (`Prices.weights`). `version`: that of the detector, for column model_version.
    """
    prices = prices or Prices()
    streams = plays.is_stream
    euros = user_centric(plays.user[streams], np.ones(int(streams.sum()), dtype=np.int64), weight, prices)
    rows = pd.DataFrame(
        {
            "track": plays.track[streams],
            "day": plays.local_day[streams],
            "user": plays.user[streams],
            "suspicious": is_suspicious[streams],
            "euros": np.where(is_suspicious[streams], euros, 0.0),
        }
    )
    rows = rows[rows["track"].isin(rows.loc[rows["suspicious"], "track"].unique())]
    days = rows.groupby(["track", "day"]).agg(
        streams=("user", "size"),
        listeners=("user", "nunique"),
        suspicious_streams=("suspicious", "sum"),
        money_user_centric_eur=("euros", "sum"),
    )
    days = days.reset_index()
    days["streams_per_listener"] = days["streams"] / days["listeners"]
    days["suspicious_share"] = days["suspicious_streams"] / days["streams"]
    days["money_pro_rata_eur"] = pro_rata(days["suspicious_streams"].to_numpy(), prices)
    days["track_id"] = plays.tracks[days["track"]].astype(str)
    days["artist_id"] = artist_of.reindex(days["track_id"]).to_numpy()
    days["local_date"] = EPOCH + pd.to_timedelta(days["day"], unit="D")
    days["role"] = _roles(days)
    days["is_penalised"] = _penalised(days, prices)
    days["model_version"] = version
    order = ["suspicious_streams", "track_id", "local_date"]
    return days.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _roles(days: pd.DataFrame) -> NDArray[np.object_]:
    """Return the role of each row's track, from its streams of the whole period."""
    total = days.groupby("track")[["streams", "suspicious_streams"]].transform("sum")
    share = total["suspicious_streams"] / total["streams"]
    is_enough = total["suspicious_streams"] >= MIN_STREAMS
    return np.select(
        [is_enough & (share >= TARGET_SHARE), is_enough & (share <= CAMOUFLAGE_SHARE)], [TARGET, CAMOUFLAGE], UNCLEAR
    )


def _penalised(days: pd.DataFrame, prices: Prices) -> NDArray[np.bool_]:
    """Return whether over `penalty_share` of the streams of the row's track in the row's month are suspicious."""
    month = days["local_date"].dt.to_period("M").astype(str)
    sums = days.groupby(["track", month])[["streams", "suspicious_streams"]].transform("sum")
    return (sums["suspicious_streams"] > prices.penalty_share * sums["streams"]).to_numpy()


def artist_risk(tracks: pd.DataFrame, prices: Prices | None = None) -> pd.DataFrame:
    """Return one row per artist, from table `track_risk`, the artist with the most money at risk first.

    Columns: streams, money at risk under both ways to pay, number of tracks by role, penalties.
    """
    prices = prices or Prices()
    is_target = tracks["role"].eq(TARGET)
    months = tracks[tracks["is_penalised"]].assign(month=tracks["local_date"].dt.to_period("M").astype(str))
    penalties = months.drop_duplicates(["track_id", "month"]).groupby("artist_id").size() * prices.penalty_eur
    by_artist = tracks.groupby("artist_id")
    artists = by_artist[["streams", "suspicious_streams", "money_pro_rata_eur", "money_user_centric_eur"]].sum()
    artists["target_tracks"] = tracks[is_target].groupby("artist_id")["track_id"].nunique()
    camouflage = tracks[tracks["role"].eq(CAMOUFLAGE)]
    artists["camouflage_tracks"] = camouflage.groupby("artist_id")["track_id"].nunique()
    artists["penalty_eur"] = penalties
    artists = artists.fillna({"target_tracks": 0, "camouflage_tracks": 0, "penalty_eur": 0.0})
    return artists.sort_values("money_pro_rata_eur", ascending=False).reset_index()
