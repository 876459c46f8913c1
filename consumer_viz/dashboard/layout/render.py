"""Templates: every value is escaped, and characters that could reorder or hide text are shown as what they are."""

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

from consumer_viz.dashboard.state import Desk
from contracts import verdicts as v

FOLDER = Path(__file__).resolve().parents[1]
"""Of the pages: a template's name, and a script's address after /static, is its path in it."""
_UNIT = re.compile(r"(\d) (%|h|s|km)(?=\W|$)")
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
VERDICT_WORDS = {v.CONFIRM: "suspicion confirmed", v.DISMISS: "dismissed", v.NEED_MORE: "needs more", v.OPEN: "open"}
STEP_WORDS = {v.DECIDE: "decided", v.UNDO: "taken back", v.APPEAL: "appealed", v.UPHOLD: "appeal turned down",
              v.ROLL_BACK: "rolled back on appeal"}  # fmt: skip
REASON_WORDS = {code: words for reasons in v.REASONS.values() for code, words in reasons.items()}


def plain(value: Any) -> Any:
    """Show control and direction characters of a text as a sign; an event is a stranger's text.

    >>> plain("a\\u202eb")
    'a\ufffdb'
    """
    if isinstance(value, str) and not isinstance(value, Markup):
        return _INVISIBLE.sub("\ufffd", value)
    return "" if value is None else value


def moment(value: str | float | int | None, zone: ZoneInfo, form: str = "%d %b %H:%M") -> str:
    """Write a time (ISO text, or epoch milliseconds) in the reader's zone."""
    if value is None or value == "":
        return "–"
    at = datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int | float) else datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone).strftime(form)


def unbroken(text: str) -> str:
    """Keep a number and its unit on one line of a page.

    >>> unbroken("0 % to 95 %, 3 h")
    '0\xa0% to 95\xa0%, 3\xa0h'
    """
    return _UNIT.sub("\\1\xa0\\2", text)


def environment() -> Environment:
    """Make the one environment of templates."""
    env = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, finalize=plain,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    env.globals.update(
        v=v, verdict_words=VERDICT_WORDS, step_words=STEP_WORDS, reason_words=REASON_WORDS, query=urlencode,
    )  # fmt: skip
    env.filters |= {"moment": moment, "unbroken": unbroken}
    return env


ENVIRONMENT = environment()


def desk_of(request: Request) -> Desk:
    """Return the desk that the application serves."""
    desk: Desk = request.app.state.desk
    return desk


def page(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template for a request, with what every page needs."""
    desk = desk_of(request)
    html = ENVIRONMENT.get_template(name).render(
        viewer=request.state.viewer, desk=desk, zone=desk.zone, path=request.url.path, **values
    )
    return HTMLResponse(html.encode("utf-8", "replace"), status)


def is_htmx(request: Request) -> bool:
    """Tell whether a fragment is asked for, not a page."""
    return request.headers.get("hx-request") == "true"
