"""Which features a source can tell: one that lacks what a feature is made of gives null, never 0.

A service's own clients report everything. A person's export does not: no scrobble says how long a track was heard, no
Spotify file has a search in it, and a time cut to the minute has no gaps to measure.
"""

from collections.abc import Collection

from contracts.events import ACTIONS, INTERACTIONS
from contracts.features import OWN_HISTORY_FEATURES, VS_OWN

NEEDS_FIELD: dict[str, tuple[str, ...]] = {
    "listen_ms": (
        "streams", "streams_day", "hours", "share_30_35", "share_under_35", "early_skip_5", "skip_rate",
        "completion_mean", "completion_sd", "listen_cv", "interaction_rate", "duty", "duty_24h", "overlap_s",
        "pause_mean_s", "longest_run_h", "quiet_window_h", "z_own_hours", "rz_own_hours",
    ),
    "reason_start": ("autoadvance_share",),
    "reason_end": ("skip_rate",),
}  # fmt: skip
"""Features of sessions and user-days by the field of a play that they are made of."""
NEEDS_ACTIONS: dict[str, tuple[str, ...]] = {
    "interaction_rate": INTERACTIONS,
    "actions_per_play": ACTIONS,
    "license_cnt": ("licence_request",),
    "license_rate_10min": ("licence_request",),
    "failed_start_cnt": ("failed_start",),
    "error_rate": ("failed_start",),
}
"""Features that count client actions: where a source never reports one of them, a count of 0 would be invented."""
NEEDS_SECONDS = (
    "duty", "duty_24h", "overlap_s", "gap_entropy", "modal_gap_share", "gap_burstiness", "gap_memory", "pause_mean_s",
)  # fmt: skip
"""Features of gaps and overlaps: times cut to the minute would make up both."""


def not_measurable(actions: Collection[str], precision_ms: int, unknown: Collection[str] = ()) -> tuple[str, ...]:
    """Return the features that a source cannot tell, sorted.

    `actions` are those that it reports, its times are true to `precision_ms`, and `unknown` are fields of a play that
    it never has.

    >>> not_measurable(ACTIONS, 1000, ["reason_end"])
    ('self_drift', 'skip_rate', 'skip_rate_vs_own')
    >>> not_measurable(["licence_request"], 1000)
    ('actions_per_play', 'error_rate', 'failed_start_cnt', 'interaction_rate')
    """
    names = {name for name, needed in NEEDS_ACTIONS.items() if not set(needed) <= set(actions)}
    names |= {name for field in unknown for name in NEEDS_FIELD.get(field, ())}
    names |= set(NEEDS_SECONDS) if precision_ms > 1000 else set()
    compared = {f"{name}{VS_OWN}" for name in names} & {*OWN_HISTORY_FEATURES}
    return tuple(sorted(names | compared | ({"self_drift"} if compared else set())))
