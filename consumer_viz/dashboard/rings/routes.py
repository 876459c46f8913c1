"""A ring of accounts on one page: look at what binds them, tick some or all, decide once, undo once."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from consumer_viz.dashboard.access.parameters import LARGEST
from consumer_viz.dashboard.access.rights import Right
from consumer_viz.dashboard.access.sign_in import Login
from consumer_viz.dashboard.decisions.rules import Draft, InvalidDecision
from consumer_viz.dashboard.decisions.together import Together, decide_together, ring_cases, ring_verdict, undo_together
from consumer_viz.dashboard.evidence.held import held_lines
from consumer_viz.dashboard.evidence.summary import summarise
from consumer_viz.dashboard.index.cases import Case
from consumer_viz.dashboard.index.ring_cases import Ring
from consumer_viz.dashboard.layout.render import is_htmx, page, state_of
from consumer_viz.dashboard.rings.ringfile import MAX_MEMBERS, build_ringfile
from consumer_viz.dashboard.team.routes import team_values
from consumer_viz.dashboard.verdicts.routes import MAX_KEY_CHARS, form_values
from contracts import verdicts as v

router = APIRouter()


def _ring(request: Request, ring_id: str) -> Ring:
    ring = state_of(request).rings.one(ring_id)
    if ring is None:
        raise HTTPException(404, "No such ring: a later daily run may have found other accounts.")
    return ring


@router.get("/rings/{ring_id}")
def show(request: Request, ring_id: str) -> Response:
    """Show the whole ring."""
    return _show(request, "rings/ring.html", ring_id)


def _show(request: Request, template: str, ring_id: str, status: int = 200, **values: Any) -> Response:
    state = state_of(request)
    last = ring_verdict(state.store, ring_id)
    if state.rings.one(ring_id) is None and (decided := ring_cases(state.store, ring_id)):
        kept = {"decided": decided, "last": last, "ring_id": ring_id, "problem": ""} | values
        return page(request, "rings/kept.html", status, **kept)
    file = build_ringfile(state, _ring(request, ring_id))
    shown = file.members[:MAX_MEMBERS]
    result: dict[str, Any] = {"done": None, "names": {m.case.case_id: m.case.user_id for m in file.members}}
    all_values = (
        form_values("ring")
        | team_values(state, ring_id)
        | result
        | {"file": file, "ring": file.ring, "members": shown, "last": last}
        | values
    )
    return page(request, template, status, **all_values)


@router.get("/rings/{ring_id}/panel")
def panel(request: Request, ring_id: str) -> Response:
    """Show a preview of a ring next to the queue."""
    ring = _ring(request, ring_id)
    return page(request, "rings/panel.html", ring=ring, **team_values(state_of(request), ring_id))


@router.get("/rings/{ring_id}/members/{case_id}")
def member(request: Request, ring_id: str, case_id: str) -> Response:
    """Show one member's own evidence next to the list of members."""
    state = state_of(request)
    case = state.cases.one(case_id)
    if case is None or case.is_hidden:
        raise HTTPException(404, "No such member.")
    return page(request, "rings/member.html", summary=summarise(state.accounts, state.honest, case), case=case)


@router.post("/rings/{ring_id}/verdict")
async def verdict(request: Request, ring_id: str) -> Response:
    """Decide the ticked members, all at once.

    Where most of those that wait are ticked, the others are exceptions: they are in the queue one by one from then on.
    """
    form = await request.form()
    return await run_in_threadpool(_decide, request, ring_id, form)


def _decide(request: Request, ring_id: str, form: FormData) -> Response:
    state = state_of(request)
    ring = _ring(request, ring_id)
    cases = {case.case_id: case for case in state.rings.members(ring_id)}
    try:
        key, versions = _text(form, "key"), _ticked(form)
        if not key or len(key) > MAX_KEY_CHARS:
            raise InvalidDecision("the form is incomplete: reload the page and try again")
        ticked = [case_id for case_id in versions if case_id in cases]
        users = [cases[case_id].user_id for case_id in ticked]
        lines = held_lines(state.index, users) if _text(form, "verdict") == v.CONFIRM else {}
        login = request.state.login
        drafts = [
            replace(
                _draft(cases[case_id], versions[case_id], form, f"{key}:{case_id}", login),
                sum_eur=ring.eur,
                is_of_ring=True,
                lines=lines.get(cases[case_id].user_id, ()),
                grounds=tuple(ring.reasons),
            )
            for case_id in ticked
        ]
        waiting = [case.case_id for case in cases.values() if not case.is_decided or case.is_back or case.is_proposed]
        others = [waiting_id for waiting_id in waiting if waiting_id not in versions]
        left_out = others if len(others) < len(waiting) / 2 else []
        done = decide_together(state.store, ring_id, key, drafts, left_out)
    except InvalidDecision as error:
        template = "rings/body.html" if is_htmx(request) else "rings/ring.html"
        chosen = {name: _text(form, name) for name in ("verdict", "reason", "note")}
        return _show(request, template, ring_id, 422, problem=str(error), chosen=chosen)
    return _show_done(request, ring_id, done)


def _ticked(form: FormData) -> dict[str, int]:
    """Return the ticked cases with the version of the verdict that the page showed. Raises InvalidDecision."""
    ticked = {}
    for value in form.getlist("case"):
        case_id, _, version = str(value).partition(":")
        if not version.isdecimal() or int(version) > LARGEST:
            raise InvalidDecision("the form is incomplete: reload the page and try again")
        ticked[case_id] = int(version)
    return ticked


def _draft(case: Case, version: int, form: FormData, key: str, login: Login) -> Draft:
    note = _text(form, "note").strip()
    if len(note) > v.NOTE_CHARS:
        raise InvalidDecision(f"the note has {len(note):,} characters, {v.NOTE_CHARS:,} are allowed: shorten it")
    return Draft(
        case_id=case.case_id, user_id=case.user_id, step=v.DECIDE, analyst=login.name, seen_version=version, key=key,
        verdict=_text(form, "verdict"), reason_code=_text(form, "reason") or None, note=note or None,
        model_version=case.model_version, drawn_by=case.drawn_by, draw_probability=case.draw_probability, eur=case.eur,
        streams=case.streams, may_review=login.may(Right.REVIEW), is_identified=login.is_identified,
        last_scored_at=case.last_scored_at,
    )  # fmt: skip


@router.post("/rings/{ring_id}/undo")
async def undo(request: Request, ring_id: str) -> Response:
    """Take back a verdict on many members, all at once."""
    form = await request.form()
    return await run_in_threadpool(_undo, request, ring_id, form)


def _undo(request: Request, ring_id: str, form: FormData) -> Response:
    try:
        done = undo_together(state_of(request).store, _text(form, "together"), request.state.login.name)
    except InvalidDecision as error:
        template = "rings/body.html" if is_htmx(request) else "rings/ring.html"
        return _show(request, template, ring_id, 422, problem=str(error))
    return _show_done(request, ring_id, done)


def _show_done(request: Request, ring_id: str, done: Together) -> Response:
    """Show the ring as it is now, and what was not saved because somebody else decided in between."""
    if is_htmx(request):
        return _show(request, "rings/body.html", ring_id, done=done)
    if done.refused:
        return _show(request, "rings/ring.html", ring_id, 409, done=done)
    return RedirectResponse(f"/rings/{ring_id}", 303)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
