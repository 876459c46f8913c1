"""Take a lease on a case or ring, assign it, hold it until a day, escalate it."""

from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response

from consumer_viz.dashboard.access.parameters import LARGEST
from consumer_viz.dashboard.decisions.assignments import assignment_of, change_assignment, known_analysts
from consumer_viz.dashboard.decisions.leases import live_leases, release_leases, take_lease
from consumer_viz.dashboard.decisions.rules import InvalidDecision
from consumer_viz.dashboard.layout.render import is_htmx, page, state_of
from consumer_viz.dashboard.state import AppState

router = APIRouter()
MAX_PAGE_CHARS = 64
HOLD_DAYS = 7
"""Days that a hold lasts unless another day is chosen."""


def team_values(state: AppState, subject: str) -> dict[str, Any]:
    """Return what the team's part of a page needs: who has the case or ring, and who looks at it."""
    until = date.fromisoformat(state.store.now_text()[:10]) + timedelta(days=HOLD_DAYS)
    return {
        "subject": subject,
        "assignment": assignment_of(state.store, subject),
        "looking": live_leases(state.store).get(subject),
        "analysts": known_analysts(state.store),
        "usual_hold": until.isoformat(),
        "team_problem": "",
    }


def _check_subject(state: AppState, subject: str) -> str:
    if state.rings.one(subject) is None and state.cases.one(subject) is None:
        raise HTTPException(404, "No such case.")
    return subject


@router.post("/leases/{subject}")
async def look(request: Request, subject: str) -> Response:
    """Take or renew a lease for the page that is open; answer with who has it."""
    form = await request.form()
    return await run_in_threadpool(_look, request, subject, form)


def _look(request: Request, subject: str, form: FormData) -> Response:
    state, page_id = state_of(request), str(form.get("page", ""))[:MAX_PAGE_CHARS]
    _check_subject(state, subject)
    is_over = form.get("take_over") == "1"
    lease = take_lease(state.store, subject, request.state.login.name, page_id, take_over=is_over)
    return JSONResponse({"analyst": lease.analyst, "is_mine": lease.analyst == request.state.login.name})


@router.post("/leases")
async def close(request: Request) -> Response:
    """Give up the lease of a page that is closed."""
    form = await request.form()
    page_id = str(form.get("page", ""))[:MAX_PAGE_CHARS]
    await run_in_threadpool(release_leases, state_of(request).store, page_id)
    return Response(status_code=204)


@router.post("/team/{subject}")
async def change(request: Request, subject: str) -> Response:
    """Assign, hold, escalate or release a case or ring."""
    form = await request.form()
    return await run_in_threadpool(_change, request, subject, form)


def _change(request: Request, subject: str, form: FormData) -> Response:
    state, step, analyst = state_of(request), str(form.get("step", "")), request.state.login.name
    _check_subject(state, subject)
    problem, status = "", 200
    try:
        version = str(form.get("version", ""))
        if not version.isdecimal() or int(version) > LARGEST:
            raise InvalidDecision("the form is incomplete: reload the page and try again")
        value = str(form.get("assignee" if step == "assign" else "until", ""))
        change_assignment(state.store, subject, step, analyst, int(version), value, str(form.get("note", "")))
    except InvalidDecision as error:
        problem, status = str(error), 422
    values = team_values(state, subject) | {"team_problem": problem}
    if not is_htmx(request):
        if problem:
            return page(
                request, "layout/error.html", status, message=f"{problem[0].upper()}{problem[1:]}.", code=status
            )
        return RedirectResponse(f"/{'rings' if subject.startswith('r-') else 'cases'}/{subject}", 303)
    return page(request, "team/team.html", status, **values)
