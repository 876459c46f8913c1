"""What a feature needs of its source: where that is missing, the feature is null, never 0.

The service's own clients report everything. A person's export does not: a scrobble has no listening time, a Spotify
file has no searches, and times cut to the minute have no gaps to measure.
"""

from collections.abc import Collection

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, INTERACTIONS
from contracts.features import LETTERS, OWN_HISTORY_FEATURES, VS_OWN

CLOCK_FEATURES = ("night_share", "plays_night", "hour_entropy", "quiet_window_h", "night_shift", "self_drift_hours")
"""Features of the listener's clock: without a time zone a day is one of UTC, and no hour is known to be night."""


def _shares(prefix: str, suffix: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{prefix}_{letter}_{suffix}" for letter, _ in zip(LETTERS, values, strict=False))


EXACT_MS = 1000
"""Times that are true to the second, or finer, have gaps to measure."""

NEEDS_FIELD: dict[str, tuple[str, ...]] = {
    "listen_ms": (
        "streams", "streams_day", "hours", "share_30_35", "share_under_35", "early_skip_5", "skip_rate",
        "completion_mean", "completion_sd", "listen_cv", "interaction_rate", "duty", "duty_24h", "overlap_s",
        "pause_mean_s", "longest_run_h", "quiet_window_h", "z_own_hours", "rz_own_hours",
    ),
    "reason_start": ("autoadvance_share",),
    "reason_end": ("skip_rate",),
    "device_id": ("n_devices", "dist_dev_id_cnt", "new_device", "new_device_and_network", "accounts_per_device"),
    "device_type": _shares("dev_type", "pct", DEVICES),
    "ip": ("n_ips", "accounts_per_ip"),
    "country": ("n_countries", "max_speed_kmh", "new_network", "new_device_and_network"),
    "network": ("hosting_share", "new_network", "new_device_and_network"),
    "context_id": ("context_hhi",),
    "track_id": (
        "repeat_ratio", "loop_share", "loop_lag", "dist_title_cnt", "artist_hhi", "top_artist_share",
        "self_drift_artists", "top_track_share", "tracks_per_day", "co_tracks", "co_share", "co_linked", "co_core",
        "co_tightness", "artist_top10", "lifted_by_few", "lifted_share", "lifted_core", "odd_in_artist", "surge_by_few",
        "surge_days",
    ),
}  # fmt: skip
"""Features of sessions and user-days by the field of a play that they are computed from."""
NEEDS_TRACK: dict[str, tuple[str, ...]] = {
    "artist_id": ("artist_hhi", "top_artist_share", "self_drift_artists", "artist_top10", "odd_in_artist"),
    "label_id": ("catalogue_flatness",),
    "duration_ms": ("completion_mean", "completion_sd"),
    "total_track_popularity": (
        "popularity_mean",
        "tail_mismatch",
        "lifted_by_few",
        "lifted_share",
        "lifted_core",
        "odd_in_artist",
        "surge_days",
    ),
}
"""Features by the column of the static table `tracks`."""
NEEDS_ACCOUNT: dict[str, tuple[str, ...]] = {
    "signed_up_on": ("account_age_days",),
    "plan": ("is_paid_plan",),
    "timezone": CLOCK_FEATURES,
}
"""Features by the column of the static table `users`."""
NEEDS_CLIENT: dict[str, tuple[str, ...]] = {
    "drm": ("dev_drm_mismatch", "dist_drm_cnt", *_shares("drm_type", "pct", DRMS)),
    "codec": ("dist_enc_frmt_cnt", *_shares("end_frmt", "pct", CODECS)),
    "cdm_version": ("dist_cdm_cnt",),
}
"""Features by the field of an activity row."""
NEEDS_ACTIONS: dict[str, tuple[str, ...]] = {
    "interaction_rate": INTERACTIONS,
    "actions_per_play": ACTIONS,
    "license_cnt": ("licence_request",),
    "license_rate_10min": ("licence_request",),
    "failed_start_cnt": ("failed_start",),
    "error_rate": ("failed_start",),
}
"""Features that count client actions: where a source never reports one of them, a count of 0 would be wrong."""
NEEDS_SECONDS = (
    "duty", "duty_24h", "overlap_s", "gap_entropy", "modal_gap_share", "gap_burstiness", "gap_memory", "pause_mean_s",
    "gap_regularity", "first_gaps_regularity", "gap_share_0", "gap_share_1", "gap_share_2", "gap_share_3",
)  # fmt: skip
"""Features of gaps and overlaps: with times cut to the minute, both would be wrong."""
NEEDS_MINUTES = ("minute_entropy", "periodicity", *(f"gap_share_{i}" for i in range(4, 11)))
"""Features of minutes: times cut to five of them, or to a quarter of an hour, have that period and no gap between."""
_MINUTE_MS = 60_000


def unmeasurable(actions: Collection[str], precision_ms: int, unknown: Collection[str] = ()) -> tuple[str, ...]:
    """Return the features that cannot be computed from a source, sorted.

    `actions`: those that the source reports. `precision_ms`: of its times. `unknown`: fields and columns that it lacks.

    >>> unmeasurable(ACTIONS, 1000, ["reason_end"])
    ('self_drift', 'skip_rate', 'skip_rate_vs_own')
    >>> unmeasurable(["licence_request"], 1000)
    ('actions_per_play', 'error_rate', 'failed_start_cnt', 'interaction_rate')
    """
    needs = NEEDS_FIELD | NEEDS_TRACK | NEEDS_ACCOUNT | NEEDS_CLIENT
    names = {name for name, needed in NEEDS_ACTIONS.items() if not set(needed) <= set(actions)}
    names |= {name for field in unknown for name in needs.get(field, ())}
    names |= set(NEEDS_SECONDS) if precision_ms > EXACT_MS else set()
    names |= set(NEEDS_MINUTES) if precision_ms > _MINUTE_MS else set()
    compared = {f"{name}{VS_OWN}" for name in names} & {*OWN_HISTORY_FEATURES}
    return tuple(sorted(names | compared | ({"self_drift"} if compared else set())))


_NO_CLIENT = (*NEEDS_CLIENT, "device_id", "network", "context_id")
_NO_STATIC = ("label_id", "duration_ms", "total_track_popularity", "signed_up_on", "plan")
_EXPORT = (*_NO_CLIENT, *_NO_STATIC)
_BASIC = (*_EXPORT, "reason_start", "reason_end", "device_type", "ip", "country")
_TIMESTAMPS = (*_BASIC, "listen_ms", "artist_id", "track_id")
_SOURCES: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "complete": (ACTIONS, 1, ()),
    "no_licences": (
        tuple(name for name in ACTIONS if name not in ("licence_request", "failed_start")), 1, tuple(NEEDS_CLIENT)
    ),
    "plays_only": ((), 1, tuple(NEEDS_CLIENT)),
    "extended_export": ((), EXACT_MS, _EXPORT),
    "exact_plays": ((), EXACT_MS, _BASIC),
    "basic_export": ((), 60_000, _BASIC),
    "scrobbles": ((), EXACT_MS, (*_BASIC, "listen_ms")),
    "coarse_scrobbles": ((), 60_000, (*_BASIC, "listen_ms")),
    "timestamps": ((), EXACT_MS, _TIMESTAMPS),
}  # fmt: skip
"""Sources that exist, each with the actions it reports, the precision of its times in ms, and the fields it lacks."""

SOURCE_PATTERNS: dict[str, frozenset[str]] = {
    f"{name}{suffix}": frozenset(unmeasurable(actions, precision_ms, (*unknown, *more)))
    for name, (actions, precision_ms, unknown) in _SOURCES.items()
    for suffix, more in (("", ()), ("_no_zone", ("timezone",)))
}
"""Patterns in which sources lack fields: name -> features that are not measurable, of sessions and user-days.

The session model is trained with each of them masked, and has a threshold for each. `_no_zone`: without a time zone."""
