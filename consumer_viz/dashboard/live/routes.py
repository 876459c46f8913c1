"""The topics as they arrive: plays, activity, flags, and the tracks that suspected sessions stream most."""

import time

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from consumer_viz.dashboard.layout.render import is_htmx, page, state_of
from consumer_viz.dashboard.live.live_metrics import chart_points, scoring_progress
from consumer_viz.plot.view import HISTORY_S, live_view
from runtime.monitoring.progress import last_micro_batches

router = APIRouter()
SHOWN_TRACKS = 12


@router.get("/live")
def show(request: Request) -> Response:
    """Show the page; its charts get their data from `/live/data`, then from the event stream."""
    tracks = state_of(request).catalogue.suspect_tracks(SHOWN_TRACKS)
    return page(request, "live/tracks.html" if is_htmx(request) else "live/live.html", tracks=tracks)


@router.get("/live/data")
def live_data(request: Request) -> Response:
    """Return the points of the last ten minutes as JSON."""
    state = state_of(request)
    if state.feed is None:
        return JSONResponse({"trouble": "nobody reads the topics: run  playproof desk", "x": []})
    view = live_view(state.feed.snapshot(time.time() - HISTORY_S), state.zone)
    return JSONResponse(chart_points(view) | scoring_progress(last_micro_batches(state.world.unit)))
