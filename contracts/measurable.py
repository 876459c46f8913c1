"""What a feature needs of its source: where that is missing, the feature is null, never 0.

The service's own clients report everything. A person's export does not: a scrobble has no listening time, a Spotify
file has no searches, and times cut to the minute have no gaps to measure.
"""

from contracts.events import ACTIONS, INTERACTIONS

NEEDS_FIELD: dict[str, tuple[str, ...]] = {
    "listen_ms": (
        "streams", "streams_day", "hours", "share_30_35", "share_under_35", "early_skip_5", "skip_rate",
        "completion_mean", "completion_sd", "listen_cv", "interaction_rate", "duty", "duty_24h", "overlap_s",
        "pause_mean_s", "longest_run_h", "quiet_window_h", "z_own_hours", "rz_own_hours",
    ),
    "reason_start": ("autoadvance_share",),
    "reason_end": ("skip_rate",),
}  # fmt: skip
"""Features of sessions and user-days by the field of a play that they are computed from."""
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
)  # fmt: skip
"""Features of gaps and overlaps: with times cut to the minute, both would be wrong."""
