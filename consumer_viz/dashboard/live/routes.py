"""The topics as they come: plays, activity, flags, and the tracks that suspected accounts play."""

import time

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from consumer_viz.dashboard.layout.render import desk_of, is_htmx, page
from consumer_viz.dashboard.live.live_metrics import chart_points, job_line
from consumer_viz.plot.view import HISTORY_S, live_view
from runtime.progress import last_batches

router = APIRouter()
SHOWN_TRACKS = 12


@router.get("/live")
def show(request: Request) -> Response:
    """Show the page; its lines come from `live_data`, then from the stream of events."""
    tracks = desk_of(request).cases.suspect_tracks(SHOWN_TRACKS)
    return page(request, "live/tracks.html" if is_htmx(request) else "live/live.html", tracks=tracks)


@router.get("/live/data")
def live_data(request: Request) -> Response:
    """Return the whole lines of the last ten minutes."""
    desk = desk_of(request)
    if desk.feed is None:
        return JSONResponse({"trouble": "nobody reads the topics: run  playproof desk", "x": []})
    view = live_view(desk.feed.snapshot(time.time() - HISTORY_S), desk.zone)
    return JSONResponse(chart_points(view) | job_line(last_batches(desk.world.unit)))
