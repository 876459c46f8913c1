"""eventsim: the log of a simulated music site, one JSON object a line (github.com/Interana/eventsim).

Fields: ts (ms), userId (empty when logged out), sessionId, page, auth, method, status, level, itemInSession,
location, userAgent, registration (ms), and for page `NextSong` song, artist, length (s). A song's line is written
when it **begins**: `listen_ms` is null (the next line tells when the listener moved on, not what was heard).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from contracts.events import ACTIVITY, PLAYS
from producer.importers.files import SourceFile
from producer.importers.layout import NO_TRACK, BadRow, Layout, Options, Row, Track, each_line, text_of
from producer.importers.times import Moment, parse_moment

PLAY_PAGE = "NextSong"
PAGES = {
    "Thumbs Up": "like", "Login": "login", "Logout": "end", "Search": "search", "Search Results": "search",
    **dict.fromkeys(
        ("Thumbs Down", "Add to Playlist", "Add Friend", "Home", "News", "About", "Help", "Settings", "Save Settings",
         "Upgrade", "Submit Upgrade", "Downgrade", "Submit Downgrade", "Cancel", "Cancellation Confirmation",
         "Register", "Submit Registration"),
        "click",
    ),
}  # fmt: skip
"""The action that a page means: a page that a hand opens is a click. Adverts and errors are none of them."""
PLANS = {"free": "free", "paid": "premium"}
_PHONES = ("iphone", "ipad", "android", "mobile")


def recognises(file: SourceFile) -> bool:
    head = file.head.lstrip()
    return head.startswith("{") and '"page"' in head and '"userId"' in head and '"ts"' in head


def rows(file: SourceFile, options: Options) -> Iterator[Row | BadRow]:
    return each_line(file, lambda line: read(line, options))


def read(line: str, options: Options) -> Row:
    """Read one line. `--user` does not apply: a log has many accounts."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadRow("line: not JSON") from None
    if not isinstance(record, dict):
        raise BadRow("not an object")
    user = text_of(record.get("userId"))
    if user is None:
        raise BadRow("no userId: logged out")
    moment = parse_moment(str(record.get("ts")))
    if moment is None:
        raise BadRow("ts: not milliseconds since the epoch")
    values = {"session_id": text_of(record.get("sessionId")), "device_type": _device_type(record.get("userAgent"))}
    if record.get("page") == PLAY_PAGE:
        return _row(PLAYS, user, moment, values, record, _track(record))
    action = PAGES.get(str(record.get("page")))
    if action is None:
        raise BadRow(f"page {str(record.get('page'))[:30]}: no client action")
    return _row(ACTIVITY, user, moment, values | {"action": action}, record, None)


def _row(
    topic: str, user: str, moment: Moment, values: dict[str, Any], record: dict[str, Any], track: Track | None
) -> Row:
    registered = parse_moment(str(record.get("registration")))
    signed_up_on = None if registered is None else datetime.fromtimestamp(registered.ms / 1000, UTC).date()
    plan = PLANS.get(str(record.get("level")))
    return Row(topic, user, moment.ms, moment.precision_ms, values, track, signed_up_on, plan)


def _track(record: dict[str, Any]) -> Track:
    title, length = text_of(record.get("song")), record.get("length")
    if title is None:
        raise BadRow(NO_TRACK)
    duration_ms = round(length * 1000) if isinstance(length, int | float) and 0 < length < 86_400 else None
    return Track(title, text_of(record.get("artist")), duration_ms)


def _device_type(agent: Any) -> str | None:
    """A browser, on a phone or elsewhere; None where there is none."""
    agent_text = text_of(agent)
    if agent_text is None:
        return None
    return "mobile" if any(phone in agent_text.lower() for phone in _PHONES) else "web"


LAYOUT = Layout(
    "eventsim",
    "logs of eventsim, a JSON object a line",
    recognises,
    rows,
    actions=tuple(sorted(set(PAGES.values()))),
)
