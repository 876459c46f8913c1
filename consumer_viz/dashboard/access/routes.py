"""Change the name that an analyst's decisions are signed with."""

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from consumer_viz.dashboard.access.sign_in import MAX_NAME_CHARS

router = APIRouter()


@router.post("/me")
async def rename(request: Request) -> Response:
    """Set the login's name, then go back to the page that the form was on."""
    if request.state.login.is_identified:
        raise HTTPException(403, "Your name comes from your sign-in: it cannot be changed here.")
    form = await request.form()
    name = " ".join(str(form.get("name", "")).split())[:MAX_NAME_CHARS]
    if name:
        request.state.login.name = name
    back = str(form.get("back", "/queue"))
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\"))
    return RedirectResponse(back if is_ours else "/queue", 303)
