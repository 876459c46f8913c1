"""Export a case as a zip: what a decision was based on, for whoever must answer for it later.

It holds report.html to read, case.json for programs, tables as CSV and pictures as SVG. Times are ISO 8601 in UTC.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd

from consumer_viz.dashboard.case.casefile import CaseFile
from consumer_viz.dashboard.csv_export import to_csv
from consumer_viz.dashboard.evidence.references import reference_of
from consumer_viz.dashboard.layout.render import ENVIRONMENT, PAGES_FOLDER
from consumer_viz.dashboard.state import AppState
from consumer_viz.dashboard.verdicts.export import verdicts_csv
from contracts.features import FEATURE_NAMES, SESSION_FEATURES
from runtime.event_text import format_time

PLAY_COLUMNS = ("event_time", "track_id", "title", "artist", "listen_ms", "reason_start", "reason_end", "context_type",
                "device_id", "device_type", "country", "network")  # fmt: skip
PLAY_COLUMNS_FOR_ARTIST = PLAY_COLUMNS[: PLAY_COLUMNS.index("device_id")]
SESSION_COLUMNS = ("session_key", "started_at", "ended_at", "scored_at", "score", "is_flagged", "model_version")
"""Of sessions.csv, before the features (which have `plays` and `streams`)."""
PERSONAL = ("age_band", "payment_id")
"""Of the account, what no decision needs: it stays out of a file that may be passed on."""
ATTEMPT_COLUMNS = ("at", "analyst", "step", "seen_version", "verdict", "outcome")


LEGEND = (
    "What a decision about an account was based on. A flag is a suspicion, not proof.",
    "",
    "report.html   to read: why the account is suspected, its plays, its links, the verdicts",
    "case.json     the same for programs",
    "sessions.csv  one row per scored session; its columns are explained below",
    "plays.csv     one row per play: when it ended, the track, how long it was heard (ms), how it began and ended",
    "verdicts.csv  every decision; attempts.csv: every attempt to decide, refused ones too",
    "*.svg         the pictures of the report",
    "Times are UTC, as 2025-03-04T10:00:00.000Z. An empty cell was not measured.",
    "",
    "Columns of sessions.csv",
    "  score: of the model, from 0 to 1; is_flagged: whether the score reaches the threshold of review",
)
"""Begins README.txt."""


def export_case(state: AppState, file: CaseFile, analyst: str, at: datetime, *, for_artist: bool = False) -> bytes:
    """Return a case as a zip, made by `analyst` at `at`.

    `for_artist`: without whatever names the account, its devices and places, other accounts, or an analyst. The
    case has its reference there, as its id can be computed from the account's.
    """
    case = file.summary.case
    reference = reference_of(state.store, case.case_id) or "case"
    made_at = format_time(round(at.timestamp() * 1000))
    style = (PAGES_FOLDER / "layout" / "desk.css").read_text()
    report = ENVIRONMENT.get_template("case/report.html").render(
        file=file, case=case, zone=state.zone, style=style, made_at=made_at, made_by=analyst, for_artist=for_artist,
        reference=reference,
    )  # fmt: skip
    pictures = {f"{name}.svg": _standalone(str(picture), style) for name, picture in file.pictures.items()}
    if for_artist:
        return _zip(reference, _for_artist(state, file, made_at, report, reference) | pictures)
    facts = {
        "made_at": made_at,
        "made_by": analyst,
        "note": "A flag is a suspicion, not proof.",
        "case": asdict(case),
        "account": {name: value for name, value in file.account.items() if name not in PERSONAL},
        "reasons": [asdict(reason) for reason in file.summary.reasons],
        "why": file.summary.lines,
        "daily": file.summary.daily,
        "links": file.links,
    }
    members = {
        "report.html": report.encode("utf-8", "replace"),
        "case.json": orjson.dumps(facts, option=orjson.OPT_INDENT_2),
        "sessions.csv": to_csv((*SESSION_COLUMNS, *FEATURE_NAMES), map(_session_row, file.summary.sessions)),
        "plays.csv": to_csv(PLAY_COLUMNS, _play_rows(state, file.plays)),
        "README.txt": _legend().encode(),
        "verdicts.csv": verdicts_csv(file.summary.history),
        "attempts.csv": to_csv(ATTEMPT_COLUMNS, state.store.attempts(case.case_id)),
        **pictures,
    }
    return _zip(case.case_id, members)


def _for_artist(state: AppState, file: CaseFile, made_at: str, report: str, reference: str) -> dict[str, bytes]:
    """Return the files of a pack that names nobody."""
    case = file.summary.case
    facts = {
        "made_at": made_at,
        "note": "A flag is a suspicion, not proof.",
        "case": {"reference": reference}
        | {name: getattr(case, name) for name in ("sessions", "flagged", "streams", "eur", "verdict")},
        "why": file.summary.lines,
    }
    unnamed = [name for name in SESSION_COLUMNS if name != "session_key"]
    return {
        "report.html": report.encode("utf-8", "replace"),
        "case.json": orjson.dumps(facts, option=orjson.OPT_INDENT_2),
        "sessions.csv": to_csv(
            (*unnamed, *FEATURE_NAMES), (_session_row(session, unnamed) for session in file.summary.sessions)
        ),
        "plays.csv": to_csv(PLAY_COLUMNS_FOR_ARTIST, _play_rows(state, file.plays, PLAY_COLUMNS_FOR_ARTIST)),
        "README.txt": _legend().encode(),
    }


def _zip(folder: str, members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{folder}/{name}", content)
    return out.getvalue()


def _session_row(session: dict[str, Any], columns: Sequence[str] = SESSION_COLUMNS) -> list[Any]:
    times = {"started_at": format_time(session["started_ms"]), "ended_at": format_time(session["ended_ms"])}
    features = np.frombuffer(session["features"], np.float32)
    return [
        *(times.get(name, session.get(name)) for name in columns),
        *(None if np.isnan(value) else float(value) for value in features),
    ]


def _legend() -> str:
    """Explain the files and each column of sessions.csv."""
    features = [f"  {f.name}: {f.display_name} ({f.meaning}) [{f.unit}]" for f in SESSION_FEATURES]
    return "\n".join([*LEGEND, *features, ""])


def _play_rows(state: AppState, plays: pd.DataFrame, names: Sequence[str] = PLAY_COLUMNS) -> list[list[Any]]:
    known = state.catalogue.by_id(set(plays["track_id"].dropna()))
    named = {
        name: plays["track_id"].map({track: row[name] for track, row in known.items()}) for name in ("title", "artist")
    }
    columns = plays.assign(**named)[list(names)].astype(object)
    columns["event_time"] = [format_time(int(ms)) for ms in plays["end_ms"]]
    rows: list[list[Any]] = columns.where(columns.notna(), None).to_numpy().tolist()
    return rows


def _standalone(picture: str, style: str) -> bytes:
    """Return a picture of a page as an SVG file."""
    return (
        picture.replace('<svg class="plot"', '<svg xmlns="http://www.w3.org/2000/svg" class="plot"', 1)
        .replace(">", f"><style>{style}</style>", 1)
        .encode()
    )
