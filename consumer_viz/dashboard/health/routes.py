"""Whether the pipeline keeps up: what each query of the Spark job last reported."""

import time
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from consumer_viz.dashboard.layout.render import is_htmx, page, state_of
from consumer_viz.dashboard.state import AppState
from runtime.lake.growth import growth
from runtime.monitoring.progress import MicroBatch, job_record, last_micro_batches, recent_micro_batches
from runtime.monitoring.totals import totals

router = APIRouter()
SHOWN_BATCHES = 300
"""Micro-batches in the chart."""
STALE_S = 120
"""A scoring query that has not reported for so long is idle, or, where messages wait, silent."""


@router.get("/health")
def show(request: Request) -> Response:
    """Show lags, batch time, late and duplicate rows, state, and the model that scores."""
    values = _values(state_of(request))
    return page(request, "health/status.html" if is_htmx(request) else "health/health.html", **values)


def _values(state: AppState) -> dict[str, Any]:
    unit = state.world.unit
    batches = last_micro_batches(unit)
    scoring = batches.get("sessions")
    now = time.time()
    age_s = now - scoring.ended_at if scoring else None
    history = recent_micro_batches(unit, "sessions", SHOWN_BATCHES)
    chart = {
        "x": [b.ended_at for b in history],
        "seconds": [round(b.seconds, 2) for b in history],
        "behind": [sum(b.behind.values()) for b in history],
    }
    sums = totals(unit, "sessions")
    is_idle = age_s is not None and age_s > STALE_S
    return {
        "batches": batches, "scoring": scoring, "sums": sums, "chart": chart,
        "lag_s": sums.watermark_lag.seconds(now, bool(scoring and any(scoring.behind.values()))),
        "job": job_record(unit), "unit": unit.root.name, "age_s": age_s, "is_idle": is_idle,
        "is_silent": scoring is None or (is_idle and _has_waiting_messages(state, scoring)),
        "growth": growth(unit.lake, now),
        "is_feed_read": state.feed is not None, "unsent": len(state.store.unsent()), "troubles": _troubles(state, now),
    }  # fmt: skip


def _troubles(state: AppState, now: float) -> list[str]:
    """Return what the threads behind the pages cannot do just now."""
    of_feed = "" if state.feed is None else state.feed.snapshot(since=now).trouble
    return [text for text in (of_feed, *(trouble.text for trouble in state.troubles)) if text]


def _has_waiting_messages(state: AppState, scoring: MicroBatch) -> bool:
    """Return whether messages arrived after the query's last batch was planned; true too where nobody reads them."""
    planned_at = scoring.ended_at - scoring.seconds
    return state.feed is None or bool(state.feed.snapshot(since=planned_at).batches)
