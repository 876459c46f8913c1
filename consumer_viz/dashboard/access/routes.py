"""The analyst's name."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

router = APIRouter()
NAME_CHARS = 40


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
