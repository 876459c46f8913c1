"""Decide, take back, appeal, settle: each a form with a token, a key that makes it count once, and the version seen."""

import secrets
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from consumer_viz.dashboard.csv_export import csv_file
from consumer_viz.dashboard.decisions.export import verdicts_csv
from consumer_viz.dashboard.decisions.rules import Conflict, Decision, Draft, Refused
from consumer_viz.dashboard.evidence.summary import headline, summarise
from consumer_viz.dashboard.index.cases import Case
from consumer_viz.dashboard.layout.render import desk_of, is_htmx, page
from contracts import verdicts as v

router = APIRouter()
KEY_CHARS = 64


def form_values(origin: str) -> dict[str, Any]:
    """Return what a fresh verdict form needs: a key of its own, and the page it stands on."""
    return {"key": secrets.token_urlsafe(16), "origin": origin, "problem": "", "conflict": None, "chosen": {}}


@router.post("/cases/{case_id}/verdict")
async def verdict(request: Request, case_id: str) -> Response:
    """Take one step on a case."""
    form = await request.form()
    return await run_in_threadpool(_verdict, request, case_id, form)


def _verdict(request: Request, case_id: str, form: FormData) -> Response:
    desk = desk_of(request)
    case = desk.cases.one(case_id)
    if case is None:
        raise HTTPException(404, "No such case.")
    try:
        decision = desk.store.write(_draft(case, form, request.state.viewer.name))
    except Conflict as conflict:
        return _again(request, case, form, 409, conflict=conflict)
    except Refused as refused:
        return _again(request, case, form, 422, problem=str(refused))
    if not is_htmx(request):
        return RedirectResponse(f"/cases/{case_id}", 303)
    return _done(request, case_id, decision, _text(form, "origin"))


def _draft(case: Case, form: FormData, analyst: str) -> Draft:
    """Read a form. Raises Refused."""
    seen, key = _text(form, "version"), _text(form, "key")
    if not seen.isdecimal() or not key or len(key) > KEY_CHARS:
        raise Refused("the form is incomplete: reload the page and try again")
    note = _text(form, "note").strip()
    if len(note) > v.NOTE_CHARS:
        raise Refused(f"the note has {len(note):,} characters, {v.NOTE_CHARS:,} are kept: shorten it")
    return Draft(
        case_id=case.case_id, user_id=case.user_id, step=_text(form, "step") or v.DECIDE, analyst=analyst,
        seen_version=int(seen), key=key, verdict=_text(form, "verdict"), reason_code=_text(form, "reason") or None,
        note=note or None, model_version=case.model_version, drawn_by=case.drawn_by,
        draw_probability=case.draw_probability, eur=case.eur, streams=case.streams,
    )  # fmt: skip


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _again(request: Request, case: Case, form: FormData, status: int, **why: Any) -> Response:
    """Show the form again with what went wrong, and what was chosen."""
    desk = desk_of(request)
    case = desk.cases.one(case.case_id) or case
    chosen = {name: _text(form, name) for name in ("verdict", "reason", "note", "step")}
    values = form_values(_text(form, "origin")) | {"chosen": chosen} | why
    name = "verdicts/verdict.html" if is_htmx(request) else "verdicts/refused.html"
    return page(request, name, status, summary=summarise(desk.cases, desk.usual, case), case=case, **values)


def _done(request: Request, case_id: str, decision: Decision, origin: str) -> Response:
    desk = desk_of(request)
    case = desk.cases.one(case_id)
    assert case is not None
    values = form_values(origin) | {"decision": decision, "words": headline(desk.cases, case)}
    return page(request, "verdicts/done.html", summary=summarise(desk.cases, desk.usual, case), case=case, **values)


@router.get("/verdicts.csv")
def all_verdicts(request: Request) -> Response:
    """Export every decision."""
    return csv_file(verdicts_csv(desk_of(request).store.all()), "playproof-verdicts.csv")
