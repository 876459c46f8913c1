"""Write, test and run rules; let accounts and tracks pass. Each change is saved with the person's name."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from consumer_viz.dashboard.layout.render import page, state_of
from consumer_viz.dashboard.rules.rulefile import build_rulefile, exemptions, is_alone, shown_versions
from contracts.rules import EXEMPT, GRAINS, MAX_NOTE_CHARS, MAX_TEXT_CHARS, MAX_TITLE_CHARS, SESSION
from models.rules.backtest import back_test
from models.rules.errors import RuleError, RuleTextError
from models.rules.names import NAMES
from models.rules.parse import parse
from models.rules.store import known_people
from models.rules.wording import ROWS, format_rate
from runtime.monitoring.rules import rules_record

router = APIRouter()
CHECK, TRY, SAVE = "check", "try", "save"


@router.get("/rules")
def show(request: Request) -> Response:
    """Show all rules by state, what the job runs, the editor of a new rule, and the allow-list."""
    return _show(request)


def _show(request: Request, status: int = 200, **values: Any) -> Response:
    state, person = state_of(request), request.state.login.name
    lists: dict[str, Any] = {
        "shown": shown_versions(state, person),
        "job": rules_record(state.world.unit),
        "exemptions": exemptions(state),
        "exempt_kinds": EXEMPT,
        "is_alone": is_alone(state, person),
        "exempt_problem": "",
    }
    return page(request, "rules/rules.html", status, **(lists | editor_values() | values))


def editor_values(**values: Any) -> dict[str, Any]:
    """Return what the editor needs, with what a person has written."""
    empty: dict[str, Any] = {
        "rule_id": "", "title": "", "grain": SESSION, "text": "", "seen": 0, "error": None, "problem": "",
        "good": "", "test": None, "rows_of": ROWS, "format_rate": format_rate,
    }  # fmt: skip
    fixed = {"grains": GRAINS, "names": NAMES, "max_text": MAX_TEXT_CHARS, "max_title": MAX_TITLE_CHARS,
             "max_note": MAX_NOTE_CHARS}  # fmt: skip
    return empty | fixed | values


@router.get("/rules/{rule_id}")
def show_rule(request: Request, rule_id: str) -> Response:
    """Show one rule: its versions, the editor of the next one, its back-test, every step of it."""
    return _show_rule(request, rule_id)


def _show_rule(request: Request, rule_id: str, status: int = 200, **values: Any) -> Response:
    state, person = state_of(request), request.state.login.name
    try:
        file = build_rulefile(state, person, rule_id)
    except RuleError:
        raise HTTPException(404, "No such rule.") from None
    newest = file.versions[0].version
    written = editor_values(
        rule_id=rule_id, title=newest.title, grain=newest.grain, text=newest.expression, seen=newest.version,
        test=file.test,
    )  # fmt: skip
    return page(
        request, "rules/rule.html", status, file=file, newest=newest, is_alone=is_alone(state, person),
        **(written | {"step_problem": ""} | values),
    )  # fmt: skip


@router.post("/rules")
async def write(request: Request) -> Response:
    """Check a text, try it on what is there, or save it as the next version of a rule."""
    form = await request.form()
    return await run_in_threadpool(_write, request, form)


def _write(request: Request, form: FormData) -> Response:
    state, action = state_of(request), _text(form, "action")
    written = {name: _text(form, name) for name in ("rule_id", "title", "grain", "text")}
    written["text"] = written["text"].replace("\r\n", "\n")
    seen, is_next = _text(form, "seen"), _text(form, "is_next") == "1"
    values: dict[str, Any] = dict(written) | {"seen": int(seen) if seen.isdecimal() and len(seen) < 9 else 0}
    status = 200
    try:
        expression = parse(written["text"], written["grain"])
        if action == SAVE:
            saved = state.rules.draft(
                written["rule_id"], written["title"], written["grain"], written["text"], request.state.login.name,
                values["seen"],
            )  # fmt: skip
            return RedirectResponse(f"/rules/{saved.rule_id}", 303)
        values["good"] = f"The text is good. It names {', '.join(expression.names)}."
        if action == TRY:
            values["test"] = back_test(state.world, expression).as_dict()
    except RuleTextError as error:
        values["error"], status = error, 422
    except RuleError as error:
        values["problem"], status = str(error), 422
    if is_next:
        return _show_rule(request, values.pop("rule_id"), status, **values)
    return _show(request, status, **values)


@router.post("/rules/{rule_id}/test")
async def run_test(request: Request, rule_id: str) -> Response:
    """Back-test a version, and keep the result."""
    form = await request.form()
    return await run_in_threadpool(_test, request, rule_id, form)


def _test(request: Request, rule_id: str, form: FormData) -> Response:
    state = state_of(request)
    try:
        version = state.rules.version(rule_id, _number(form))
        result = back_test(state.world, parse(version.expression, version.grain))
        state.rules.add_test(rule_id, version.version, request.state.login.name, result.as_dict())
    except RuleError as error:
        return _show_rule(request, rule_id, 422, step_problem=str(error))
    return RedirectResponse(f"/rules/{rule_id}#test", 303)


@router.post("/rules/{rule_id}/step")
async def step(request: Request, rule_id: str) -> Response:
    """Take a version to its next state."""
    form = await request.form()
    return await run_in_threadpool(_step, request, rule_id, form)


def _step(request: Request, rule_id: str, form: FormData) -> Response:
    state, person = state_of(request), request.state.login.name
    try:
        people = known_people(state.world, state.rules)
        state.rules.step(rule_id, _number(form), _text(form, "state"), person, people, _text(form, "note").strip())
    except RuleError as error:
        return _show_rule(request, rule_id, 422, step_problem=str(error))
    return RedirectResponse(f"/rules/{rule_id}", 303)


@router.post("/exemptions")
async def exempt(request: Request) -> Response:
    """Let an account or track pass up to a day, or end that."""
    form = await request.form()
    return await run_in_threadpool(_exempt, request, form)


def _exempt(request: Request, form: FormData) -> Response:
    state, person = state_of(request), request.state.login.name
    kind, subject = _text(form, "kind"), _text(form, "subject").strip()
    try:
        if _text(form, "action") == "end":
            state.rules.end_exemption(kind, subject, person)
        else:
            state.rules.exempt(kind, subject, _text(form, "until"), _text(form, "why"), person)
    except RuleError as error:
        return _show(request, 422, exempt_problem=str(error))
    return RedirectResponse("/rules#allow", 303)


def _number(form: FormData) -> int:
    """Return the version that a form is about. Raises RuleError where it is none."""
    text = _text(form, "version")
    if not text.isdecimal() or len(text) > 8:
        raise RuleError("the form is incomplete: reload the page and try again")
    return int(text)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
