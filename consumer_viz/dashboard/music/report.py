"""The monthly report to an artist or a label: by track and country, what is suspected and why."""

from typing import Any

import pandas as pd

from consumer_viz.dashboard.csv_export import to_csv
from consumer_viz.dashboard.index.catalogue import REASONS
from models.risk.money import Prices
from models.risk.tracks import CAMOUFLAGE, TARGET

REASON_COLUMNS = {reason: f"{reason.replace(' ', '_')}_streams" for reason in REASONS}
ROLE_WORDS = {
    TARGET: "Most of its streams are suspected: somebody may have bought them, with or without the artist's knowledge.",
    CAMOUFLAGE: "Few of its streams are suspected: automatic accounts played it to look like people.",
}
"""What the role of a track means for its artist."""
MOST = 0.5
"""Share from which "most" is true of the streams that the report counts."""
COLUMNS = ("month", "track_id", "title", "artist", "country", "streams", "suspected_streams", "suspected_share",
           "suspected_eur", *REASON_COLUMNS.values())  # fmt: skip


def role_words(role: str, share: float) -> str:
    """Return what a track's role means for its artist; empty where the streams of the report do not show it.

    The daily run gives the role, from other days than the report's.

    >>> role_words(CAMOUFLAGE, 0.06)[:31], role_words(TARGET, 0.1)
    ('Few of its streams are suspecte', '')
    """
    is_shown = {TARGET: share >= MOST, CAMOUFLAGE: 0 < share < MOST}.get(role, False)
    return ROLE_WORDS[role] if is_shown else ""


def first_month(last_ms: int) -> pd.Period:
    """Return the month (UTC) before that of the newest session: the first one of a report."""
    return pd.Timestamp(last_ms, unit="ms").to_period("M") - 1


def of_two_months(streams: pd.DataFrame, last_ms: int) -> pd.DataFrame:
    """Return the streams of the newest session's month (UTC) and of the one before: of an earlier one, days are unread.

    `streams`: see `streams_of`.
    """
    return streams[streams["day"] >= (first_month(last_ms).start_time - pd.Timestamp(0)).days]


def monthly_rows(tracks: list[dict[str, Any]], streams: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per month, track and country, the most suspected first. `streams`: see `streams_of`."""
    names = {str(track["track_id"]): track for track in tracks}
    months = pd.to_datetime(streams["day"], unit="D").dt.strftime("%Y-%m")
    table = streams.assign(month=months)
    rows = []
    for (month, track_id, country), part in table.groupby(["month", "track_id", "country"]):
        by_reason = part.groupby("reason")["streams"].sum()
        total = int(part["streams"].sum())
        suspected = total - int(by_reason.get("", 0))
        rows.append(
            {
                "month": str(month),
                "track_id": str(track_id),
                "title": names[str(track_id)]["title"],
                "artist": names[str(track_id)]["artist"],
                "country": str(country) or "unknown",
                "streams": total,
                "suspected_streams": suspected,
                "suspected_share": round(suspected / total, 4),
                "suspected_eur": round(suspected * Prices().stream_eur, 4),
            }
            | {column: int(by_reason.get(reason, 0)) for reason, column in REASON_COLUMNS.items()}
        )
    return sorted(rows, key=lambda row: (row["month"], -row["suspected_streams"], row["track_id"], row["country"]))


def report_csv(rows: list[dict[str, Any]]) -> bytes:
    """Write the rows of a report as CSV."""
    return to_csv(COLUMNS, ([row[name] for name in COLUMNS] for row in rows))
