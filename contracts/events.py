"""The rows that travel in topics `plays` and `activity`: their fields, closed vocabularies and row rules.

A message is a JSON list of objects. Every field is a string as it came from the source, except the integer `ts`.
The rules are declared here and applied in two places: by the job (spark_app/stages/parsing/row_rules.py), and again,
with separate code, by the reconciliation that checks the job (ops/reconcile/row_rules.py). A test compares the two.
"""

from dataclasses import dataclass
from typing import Literal

PLAYS, ACTIVITY = "plays", "activity"

ROWS_PER_BATCH = 200
"""Plays in a batch, and the most rows a message holds."""

STREAM_MS = 30_000
"""A play of at least this long is a stream: it earns a royalty."""

HEARTBEAT_USER = "__heartbeat__"
"""The reserved user_id of rows that only move the watermark."""

HEADER_ROWS, HEADER_BATCH, HEADER_CLOCK_MS, HEADER_HEARTBEAT = "rows", "batch", "clock_ms", "heartbeat"
HEADER_MESSAGE = "message"
"""The message's place among its topic's messages: how a replay that goes on after a crash knows what arrived."""
NUMERIC_HEADERS = {
    HEADER_CLOCK_MS: "-?[0-9]{1,18}", HEADER_ROWS: "[0-9]{1,7}", HEADER_BATCH: "[0-9]{1,18}",
    HEADER_MESSAGE: "[0-9]{1,18}",
}  # fmt: skip
"""How a header that is read as a number is written; another one is as good as none. Ten million rows fit no message."""

HEADER_RESENT = "resent"
"""Of rejected rows that are sent again: partition:offset:position of each in the same topic, with blanks between."""

AHEAD_MS = 5 * 60_000
"""A row further ahead of its message's clock is rejected: one event dated 2099 would make all later ones late."""
BEHIND_MS = 7 * 24 * 3_600_000
"""A row further than this behind its message's clock is rejected."""
CLOCK_AHEAD_MINUTES = 5
"""How far, unless a setting says otherwise, a message's clock and rows may be ahead of the time at which the broker
appended it. The watermark is everybody's: one producer whose clock is ahead would make the rows of all others late."""

MAX_ID_CHARS = 64
_END = r"(?![\s\S])"
"""The very end, in Python and Java alike: `$` lets a line feed pass, and in Java other separators too."""
TIME_PATTERN = r"^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z" + _END
MAX_MS_DIGITS = 8
MS_PATTERN = rf"^[0-9]{{1,{MAX_MS_DIGITS}}}" + _END

REASONS_START = ("fwdbtn", "trackdone", "clickrow", "backbtn", "appload", "trackerror", "playbtn", "remote", "unknown")
REASONS_END = (
    "fwdbtn", "trackdone", "endplay", "backbtn", "logout", "remote", "trackerror", "unexpected-exit", "unknown",
)  # fmt: skip
SKIP_REASONS = ("fwdbtn", "backbtn")
"""Ends by the listener's own hand, on the way to another track."""
CONTEXTS = ("collection", "catalogue", "editorial", "radio", "personalised", "charts")
DEVICES = ("mobile", "desktop", "speaker", "tv", "car", "web")
NETWORKS = ("residential", "mobile", "business", "hosting", "vpn")
DRMS = ("widevine", "fairplay", "playready", "none")
DRMS_OF: dict[str, tuple[str, ...]] = {
    "mobile": ("widevine", "fairplay"), "desktop": ("widevine", "fairplay", "playready"),
    "speaker": ("widevine", "none"), "tv": ("widevine", "fairplay", "playready"), "car": ("widevine", "fairplay"),
    "web": ("widevine", "fairplay", "playready"),
}  # fmt: skip
"""Which content protection a kind of device can use: each DRM's maker names its platforms (Android and Chrome;
Apple's systems and Safari; Windows, Edge, Xbox and smart TVs); only a bare speaker plays unprotected files."""
CODECS = ("aac", "ogg", "flac", "mp3")
ACTIONS = (
    "start", "end", "search", "click", "seek", "pause", "resume", "skip", "like", "login",
    "manifest_request", "licence_request", "failed_start", "download", "heartbeat",
)  # fmt: skip
INTERACTIONS = ("search", "click", "seek", "pause", "like")
"""Actions that only a hand makes: `interaction_rate` counts them."""

