"""The stream of server-sent events that every page listens to."""

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from consumer_viz.dashboard.access.parameters import Number
from consumer_viz.dashboard.events.event_stream import EventStream

router = APIRouter()
PAGES = ("live", "queue", "case", "ring", "quality", "models", "health")


@router.get("/events")
async def events(request: Request, page: str = "case", seq: Number = 0) -> Response:
    """Stream what changes, as long as the page is open. `seq`: the newest case that the page shows."""
    stream: EventStream = request.app.state.event_stream
    name = page if page in PAGES else "case"
    return StreamingResponse(stream.subscribe(name, seq), media_type="text/event-stream")
