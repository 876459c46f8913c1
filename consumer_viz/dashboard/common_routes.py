"""What belongs to no page: the way in, the analyst's name, the stream of events."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from consumer_viz.dashboard.event_stream import Hub

router = APIRouter()
NAME_CHARS = 40
PAGES = ("live", "queue", "case", "quality", "models", "health")


@router.get("/")
def home() -> Response:
    """Lead to the queue."""
    return RedirectResponse("/queue", 303)


@router.post("/me")
async def rename(request: Request) -> Response:
    """Take the name that decisions are signed with."""
    form = await request.form()
    name = " ".join(str(form.get("name", "")).split())[:NAME_CHARS]
    if name:
        request.state.viewer.name = name
    back = str(form.get("back", "/queue"))
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\"))
    return RedirectResponse(back if is_ours else "/queue", 303)


@router.get("/events")
async def events(request: Request, page: str = "case", seq: int = 0) -> Response:
    """Stream what changes, as long as the page is open."""
    hub: Hub = request.app.state.hub
    name = page if page in PAGES else "case"
    return StreamingResponse(hub.listen(name, seq), media_type="text/event-stream")