Kind = Literal["id", "time", "ms", "code", "text", "bool", "epoch_s"]


_EXPECTED = {
    "id": f"expected 1 to {MAX_ID_CHARS} characters",
    "time": "expected ISO 8601 UTC with milliseconds, 24 characters",
    "ms": f"expected whole milliseconds, at most {MAX_MS_DIGITS} digits",
    "code": "not in the vocabulary",
}
"""The rule of a checked field, by kind: the end of the reason of a row that breaks it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a row. A checked field is tested by the row rules; the others are kept as they came, or null."""

    name: str
    kind: Kind
    meaning: str
    is_checked: bool = False
    is_required: bool = False
    values: tuple[str, ...] = ()

    @property
    def rejection(self) -> str:
        """Reason of a row whose value of this checked field breaks the rules.

        >>> PLAY_FIELDS[5].rejection
        'listen_ms: expected whole milliseconds, at most 8 digits'
        """
        return f"{self.name}: {_EXPECTED[self.kind]}"


def _key(name: str, meaning: str, kind: Kind = "id") -> Field:
    return Field(name, kind, meaning, is_checked=True, is_required=True)


_CLIENT = (
    Field("device_id", "text", "the device, opaque"),
    Field("device_type", "code", "kind of device", values=DEVICES),
)
_PLACE = (
    Field("ip", "text", "address the client connected from; a keyed hash after ingest"),
    Field("country", "text", "ISO 3166 two-letter country of the address"),
    Field("network", "code", "kind of network of the address", values=NETWORKS),
    Field("ts", "epoch_s", "when the producer sent the batch, epoch seconds, the same in all its rows"),
)
_SESSION = Field("session_id", "text", "the client's own claim of a session: kept, never the grouping key")

PLAY_FIELDS: tuple[Field, ...] = (
    _key("play_id", "the play, unique and opaque"),
    _key("user_id", "the account"),
    _SESSION,
    _key("event_time", "when the play ended: ISO 8601 UTC with milliseconds, 24 characters", "time"),
    _key("track_id", "the track"),
    _key("listen_ms", "milliseconds heard", "ms"),
    Field("reason_start", "code", "why the play began", is_checked=True, values=REASONS_START),
    Field("reason_end", "code", "why the play ended", is_checked=True, values=REASONS_END),
    Field("context_type", "code", "what it was played from", values=CONTEXTS),
    Field("context_id", "text", "the playlist, artist or station it was played from"),
    Field("shuffle", "bool", "whether shuffle was on: true or false"),
    *_CLIENT,
    *_PLACE,
)
ACTIVITY_FIELDS: tuple[Field, ...] = (
    _key("event_id", "the activity row, unique and opaque"),
    _key("user_id", "the account"),
    _SESSION,
    _key("event_time", "when it happened: ISO 8601 UTC with milliseconds, 24 characters", "time"),
    Field("action", "code", "what the client did", is_checked=True, is_required=True, values=ACTIONS),
    Field("item_id", "text", "the track, playlist or search result it was done to"),
    *_CLIENT,
    Field("drm", "code", "content protection in use", values=DRMS),
    Field("cdm_version", "text", "version of the client's decryption module"),
    Field("codec", "code", "audio codec", values=CODECS),
    *_PLACE,
)
FIELDS: dict[str, tuple[Field, ...]] = {PLAYS: PLAY_FIELDS, ACTIVITY: ACTIVITY_FIELDS}
ID_FIELD = {PLAYS: "play_id", ACTIVITY: "event_id"}

NOT_AN_OBJECT = "row: not an object"
UNREADABLE = "message: not a list of rows"
MISSING = "message: fewer rows than its header counts"
NO_CLOCK = "message: no clock_ms header"
FAR_CLOCK = "message: clock_ms too far ahead of the broker's clock"
AHEAD = "event_time: over 5 minutes ahead of the sender's clock, or too far ahead of the broker's"
BEHIND = "event_time: over 7 days behind the sender's clock"
