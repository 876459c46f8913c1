"""Collect what a track, an artist or a label loses: streams, what is suspected of them and why, who streams them."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from consumer_viz.dashboard.evidence.listeners import Listeners, read_listeners
from consumer_viz.dashboard.index.catalogue import REASONS, DailyRisk
from consumer_viz.dashboard.index.daily import daily_run_at
from consumer_viz.dashboard.music import pictures
from consumer_viz.dashboard.state import AppState
from models.risk.money import Prices
from models.risk.tracks import CAMOUFLAGE, CAMOUFLAGE_SHARE, MIN_STREAMS, TARGET, TARGET_SHARE

SHOWN_ACCOUNTS, SHOWN_TRACKS = 12, 100
NOTHING_ELSE_SHARE, NOTHING_ELSE_STREAMS = 0.9, 20
"""A listener of nothing else: so much of an account's streams are of this music, and it has so many. Assumptions."""


@dataclass(frozen=True, slots=True)
class MusicFile:
    """A track, an artist or a label, with its tracks and listeners."""

    kind: str
    entity: str
    title: str
    tracks: list[dict[str, Any]]
    """By suspected streams: names, streams, suspected, share, eur, held_eur, role."""
    streams: int
    suspected: int
    eur: float
    """What the suspected streams would be paid."""
    held_eur: float
    """What is held back now, after a decision or by a set score."""
    why: list[str]
    reasons: list[tuple[str, int]]
    """Reason and the suspected streams it explains."""
    accounts: list[dict[str, Any]]
    """The suspected accounts with most streams of this music."""
    devoted: list[dict[str, Any]]
    """Listeners of nothing else, the most streams first."""
    devoted_count: int
    devoted_streams: int
    picture: Markup | None

    @property
    def share(self) -> float:
        return self.suspected / self.streams if self.streams else 0.0


def streams_of(state: AppState, kind: str, entity: str) -> tuple[list[dict[str, Any]], pd.DataFrame, Listeners]:
    """Return the tracks, their streams with `reason` (empty where not suspected), and the listeners.

    `streams`: one row per account, track, country and day (`Listeners.streams`).
    """
    tracks = state.catalogue.tracks(kind, entity)
    if not tracks and kind == "tracks" and state.catalogue.is_played(entity):
        unknown = {"title": entity, "artist": "unknown artist", "artist_id": None, "label_id": None}
        tracks = [{"track_id": entity} | unknown]
    ids = [str(track["track_id"]) for track in tracks]
    listeners = read_listeners(state.world.unit, ids, state.catalogue.last_ms())
    suspected = state.catalogue.suspected().set_index("user_id")
    streams = listeners.streams.assign(reason=listeners.streams["user_id"].map(suspected["reason"]).fillna(""))
    return tracks, streams, listeners


def build_musicfile(state: AppState, kind: str, entity: str) -> MusicFile | None:
    """Collect all of a track, an artist or a label; None where the world has none of this id."""
    tracks, streams, listeners = streams_of(state, kind, entity)
    if not tracks:
        return None
    is_suspected = streams["reason"] != ""
    price = Prices().stream_eur
    rows = track_rows(state, tracks, streams)
    by_user = streams[is_suspected].groupby("user_id")["streams"].sum().sort_values(ascending=False)
    devoted = listeners.by_account
    devoted = devoted[
        (devoted["ours"] >= NOTHING_ELSE_STREAMS) & (devoted["ours"] >= NOTHING_ELSE_SHARE * devoted["all"])
    ]
    devoted = devoted.sort_values(["ours", "user_id"], ascending=[False, True])
    by_reason = streams[is_suspected].groupby("reason")["streams"].sum()
    title = {"tracks": tracks[0]["title"], "artists": tracks[0]["artist"], "labels": f"Label {entity}"}[kind]
    return MusicFile(
        kind, entity, str(title), rows, int(streams["streams"].sum()), int(streams.loc[is_suspected, "streams"].sum()),
        price * float(streams.loc[is_suspected, "streams"].sum()), sum(row["held_eur"] for row in rows),
        _why(kind, rows),
        [(reason, int(by_reason[reason])) for reason in REASONS if reason in by_reason],
        _accounts(state, by_user.head(SHOWN_ACCOUNTS)),
        _accounts(state, devoted.set_index("user_id")["ours"].head(SHOWN_ACCOUNTS)),
        len(devoted), int(devoted["ours"].sum()), pictures.share_by_day(streams) if len(streams) else None,
    )  # fmt: skip


