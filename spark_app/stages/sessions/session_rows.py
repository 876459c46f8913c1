"""What makes a session, and the narrow shape of its rows: the columns that a session needs.

Narrow, because every byte crosses the shuffles and is written again in the state of each open session. Opaque ids that
are only counted or compared become 64-bit hashes; small values share one long.
"""

from contracts.events import ACTIVITY, PLAYS
from runtime.units import HOUR_MS, MINUTE_MS

_SHARED_FIELDS = ("session_id", "device_id", "device_type", "ip", "country", "network", "ts")
USED_FIELDS = {PLAYS: _SHARED_FIELDS, ACTIVITY: (*_SHARED_FIELDS, "drm", "codec")}
"""Fields that sessions need in addition to the checked ones, by topic."""

TOPIC_CODE = {PLAYS: 0, ACTIVITY: 1}
WATERMARK_DELAY_MS = MINUTE_MS
"""How far the watermark stays behind the newest event_time of the slower topic."""
WATERMARK_DELAY = f"{WATERMARK_DELAY_MS // MINUTE_MS} minute"
"""The same in Spark's words."""
SESSION_GAP_MS = 30 * MINUTE_MS
CUT_MS = 3 * HOUR_MS
"""Sessions are cut every 3 h, at a moment that differs by account, so that a bot that never stops is still scored."""

MAX_SESSION_ROWS = 2**16
"""Sessions are cut after so many rows too, six per second for three hours: else one account could fill the state of its
bucket, as what a service calls `anonymous` does. A power of 2: the last look at such a session is at its last row."""

IS_AUTOADVANCE, IS_SKIP = 1 << 5, 1 << 6
NO_START_REASON, NO_END_REASON = 1 << 11, 1 << 12
"""A play without a reason_start, or without a reason_end: it must not count as one with another reason."""
NETWORK_SHIFT, DEVICE_TYPE_SHIFT, COUNTRY_SHIFT, DRM_SHIFT, CODEC_SHIFT = 8, 13, 16, 32, 35
"""Layout of `code`: bits 0–4 action (0 for a play, else its index in ACTIONS + 1), 5 and 6 flags, 8–10 network (0 null,
else its index in NETWORKS + 1), 11 and 12 flags, 13–15 device type, 16–31 the two letters of the country, 32–34 DRM,
35–37 codec (0 null, the same)."""

ITEM = (
    "event_ms", "id_hash", "ts", "code", "lengths", "track_id", "artist", "popularity", "device", "ip", "session_id",
)  # fmt: skip
"""Fields of a row, in order. `lengths` is listen_ms << 32 | duration_ms (0 = not known); null without a listen_ms."""
ITEM_DDL = (
    "event_ms bigint, id_hash bigint, ts bigint, code bigint, lengths bigint, track_id string, artist bigint, "
    "popularity double, device bigint, ip bigint, session_id string"
)
