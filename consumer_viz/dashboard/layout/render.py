"""Render templates. Every value is escaped, and characters that could reorder or hide text are made visible."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from consumer_viz.dashboard.decisions.due import time_left
from consumer_viz.dashboard.decisions.holds import Action
from consumer_viz.dashboard.state import AppState
from contracts import actions as a
from contracts import verdicts as v
from contracts.labels import CATEGORY_MEANINGS

PAGES_FOLDER = Path(__file__).resolve().parents[1]
"""Root of templates and scripts: a template is called "queue/queue.html", a script "/static/queue/queue.js"."""
_NUMBER_AND_UNIT = re.compile(r"(\d) (%|h|s|km)(?=\W|$)")
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
VERDICT_WORDS = {v.CONFIRM: "suspicion confirmed", v.DISMISS: "dismissed", v.NEED_MORE: "needs more", v.OPEN: "open",
                 v.PROPOSED: "confirmed once, waits for a second review"}  # fmt: skip
STEP_WORDS = {v.DECIDE: "decided", v.UNDO: "taken back", v.APPEAL: "appealed", v.UPHOLD: "appeal turned down",
              v.ROLL_BACK: "rolled back on appeal", v.SECOND: "confirmed in second review"}  # fmt: skip
CAMPAIGN_WORDS = {"lockstep": "same tracks in the same hours", "device": "shared devices",
                  "payment": "one payment method", "shared_tracks": "same odd tracks",
                  "lifted_tracks": "tracks that few make popular", "block": "same unpopular tracks"}  # fmt: skip
"""Kind of a campaign -> what its accounts share."""
REASON_WORDS = {code: words for reasons in v.REASONS.values() for code, words in reasons.items()}


def show_invisible(value: Any) -> Any:
    """Replace control and direction characters of a text by a visible sign: the text of an event may be hostile.

    >>> show_invisible("a\\u202eb")
    'a\ufffdb'
    """
    if isinstance(value, str) and not isinstance(value, Markup):
        return _INVISIBLE.sub("\ufffd", value)
    return "" if value is None else value


def local_time(value: str | float | int | None, zone: ZoneInfo, pattern: str = "%d %b %H:%M") -> str:
    """Write a time (ISO text, or epoch milliseconds) in the reader's zone."""
    if value is None or value == "":
        return "–"
    at = datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int | float) else datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone).strftime(pattern)


def age(value: str | None, now: str) -> str:
    """Write how long ago a time (ISO text) was, in its largest whole unit; empty where it is not known.

    >>> age("2025-03-01", "2025-03-03T12:00:00Z"), age("2025-03-03T11:30:00Z", "2025-03-03T12:00:00Z"), age(None, "")
    ('2 days', '30 min', '')
    """
    if not value:
        return ""
    at, until = (datetime.fromisoformat(text) for text in (value, now))
    minutes = max(0, int((until - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2 * 24 * 60 else f"{minutes // 60 // 24} days"


def hold_words(action: Action, now: str) -> str:
    """Write what an action does to the money.

    >>> from consumer_viz.dashboard.decisions.holds import Line
    >>> until, lines = "2025-06-01T00:00:00Z", (Line("s", "t", "2025-03", 4, 14000),)
    >>> hold = Action("a", "c", 1, "u", "hold", "verdict", "velocity", 1, None, "", until, lines)
    >>> hold_words(hold, "2025-03-03T00:00:00Z"), hold_words(hold, "2025-07-03T00:00:00Z")
    ('€0.01 of 1 session held back until 2025-06-01', '€0.01 of 1 session were held back until 2025-06-01')
    """
    if action.action != a.HOLD:
        return "given back after an appeal" if action.action == a.RESTORE else "nothing is held back any more"
    is_over = datetime.fromisoformat(action.expires_at or now) <= datetime.fromisoformat(now)
    count = len(action.sessions)
    what = f"€{action.eur:,.2f} of {count} {'session' if count == 1 else 'sessions'}"
    return f"{what} {'were ' if is_over else ''}held back until {(action.expires_at or '')[:10]}"


def keep_units(text: str) -> str:
    """Keep a number and its unit on one line.

    >>> keep_units("0 % to 95 %, 3 h")
    '0\xa0% to 95\xa0%, 3\xa0h'
    """
    return _NUMBER_AND_UNIT.sub("\\1\xa0\\2", text)


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(PAGES_FOLDER), autoescape=True, undefined=StrictUndefined, finalize=show_invisible,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    env.globals.update(
        v=v,
        verdict_words=VERDICT_WORDS,
        step_words=STEP_WORDS,
        reason_words=REASON_WORDS,
        campaign_words=CAMPAIGN_WORDS,
        category_meanings=CATEGORY_MEANINGS,
        query=urlencode,
    )
    env.filters |= {
        "local_time": local_time,
        "keep_units": keep_units,
        "age": age,
        "time_left": time_left,
        "hold_words": hold_words,
    }
    return env


ENVIRONMENT = _environment()


def state_of(request: Request) -> AppState:
    """Return the state of the application that got the request."""
    state: AppState = request.app.state.shared
    return state


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template for a request, with the values that every page needs."""
    state = state_of(request)
    html = ENVIRONMENT.get_template(template).render(
        login=request.state.login,
        state=state,
        zone=state.zone,
        path=request.url.path,
        now=state.store.now_text(),
        **values,
    )
    return HTMLResponse(html.encode("utf-8", "replace"), status)


def is_htmx(request: Request) -> bool:
    """Return whether htmx asks for a part of a page, not a browser for all of it."""
    return request.headers.get("hx-request") == "true"
