"""The stream of server-sent events that every page listens to."""

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from consumer_viz.dashboard.events.event_stream import Hub

router = APIRouter()
PAGES = ("live", "queue", "case", "quality", "models", "health")


@router.get("/events")
async def events(request: Request, page: str = "case", seq: int = 0) -> Response:
    """Stream what changes, as long as the page is open."""
    hub: Hub = request.app.state.hub
    name = page if page in PAGES else "case"
    return StreamingResponse(hub.listen(name, seq), media_type="text/event-stream")
