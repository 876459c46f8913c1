"""Collect everything a person needs to decide one case, for its page and for its export."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from markupsafe import Markup

from consumer_viz.dashboard.case import pictures
from consumer_viz.dashboard.decisions.holds import Action, Line
from consumer_viz.dashboard.evidence.kept_cases import gone_rows
from consumer_viz.dashboard.evidence.plays import listener_zone, play_pattern, read_plays
from consumer_viz.dashboard.evidence.reasons import (
    FEATURE_COLUMN,
    FEATURES,
    NOT_KNOWN,
    distance_beyond,
    features_of,
    format_range,
    format_value,
)
from consumer_viz.dashboard.evidence.summary import CaseSummary, summarise
from consumer_viz.dashboard.evidence.weeks import week_facts
from consumer_viz.dashboard.index.accounts import CAMPAIGN_LINK
from consumer_viz.dashboard.index.cases import Case
from consumer_viz.dashboard.state import AppState
from contracts import verdicts as v
from contracts.actions import HOLD, MICROS_PER_EUR
from contracts.events import STREAM_MS
from contracts.features import FEATURE_NAMES
from runtime.arrays import Floats
from runtime.units import DAY_MS

SHOWN_TRACKS, SHOWN_PLACES, SHOWN_CONTRIBUTIONS = 10, 8, 6
MAX_DAYS = 28
"""Days of plays that are read, up to the newest session."""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case in full."""

    summary: CaseSummary
    account: dict[str, Any]
    """The account's row of the static table users; every value is None where it has no row."""
    zone: ZoneInfo
    """The listener's time zone."""
    plays: pd.DataFrame
    """One row per play (`read_plays`)."""
    tracks: list[dict[str, Any]]
    """The most played tracks."""
    places: list[dict[str, Any]]
    """Plays and devices by kind of device, network and country."""
    links: list[dict[str, Any]]
    rings: list[dict[str, Any]]
    """The rings that the account is in (`Rings.of_account`)."""
    weeks: list[tuple[str, list[str]]]
    """Facts of the account's newest windows (`summary.daily["newest_weeks"]`): a label, and a text for each window."""
    unusual_measures: list[dict[str, str]]
    """Features of flagged sessions that honest ones rarely have, the furthest first: their values as text, of flagged
    sessions, of the account's others, of honest ones."""
    usual_measures: list[dict[str, str]]
    """The other features, in the order of the contract."""
    pictures: dict[str, Markup]
    """SVG by name."""
    gone: str
    """A sentence on rows that retention has removed; empty where none are."""
    grounds: dict[int, list[str]]
    """Why it was suspected when it was decided, by version of the verdict."""
    held: list[dict[str, Any]]
    """Tracks of the newest hold in the ledger: track_id, title, artist, months, streams, eur."""

    @property
    def settled_by_confirmer(self) -> set[int]:
        """Return the versions of the verdict that settled an appeal by the hand that had confirmed the case."""
        confirmers: set[str] = set()
        versions: set[int] = set()
        for decision in self.summary.history:
            if decision.step in (v.DECIDE, v.SECOND) and decision.verdict in (v.CONFIRM, v.PROPOSED):
                confirmers.add(decision.analyst)
            elif decision.step in (v.UPHOLD, v.ROLL_BACK) and decision.analyst in confirmers:
                versions.add(decision.version)
        return versions


def build_casefile(state: AppState, case: Case) -> CaseFile:
    """Collect all of a case; reads the account's plays from the archive."""
    summary = summarise(state.accounts, state.honest, case)
    account = state.accounts.row(case.user_id)
    first, last = _span_ms(summary.sessions)
    plays = read_plays(state.world.unit, [case.user_id], first, last)
    zone = listener_zone(account.get("timezone"))
    own, honest = play_pattern(plays, {case.user_id: zone.key}), state.honest.pattern()
    flagged_spans = [] if case.is_hidden else [(s["started_ms"], s["ended_ms"]) for s in summary.flagged]
    drawn = {
        "bars": pictures.contribution_bars(summary.reasons[:SHOWN_CONTRIBUTIONS]),
        "gaps": pictures.gap_histogram(own, honest),
        "clock": pictures.clock(own, honest),
        "timeline": pictures.timeline(plays, flagged_spans, zone),
    }
    actions = state.store.actions(case.case_id)
    links = state.accounts.links(case.user_id)
    if case.is_hidden:  # a suspected campaign would show that the account is flagged
        links = [link for link in links if link["kind"] != CAMPAIGN_LINK]
    return CaseFile(
        summary, account, zone, plays, _top_tracks(state, plays), _places(plays), links,
        state.rings.of_account(case.user_id),
        week_facts(summary.daily["newest_weeks"]), *_measures(state.honest.features(), summary), drawn,
        gone_rows(state.index, summary, actions, plays), state.store.grounds(case.case_id),
        _held_tracks(state, actions),
    )  # fmt: skip


