"""Everything a person needs to decide one case, gathered: for the page, for the preview, for the evidence pack."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from markupsafe import Markup

from consumer_viz.dashboard.case import pictures as svg
from consumer_viz.dashboard.evidence.plays import Shape, plays_of, shape_of, zone_of
from consumer_viz.dashboard.evidence.reasons import (
    BY_NAME,
    PLACE,
    amount,
    features_of,
    span,
)
from consumer_viz.dashboard.evidence.summary import Summary, summarise
from consumer_viz.dashboard.index.cases import Case
from consumer_viz.dashboard.state import Desk
from contracts.events import STREAM_MS
from contracts.features import FEATURE_NAMES
from runtime.units import DAY_MS

SHOWN_TRACKS = 10
MOST_DAYS = 28
"""Days of plays that are drawn, up to the newest session."""


@dataclass(frozen=True, slots=True)
class Casefile:
    """A case in full."""

    summary: Summary
    account: dict[str, Any]
    zone: ZoneInfo
    """The listener's time zone, which the clock is drawn in."""
    plays: pd.DataFrame
    own: Shape
    usual: Shape
    tracks: list[dict[str, Any]]
    places: list[dict[str, Any]]
    """Plays by device, country and network."""
    links: list[dict[str, Any]]
    measures: list[dict[str, str]]
    """Every feature: in flagged sessions, in the account's others, in honest ones."""
    pictures: dict[str, Markup]


def gather(desk: Desk, case: Case) -> Casefile:
    """Gather all of a case; reads the account's plays from the archive."""
    summary = summarise(desk.cases, desk.usual, case)
    account = desk.cases.account(case.user_id)
    if summary.sessions:
        last = max(s["ended_ms"] for s in summary.sessions)
        first = max(min(s["started_ms"] for s in summary.sessions), last - MOST_DAYS * DAY_MS)
        plays = plays_of(desk.world.unit, [case.user_id], first, last)
    else:
        plays = plays_of(desk.world.unit, [case.user_id], 0, 0)
    zone = zone_of(account.get("timezone"))
    own, usual = shape_of(plays, {case.user_id: zone.key}), desk.usual.shape()
    spans = [] if case.is_hidden else [(s["started_ms"], s["ended_ms"]) for s in summary.flagged]
    pictures = {
        "bars": svg.contribution_bars(summary.reasons[:6]),
        "gaps": svg.gap_histogram(own, usual),
        "clock": svg.clock(own, usual),
        "timeline": svg.timeline(plays, spans, zone),
    }
    return Casefile(
        summary, account, zone, plays, own, usual, _tracks(desk, plays), _places(plays),
        desk.cases.links(case.user_id), _measures(desk, summary), pictures,
    )  # fmt: skip


def _tracks(desk: Desk, plays: pd.DataFrame) -> list[dict[str, Any]]:
    if plays.empty:
        return []
    is_stream = plays["listen_ms"].fillna(0) >= STREAM_MS
    counts = (
        plays.assign(streams=is_stream).groupby("track_id").agg(plays=("track_id", "size"), streams=("streams", "sum"))
    )
    top = counts.sort_values(["streams", "plays"], ascending=False).head(SHOWN_TRACKS)
    named = desk.cases.tracks(set(top.index))
    return [
        {
            "track_id": str(track),
            "title": named.get(str(track), {}).get("title") or str(track),
            "artist": named.get(str(track), {}).get("artist") or "unknown artist",
            "plays": int(row.plays),
            "streams": int(row.streams),
            "share": float(row.plays) / len(plays),
        }
        for track, row in top.iterrows()
    ]


def _places(plays: pd.DataFrame) -> list[dict[str, Any]]:
    columns = ["device_type", "network", "country"]
    if plays.empty:
        return []
    grouped = plays.assign(**{c: plays[c].fillna("not given") for c in columns}).groupby(columns)
    found = grouped.agg(plays=("play_id", "size"), devices=("device_id", "nunique")).reset_index()
    return [{str(k): x for k, x in row.items()} for row in found.nlargest(8, "plays").to_dict("records")]


def _measures(desk: Desk, summary: Summary) -> list[dict[str, str]]:
    honest = desk.usual.features()
    flagged = features_of(summary.flagged)
    others = features_of([s for s in summary.sessions if not s["is_flagged"]])
    return [
        {
            "words": BY_NAME[name].words,
            "meaning": BY_NAME[name].meaning,
            "flagged": _median(name, flagged),
            "own": _median(name, others),
            "usual": span(name, honest[:, PLACE[name]]) if len(honest) else "not known yet",
        }
        for name in FEATURE_NAMES
    ]


def _median(name: str, features: Any) -> str:
    if not len(features):
        return "–"
    column = features[:, PLACE[name]]
    known = column[np.isfinite(column)]
    return amount(name, float(np.median(known)) if len(known) else None)
