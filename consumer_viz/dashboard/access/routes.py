"""Change the name that an analyst's decisions are signed with."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

router = APIRouter()
MAX_NAME_CHARS = 40


@router.post("/me")
async def rename(request: Request) -> Response:
    """Set the login's name, then go back to the page that the form was on."""
    form = await request.form()
    name = " ".join(str(form.get("name", "")).split())[:MAX_NAME_CHARS]
    if name:
        request.state.login.name = name
    back = str(form.get("back", "/queue"))
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\"))
    return RedirectResponse(back if is_ours else "/queue", 303)