def _span_ms(sessions: list[dict[str, Any]]) -> tuple[int, int]:
    """Return the span of the sessions in epoch milliseconds, at most the last MAX_DAYS; (0, 0) without sessions."""
    if not sessions:
        return 0, 0
    last = max(s["ended_ms"] for s in sessions)
    return max(min(s["started_ms"] for s in sessions), last - MAX_DAYS * DAY_MS), last


def _top_tracks(state: AppState, plays: pd.DataFrame) -> list[dict[str, Any]]:
    if plays.empty:
        return []
    is_stream = plays["listen_ms"].fillna(0) >= STREAM_MS
    counts = (
        plays.assign(streams=is_stream).groupby("track_id").agg(plays=("track_id", "size"), streams=("streams", "sum"))
    )
    top = counts.sort_values(["streams", "plays"], ascending=False).head(SHOWN_TRACKS)
    known = state.catalogue.by_id(set(top.index))
    return [
        {
            "track_id": str(track),
            "title": known.get(str(track), {}).get("title") or str(track),
            "artist": known.get(str(track), {}).get("artist") or "unknown artist",
            "plays": int(row.plays),
            "streams": int(row.streams),
            "share": float(row.plays) / len(plays),
        }
        for track, row in top.iterrows()
    ]


def _held_tracks(state: AppState, actions: Sequence[Action]) -> list[dict[str, Any]]:
    holds = [action for action in actions if action.action == HOLD]
    by_track: dict[str, list[Line]] = defaultdict(list)
    for line in holds[-1].lines if holds else ():
        by_track[line.track_id].append(line)
    known = state.catalogue.by_id(set(by_track))
    rows: list[dict[str, Any]] = [
        {
            "track_id": track,
            "title": known.get(track, {}).get("title") or track,
            "artist": known.get(track, {}).get("artist") or "unknown artist",
            "months": ", ".join(sorted({line.month for line in lines})),
            "streams": sum(line.streams for line in lines),
            "eur": sum(line.eur_micros for line in lines) / MICROS_PER_EUR,
        }
        for track, lines in by_track.items()
    ]
    return sorted(rows, key=lambda row: (-row["streams"], row["track_id"]))[:SHOWN_TRACKS]


def _places(plays: pd.DataFrame) -> list[dict[str, Any]]:
    columns = ["device_type", "network", "country"]
    if plays.empty:
        return []
    grouped = plays.assign(**{c: plays[c].fillna("not given") for c in columns}).groupby(columns)
    counts = grouped.agg(plays=("play_id", "size"), devices=("device_id", "nunique")).reset_index()
    rows = counts.nlargest(SHOWN_PLACES, "plays").to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _measures(honest: Floats, summary: CaseSummary) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return unusual and usual measures (`CaseFile`)."""
    flagged = features_of(summary.flagged)
    others = features_of([s for s in summary.sessions if not s["is_flagged"]])
    unusual: list[tuple[float, dict[str, str]]] = []
    usual: list[dict[str, str]] = []
    for name in FEATURE_NAMES:
        column = FEATURE_COLUMN[name]
        row = {
            "label": FEATURES[name].display_name,
            "meaning": FEATURES[name].meaning,
            "flagged": _format_median(name, flagged),
            "own": _format_median(name, others),
            "usual": format_range(name, honest[:, column]) if len(honest) else NOT_KNOWN,
        }
        beyond = distance_beyond(flagged[:, column], honest[:, column]) if len(flagged) and len(honest) else 0.0
        if beyond > 0:
            unusual.append((beyond, row))
        else:
            usual.append(row)
    return [row for _, row in sorted(unusual, key=lambda pair: -pair[0])], usual


def _format_median(name: str, features: Floats) -> str:
    if not len(features):
        return "–"
    column = features[:, FEATURE_COLUMN[name]]
    known = column[np.isfinite(column)]
    return format_value(name, float(np.median(known)) if len(known) else None)
