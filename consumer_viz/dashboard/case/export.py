"""The evidence pack: a zip with what a decision was based on, for whoever must answer for it later."""

import io
import zipfile
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson

from consumer_viz.dashboard.case.casefile import Casefile
from consumer_viz.dashboard.csv_export import to_csv
from consumer_viz.dashboard.decisions.export import verdicts_csv
from consumer_viz.dashboard.layout.render import ENVIRONMENT, FOLDER, moment
from consumer_viz.dashboard.state import Desk
from contracts.features import FEATURE_NAMES

PLAYS = ["event_time", "track_id", "listen_ms", "reason_start", "reason_end", "context_type", "device_id",
         "device_type", "country", "network"]  # fmt: skip
SESSION = ("session_key", "started_at", "ended_at", "scored_at", "plays", "streams", "score", "is_flagged",
           "model_version")  # fmt: skip


def pack(desk: Desk, file: Casefile, analyst: str, at: datetime) -> bytes:
    """Zip the case: report.html to read, case.json to compute with, tables as CSV, pictures as SVG."""
    case = file.summary.case
    made = {"made_at": at.astimezone(UTC).isoformat(timespec="seconds"), "made_by": analyst}
    style = (FOLDER / "layout" / "desk.css").read_text()
    template = ENVIRONMENT.get_template("case/report.html")
    report = template.render(file=file, case=case, zone=desk.zone, style=style, **made)
    facts = {
        **made,
        "note": "A flag is a suspicion, not proof.",
        "case": asdict(case),
        "account": file.account,
        "reasons": [asdict(reason) for reason in file.summary.reasons],
        "why": file.summary.lines,
        "daily": file.summary.daily,
        "links": file.links,
    }
    members = {
        "report.html": report.encode("utf-8", "replace"),
        "case.json": orjson.dumps(facts, option=orjson.OPT_INDENT_2),
        "sessions.csv": to_csv((*SESSION, *FEATURE_NAMES), [_session(s) for s in _with_features(file)]),
        "plays.csv": to_csv(PLAYS, _plays(file)),
        "verdicts.csv": verdicts_csv(file.summary.history),
        "attempts.csv": to_csv(
            ("at", "analyst", "step", "seen_version", "verdict", "outcome"), desk.store.audit(case.case_id)
        ),
        **{f"{name}.svg": _standalone(str(picture), style) for name, picture in file.pictures.items()},
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(f"{case.case_id}/{name}", content)
    return out.getvalue()


def _with_features(file: Casefile) -> list[dict[str, Any]]:
    return [
        {**s, "values": [None if np.isnan(x) else float(x) for x in np.frombuffer(s["features"], np.float32)]}
        for s in file.summary.sessions
    ]


def _session(row: dict[str, Any]) -> list[Any]:
    times = {"started_at": row["started_ms"], "ended_at": row["ended_ms"]}
    known = {name: moment(ms, UTC, "%Y-%m-%dT%H:%M:%SZ") for name, ms in times.items()}  # type: ignore[arg-type]
    return [known.get(name, row.get(name)) for name in SESSION] + row["values"]


def _plays(file: Casefile) -> list[list[Any]]:
    plays = file.plays[PLAYS].copy()
    plays["event_time"] = plays["event_time"].astype(str)
    rows: list[list[Any]] = plays.astype(object).where(plays.notna(), None).to_numpy().tolist()
    return rows


def _standalone(picture: str, style: str) -> bytes:
    return (
        picture.replace('<svg class="plot"', '<svg xmlns="http://www.w3.org/2000/svg" class="plot"', 1)
        .replace(">", f"><style>{style}</style>", 1)
        .encode()
    )
