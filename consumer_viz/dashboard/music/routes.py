"""Pages of a track, an artist and a label, and the monthly report to print or to save."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from consumer_viz.dashboard.csv_export import csv_file
from consumer_viz.dashboard.index.catalogue import COLUMN_OF
from consumer_viz.dashboard.layout.render import page, state_of
from consumer_viz.dashboard.music.musicfile import SHOWN_TRACKS, build_musicfile, streams_of, track_rows
from consumer_viz.dashboard.music.report import (
    REASON_COLUMNS,
    first_month,
    monthly_rows,
    of_two_months,
    report_csv,
    role_words,
)
from models.risk.money import Prices

router = APIRouter()


@router.get("/music/{kind}")
def show(request: Request, kind: str, id: str = "") -> Response:
    """Show a track, an artist or a label: streams, what is suspected and why, who streams it."""
    file = build_musicfile(state_of(request), _checked(kind), id)
    if file is None:
        return page(request, "music/none.html", 404, kind=kind, entity=id)
    return page(request, "music/music.html", file=file, shown=file.tracks[:SHOWN_TRACKS])


def _checked(kind: str) -> str:
    if kind not in COLUMN_OF:
        raise HTTPException(404, f"There are pages of {', '.join(COLUMN_OF)}.")
    return kind


def _streams(request: Request, kind: str, entity: str) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    tracks, streams, _ = streams_of(state_of(request), _checked(kind), entity)
    if not tracks:
        raise HTTPException(404, "No track of this artist or label is known.")
    return tracks, of_two_months(streams, state_of(request).catalogue.last_ms())


@router.get("/music/{kind}/report")
def report(request: Request, kind: str, id: str = "") -> Response:
    """Show the monthly report, to print."""
    tracks, streams = _streams(request, kind, id)
    name = f"label {id}" if kind == "labels" else tracks[0]["artist"]
    state = state_of(request)
    since = str(first_month(state.catalogue.last_ms()))
    releases = [row for row in track_rows(state, tracks, streams, since) if row["streams"] or row["held_eur"]]
    return page(
        request, "music/report.html", rows=monthly_rows(tracks, streams), kind=kind, entity=id, name=name,
        releases=releases[:SHOWN_TRACKS], release_count=len(releases), reasons=REASON_COLUMNS, role_words=role_words,
        at=datetime.now(UTC).strftime("%d %b %Y"), price=Prices().stream_eur,
    )  # fmt: skip


@router.get("/music/{kind}/report.csv")
def save(request: Request, kind: str, id: str = "") -> Response:
    """Save the monthly report as CSV."""
    content = report_csv(monthly_rows(*_streams(request, kind, id)))
    return csv_file(content, f"playproof-{kind}-report.csv")
