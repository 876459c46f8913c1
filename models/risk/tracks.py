"""Tracks and artists: how much of what a track earned is suspicious, and whether plays were bought for it.

A track that only suspicious accounts play is a suspected **target**: somebody pays for its streams. One that they play
now and then among everybody else is suspected **camouflage**: its artist is a victim, who gains nothing by a few
streams and loses them when they are taken back. In between nobody can say from this alone.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.risk.money import Prices, pro_rata, user_centric
from models.tables.plays import Listening

TARGET, CAMOUFLAGE, UNCLEAR = "suspected target", "suspected camouflage", "unclear"
TARGET_SHARE = 0.5
"""Share of suspicious streams from which a track looks bought: more than half of what it earned. An assumption."""
CAMOUFLAGE_SHARE = 0.2
LEAST_STREAMS = 10
"""Suspicious streams below which a track is called nothing."""
EPOCH = pd.Timestamp("1970-01-01")


def suspicious_plays(plays: Listening, flags: pd.DataFrame, campaigns: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which plays fall in a flagged user-day, or are of an account in a flagged campaign."""
    flagged = flags[flags["is_flagged"]]
    day = (pd.to_datetime(flagged["local_date"]) - EPOCH).dt.days.to_numpy(dtype=np.int64)
    user = plays.users.get_indexer(pd.Index(flagged["user_id"])).astype(np.int64)
    wanted = user[user >= 0] << 32 | day[user >= 0]
    of_day = np.isin(plays.user.astype(np.int64) << 32 | plays.local_day.astype(np.int64), wanted)
    members = {name for names in campaigns.loc[campaigns["is_flagged"], "user_ids"] for name in names}
    return of_day | np.isin(plays.user, np.flatnonzero(plays.users.isin(members)))


def track_risk(
    plays: Listening,
    is_suspicious: NDArray[np.bool_],
    artist_of: pd.Series,
    weight: NDArray[np.float64],
    version: str,
    prices: Prices | None = None,
) -> pd.DataFrame:
    """Return table `track_risk`: track × local day, for tracks with a suspicious stream on some day.

    `artist_of`: artist_id by track_id; `weight` by account: what it pays in (see `Prices.weights`).
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
    """Say of each row's track what it is, over the whole period."""
    whole = days.groupby("track")[["streams", "suspicious_streams"]].transform("sum")
    share = whole["suspicious_streams"] / whole["streams"]
    is_enough = whole["suspicious_streams"] >= LEAST_STREAMS
    return np.select(
        [is_enough & (share >= TARGET_SHARE), is_enough & (share <= CAMOUFLAGE_SHARE)], [TARGET, CAMOUFLAGE], UNCLEAR
    )


def _penalised(days: pd.DataFrame, prices: Prices) -> NDArray[np.bool_]:
    """Whether the row's track has over `penalty_share` of suspicious streams in the row's month."""
    month = days["local_date"].dt.to_period("M").astype(str)
    sums = days.groupby(["track", month])[["streams", "suspicious_streams"]].transform("sum")
    return (sums["suspicious_streams"] > prices.penalty_share * sums["streams"]).to_numpy()


def artist_risk(tracks: pd.DataFrame, prices: Prices | None = None) -> pd.DataFrame:
    """Sum table `track_risk` by artist: money at risk under both ways to pay, tracks by role, penalties; most first."""
    prices = prices or Prices()
    is_target = tracks["role"].eq(TARGET)
    months = tracks[tracks["is_penalised"]].assign(month=tracks["local_date"].dt.to_period("M").astype(str))
    penalties = months.drop_duplicates(["track_id", "month"]).groupby("artist_id").size() * prices.penalty_eur
    by_artist = tracks.groupby("artist_id")
    made = by_artist[["streams", "suspicious_streams", "money_pro_rata_eur", "money_user_centric_eur"]].sum()
    made["target_tracks"] = tracks[is_target].groupby("artist_id")["track_id"].nunique()
    camouflage = tracks[tracks["role"].eq(CAMOUFLAGE)]
    made["camouflage_tracks"] = camouflage.groupby("artist_id")["track_id"].nunique()
    made["penalty_eur"] = penalties
    made = made.fillna({"target_tracks": 0, "camouflage_tracks": 0, "penalty_eur": 0.0})
    return made.sort_values("money_pro_rata_eur", ascending=False).reset_index()
