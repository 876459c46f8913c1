"""Which model flags, which one scores in its shadow, how good both were in their tests, and what they flag here."""

import sqlite3
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from consumer_viz.dashboard.decisions.rates import by_week, latest_verdicts
from consumer_viz.dashboard.layout.render import page, state_of
from consumer_viz.dashboard.models.comparison import compare
from consumer_viz.dashboard.models.drift import view_drift
from consumer_viz.dashboard.models.manifests import read_manifests
from models.errors import ModelError
from models.metrics.flags import MIN_ROWS
from models.registry.roles import FOLDER, Registry
from runtime.monitoring.drift import drift_record
from runtime.monitoring.progress import job_record, shadow_record

router = APIRouter()


@router.get("/models")
def show(request: Request) -> Response:
    """Show champion and challenger: their test figures, the scores in this world, and where the two differ in it."""
    state = state_of(request)
    registry = Registry(state.world.root.parent / FOLDER)
    manifests: list[dict[str, Any]] = []
    challenger, trouble = None, ""
    try:
        manifests, challenger = read_manifests(registry), registry.roles().challenger
    except ModelError as error:
        trouble = str(error)
    with state.index.read() as db:
        versions, score_bins = _versions(db), _score_bins(db)
        pair = None
        if challenger and versions:
            pair = compare(db, versions[0][0], challenger.version, latest_verdicts(state.store.all()))
    return page(
        request, "models/models.html", models=manifests, versions=versions, trouble=trouble, score_bins=score_bins,
        job=job_record(state.world.unit), challenger=challenger, pair=pair, shadow=shadow_record(state.world.unit),
        min_rows=MIN_ROWS, drift=view_drift(drift_record(state.world.unit)),
        weeks=by_week(latest_verdicts(state.store.all())),
    )  # fmt: skip


def _versions(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """Return (model version, sessions, flagged, newest scored_at), the version that scored last first."""
    query = "select model_version, count(*), sum(is_flagged), max(scored_at) from sessions group by 1 order by 4 desc"
    return [tuple(row) for row in db.execute(query)]


def _score_bins(db: sqlite3.Connection) -> list[tuple[float, int, int]]:
    """Return (lowest score, flagged, sessions) of ten bins of the score."""
    query = "select min(9, cast(score * 10 as integer)) as bin, sum(is_flagged), count(*) from sessions group by 1"
    counts = {int(row[0]): (int(row[1]), int(row[2])) for row in db.execute(query)}
    return [(n / 10, *counts.get(n, (0, 0))) for n in range(10)]
