"""Everything a person needs to decide one case, gathered: for the page, for the preview, for the evidence pack."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pandas as pd
from markupsafe import Markup

from consumer_viz.dashboard.case import svg
from consumer_viz.dashboard.case.evidence import Shape, plays_of, shape_of, zone_of
from consumer_viz.dashboard.case.reasons import (
    BY_NAME,
    PLACE,
    Reason,
    amount,
    features_of,
    reasons_of,
    sentence,
    span,
)
from consumer_viz.dashboard.index.cases import Case
from consumer_viz.dashboard.state import Desk
from consumer_viz.dashboard.verdicts.decisions import Decision
from contracts.events import STREAM_MS
from contracts.features import FEATURE_NAMES

DAY_MS = 86_400_000
SHOWN_TRACKS = 10
MOST_DAYS = 28
"""Days of plays that are drawn, up to the newest session."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A case in short: what the queue's preview shows."""

    case: Case
    sessions: list[dict[str, Any]]
    reasons: list[Reason]
    lines: list[str]
    """Why, in words, strongest first; those of the daily batch after those of the sessions."""
    daily: dict[str, Any]
    history: list[Decision]

    @property
    def flagged(self) -> list[dict[str, Any]]:
        return [s for s in self.sessions if s["is_flagged"]]


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


def summarise(desk: Desk, case: Case) -> Summary:
    """Gather what the index and the verdicts hold of a case; no file of the lake is opened."""
    sessions = desk.cases.sessions(case.user_id)
    reasons = reasons_of(sessions, desk.usual.features())
    daily = desk.cases.daily(case.user_id)
    lines = [sentence(reason) for reason in reasons[:5]]
    for found in (*daily["days"][-1:], *daily["campaigns"][:2]):
        lines += [words[:1].upper() + words[1:] for words in found["reasons"][:3]]
    return Summary(case, sessions, reasons, lines, daily, desk.store.history(case.case_id))


def headline(desk: Desk, case: Case) -> str:
    """Say in a few words why a case is in the queue, without its sessions."""
    if case.is_hidden:
        return "drawn for a review without the score"
    with desk.index.read() as db:
        query = "select reasons from sessions where user_id = ? and is_flagged order by score desc limit 1"
        row = db.execute(query, (case.user_id,)).fetchone()
    if row and row[0]:
        named = [r for r in orjson.loads(row[0]) if r["feature"] in BY_NAME and r["contribution"] > 0]
        return " · ".join(f"{BY_NAME[r['feature']].words} {amount(r['feature'], r['value'])}" for r in named[:2])
    daily = desk.cases.daily(case.user_id)
    found = [words for part in (*daily["days"][-1:], *daily["campaigns"][:1]) for words in part["reasons"]]
    return str(found[0]) if found else "not flagged"


def gather(desk: Desk, case: Case) -> Casefile:
    """Gather all of a case; reads the account's plays from the archive."""
    summary = summarise(desk, case)
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
