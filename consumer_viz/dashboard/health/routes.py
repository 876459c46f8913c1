"""Whether the pipeline keeps up: what each query of the Spark job last reported."""

import time
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from consumer_viz.dashboard.layout.render import desk_of, is_htmx, page
from consumer_viz.dashboard.state import Desk
from runtime.progress import Batch, last_batches, noted_job, recent_batches, totals

router = APIRouter()
SHOWN_BATCHES = 300
"""Micro-batches in the chart."""
STALE_S = 120
"""A scoring query that has not reported for so long, while batches wait, is called silent."""


@router.get("/health")
def show(request: Request) -> Response:
    """Show lag, batch time, watermark, late and rejected rows, state, and the model that scores."""
    values = _values(desk_of(request))
    return page(request, "health/status.html" if is_htmx(request) else "health/health.html", **values)


def _values(desk: Desk) -> dict[str, Any]:
    unit = desk.world.unit
    batches = last_batches(unit)
    scoring = batches.get("sessions")
    age_s = time.time() - scoring.ended_at if scoring else None
    history = recent_batches(unit, "sessions", SHOWN_BATCHES)
    chart = {
        "x": [b.ended_at for b in history],
        "seconds": [round(b.seconds, 2) for b in history],
        "behind": [sum(b.behind.values()) for b in history],
    }
    return {
        "batches": batches, "scoring": scoring, "sums": totals(unit, "sessions"), "chart": chart,
        "job": noted_job(unit), "unit": unit.root.name, "is_silent": scoring is None or _is_silent(desk, scoring),
        "is_read": desk.feed is not None, "age_s": age_s, "unsent": len(desk.store.unsent()),
    }  # fmt: skip


def _is_silent(desk: Desk, scoring: Batch) -> bool:
    """Say whether the query should have reported: batches came since it last did, or nobody reads the topics."""
    if time.time() - scoring.ended_at <= STALE_S:
        return False
    planned_at = scoring.ended_at - scoring.seconds
    return desk.feed is None or bool(desk.feed.snapshot(since=planned_at).batches)