def track_rows(
    state: AppState, tracks: list[dict[str, Any]], streams: pd.DataFrame, held_since: str = ""
) -> list[dict[str, Any]]:
    """Return the tracks with streams, suspected ones, share, eur, held_eur, role, why, the most suspected first.

    `held_since`: the first month (YYYY-MM) whose held streams count.
    """
    total = streams.groupby("track_id")["streams"].sum()
    suspected = streams[streams["reason"] != ""].groupby("track_id")["streams"].sum()
    held = state.store.held_by_track(held_since)
    has_run = daily_run_at(state.world.unit) is not None
    daily = state.catalogue.risk([str(track["track_id"]) for track in tracks])
    rows = []
    for track in tracks:
        track_id = str(track["track_id"])
        of, all_streams = int(suspected.get(track_id, 0)), int(total.get(track_id, 0))
        risk = daily.get(track_id)
        rows.append(
            track
            | {
                "streams": all_streams,
                "suspected": of,
                "share": of / all_streams if all_streams else 0.0,
                "eur": Prices().stream_eur * of,
                "held_eur": held.get(track_id, 0.0),
                "role": risk.role if risk else "",
                "why": _why_track(risk, has_run=has_run),
            }
        )
    return sorted(rows, key=lambda row: (-row["suspected"], -row["streams"], row["track_id"]))


def _why_track(risk: DailyRisk | None, *, has_run: bool) -> str:
    """Write why a track is a suspected target or camouflage."""
    if risk is None and has_run:
        return "The daily run suspects no stream of it."
    if risk is None:
        return "Whether it is a target or camouflage is not known before the first daily run (playproof days run)."
    counted = f"{risk.suspicious:,} of {risk.streams:,} streams on days that the daily run looked at are suspicious"
    if risk.role == TARGET:
        limit = f"{100 * TARGET_SHARE:.0f} % on, if it has {MIN_STREAMS} streams or more"
        return f"Suspected target: {counted}; a track counts as a target from {limit}."
    if risk.role == CAMOUFLAGE:
        return (
            f"Suspected camouflage: only {counted}. Automatic accounts stream known tracks to look like people; "
            f"with at most {100 * CAMOUFLAGE_SHARE:.0f} % a track counts as misused, and nobody paid for its streams."
        )
    return f"Neither clearly a target nor camouflage: {counted}."


def _why(kind: str, rows: list[dict[str, Any]]) -> list[str]:
    """Write what the tracks are: of one track by its own numbers."""
    if kind == "tracks":
        lines = [rows[0]["why"]]
    else:
        targets, victims = (sum(row["role"] == role for row in rows) for role in (TARGET, CAMOUFLAGE))
        lines = [f"{targets} of {len(rows)} tracks are suspected targets, {victims} suspected camouflage."]
    if any(row["role"] == TARGET for row in rows):
        lines.append("Streams can be bought for a track without its artist's knowledge.")
    return lines


def _accounts(state: AppState, streams: "pd.Series[Any]") -> list[dict[str, Any]]:
    cases = state.catalogue.case_ids([str(user) for user in streams.index])
    return [
        {"user_id": str(user), "case_id": cases.get(str(user)), "streams": int(n)}
        for user, n in zip(streams.index, streams.to_list(), strict=True)
    ]
