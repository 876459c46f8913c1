"""Take a step on a case: decide, undo, appeal, settle an appeal; and export all decisions.

Each form carries a CSRF token, a key that makes it count once, and the version of the verdict that the analyst saw.
"""

import secrets
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from consumer_viz.dashboard.access.parameters import LARGEST
from consumer_viz.dashboard.access.rights import Right
from consumer_viz.dashboard.access.sign_in import Login
from consumer_viz.dashboard.csv_export import csv_file
from consumer_viz.dashboard.decisions.rules import Decision, Draft, InvalidDecision, VersionConflict
from consumer_viz.dashboard.evidence.held import held_lines
from consumer_viz.dashboard.evidence.summary import headline, summarise
from consumer_viz.dashboard.index.cases import Case
from consumer_viz.dashboard.layout.render import is_htmx, page, state_of
from consumer_viz.dashboard.state import AppState
from consumer_viz.dashboard.verdicts.export import verdicts_csv
from contracts import verdicts as v

router = APIRouter()
MAX_KEY_CHARS = 64


def form_values(origin: str) -> dict[str, Any]:
    """Return what a new decision form needs: a key, and the page it is on."""
    return {"key": secrets.token_urlsafe(16), "origin": origin, "problem": "", "conflict": None, "chosen": {}}


@router.post("/cases/{case_id}/verdict")
async def verdict(request: Request, case_id: str) -> Response:
    """Take one step on a case."""
    form = await request.form()
    return await run_in_threadpool(_take_step, request, case_id, form)


def _take_step(request: Request, case_id: str, form: FormData) -> Response:
    state = state_of(request)
    case = state.cases.one(case_id)
    if case is None:
        raise HTTPException(404, "No such case.")
    try:
        decision = state.store.write(_draft(state, case, form, request.state.login))
    except VersionConflict as conflict:
        return _show_form_again(request, case, form, 409, conflict=conflict)
    except InvalidDecision as error:
        return _show_form_again(request, case, form, 422, problem=str(error))
    if not is_htmx(request):
        return RedirectResponse(f"/cases/{case_id}", 303)
    return _show_result(request, case_id, decision, _text(form, "origin"))


def _draft(state: AppState, case: Case, form: FormData, login: Login) -> Draft:
    """Read a form. Raises InvalidDecision."""
    version, key = _text(form, "version"), _text(form, "key")
    if not version.isdecimal() or int(version) > LARGEST or not key or len(key) > MAX_KEY_CHARS:
        raise InvalidDecision("the form is incomplete: reload the page and try again")
    note = _text(form, "note").strip()
    if len(note) > v.NOTE_CHARS:
        raise InvalidDecision(f"the note has {len(note):,} characters, {v.NOTE_CHARS:,} are allowed: shorten it")
    lines = held_lines(state.index, [case.user_id]) if _text(form, "verdict") == v.CONFIRM else {}
    of_rings = [float(ring["eur"]) for ring in state.rings.of_account(case.user_id)]
    step, latest = _text(form, "step") or v.DECIDE, state.store.latest(case.case_id)
    # a later step is about what was decided: rows that it was decided on may be gone
    basis = case if step == v.DECIDE or latest is None else latest
    grounds = summarise(state.accounts, state.honest, case).lines if step == v.DECIDE else []
    return Draft(
        case_id=case.case_id, user_id=case.user_id, step=step, analyst=login.name,
        seen_version=int(version), key=key, verdict=_text(form, "verdict"), reason_code=_text(form, "reason") or None,
        note=note or None, model_version=basis.model_version, drawn_by=basis.drawn_by,
        draw_probability=basis.draw_probability, eur=basis.eur, streams=basis.streams,
        may_review=login.may(Right.REVIEW), is_identified=login.is_identified, lines=lines.get(case.user_id, ()),
        sum_eur=max(of_rings, default=None), last_scored_at=case.last_scored_at, grounds=tuple(grounds),
        seen_scored_at=None if case.is_hidden or "scored" not in form else _text(form, "scored"),
    )  # fmt: skip


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _show_form_again(request: Request, case: Case, form: FormData, status: int, **why: Any) -> Response:
    """Show the form with what was chosen, and why it was not saved."""
    state = state_of(request)
    case = state.cases.one(case.case_id) or case
    chosen = {name: _text(form, name) for name in ("verdict", "reason", "note", "step")}
    values = form_values(_text(form, "origin")) | {"chosen": chosen} | why
    template = "verdicts/verdict.html" if is_htmx(request) else "verdicts/refused.html"
    summary = summarise(state.accounts, state.honest, case)
    return page(request, template, status, summary=summary, case=case, **values)


def _show_result(request: Request, case_id: str, decision: Decision, origin: str) -> Response:
    """Show a new form, and where the queue is open, the case's new row and a message with an undo button."""
    state = state_of(request)
    case = state.cases.one(case_id)
    if case is None:
        raise HTTPException(404, "No such case.")
    values = form_values(origin) | {"decision": decision, "headline": headline(state.accounts, state.honest, case)}
    summary = summarise(state.accounts, state.honest, case)
    return page(request, "verdicts/done.html", summary=summary, case=case, **values)


@router.get("/verdicts.csv")
def all_verdicts(request: Request) -> Response:
    """Export every decision."""
    return csv_file(verdicts_csv(state_of(request).store.all()), "playproof-verdicts.csv")
