"""The features of an account over 7 or 28 days: what no session and no day can show.

A window is an account's rows of the local days up to and with its last one. Features that a session has too mean the
same over the whole window. Null means "not measurable here", never 0.
"""

from itertools import pairwise

from contracts.column import Column
from contracts.features import SESSION_FEATURES, Feature

WINDOWS_DAYS = (7, 28)
"""Lengths of the windows."""
WINDOW_STEP_DAYS = 7
"""A window ends every so many days, counted back from the newest day: the daily run adds the newest ones."""
GAP_EDGES_S = (2.0, 10.0, 35.0, 60.0, 120.0, 240.0, 600.0, 1800.0, 7200.0, 28_800.0)
"""Edges of the histogram of gaps between starts, in seconds; a play of 30 s and a pause is under 35."""

_OF_SESSION = {feature.name: feature for feature in SESSION_FEATURES}
OVER_THE_WINDOW = (
    "gap_entropy", "modal_gap_share", "gap_burstiness", "gap_memory", "share_30_35", "share_under_35", "skip_rate",
    "completion_mean", "listen_cv", "interaction_rate", "autoadvance_share", "night_share", "artist_hhi",
    "top_artist_share", "repeat_ratio", "loop_share", "popularity_mean", "n_devices", "n_ips", "n_countries",
    "hosting_share", "hours",
)  # fmt: skip
"""Features of a session that a window has too."""
OF_SESSIONS = ("sessions_scored", "log_odds_mean", "log_odds_sum", "log_odds_top3")
"""Features that need scored sessions."""

BETWEEN_ACCOUNTS = (
    Feature(
        "co_tracks",
        "count",
        "tracks that it and a few others play far more than chance lets expect",
        "odd tracks that few others play too",
    ),
    Feature("co_share", "share", "share of plays of those tracks", "plays of odd tracks that few others play too"),
    Feature(
        "co_linked",
        "count",
        "accounts with which it shares at least 2 of those tracks",
        "accounts with the same odd tracks",
    ),
    Feature(
        "co_core",
        "count",
        "largest k such that it is in a group in which each has k such links",
        "size of its tightest group",
    ),
    Feature(
        "co_tightness",
        "share",
        "mean overlap of its odd tracks with those of linked accounts",
        "overlap of odd tracks with others",
    ),
    Feature(
        "artist_top10",
        "share",
        "share of its top artist's plays that the artist's 10 busiest accounts make; at least 30 plays",
        "part of its top artist's plays that ten accounts make",
    ),
    Feature(
        "lifted_by_few",
        "share",
        "share of plays of tracks with over 3 times the plays that their popularity explains, each divided by the "
        "accounts that repeat it, at least 3",
        "plays of tracks that a few accounts push",
    ),
    Feature(
        "lifted_share",
        "share",
        "share of plays of such tracks, each times the share of its plays by accounts that repeat it",
        "plays of tracks that a group pushes",
    ),
    Feature(
        "lifted_core",
        "count",
        "largest k such that it is in a group in which each shares 2 such tracks, of at most 30 accounts, with k "
        "others",
        "size of its tightest group around pushed tracks",
    ),
    Feature(
        "odd_in_artist",
        "share",
        "share of plays of such tracks that are far more of its plays of their artist than popularity lets expect",
        "plays of one track rather than of its artist",
    ),
    Feature(
        "surge_by_few",
        "share",
        "share of plays on days on which a track has over 2 times its plays of other days, each divided by the "
        "accounts that repeat it that day, at least 3",
        "plays of tracks on the days on which a few accounts push them",
    ),
    Feature(
        "surge_days",
        "days",
        "days on which it and 2 others repeat a track with over 2 times the plays that its popularity explains",
        "days of pushing a track together with others",
    ),
)
"""Features of what other accounts did in the same window: null in a world of fewer accounts than MIN_ACCOUNTS."""
MIN_ACCOUNTS = 50
_GAP_SHARES = tuple(
    Feature(f"gap_share_{i}", "share", f"share of gaps between starts {meaning}", f"gaps {meaning}")
    for i, meaning in enumerate(
        (
            f"under {GAP_EDGES_S[0]:g} s",
            *(f"of {low:g} to {high:g} s" for low, high in pairwise(GAP_EDGES_S)),
            f"of {GAP_EDGES_S[-1]:g} s or more",
        )
    )
)
WINDOW_FEATURES: tuple[Feature, ...] = (
    Feature("plays_per_day", "count", "plays / active days", "plays per active day"),
    Feature("active_share", "share", "active days / days of the window", "days with listening"),
    Feature("days_in_a_row", "days", "most active days in a row", "days in a row without a rest"),
    Feature(
        "days_before",
        "days",
        "days without a row before the window's first active day, at most 28",
        "days of rest before it began",
    ),
    Feature(
        "longest_wake_h",
        "h",
        "longest stretch of rows without a pause of 2 hours",
        "longest stretch without a pause of 2 h",
    ),
    Feature("longest_rest_h", "h", "longest pause of over 30 minutes between two plays, or 0", "longest rest"),
    Feature(
        "gap_regularity",
        "share",
        "1 - entropy of log-binned gaps between starts / log2 of their number; at least 8 gaps",
        "regularity of gaps between starts",
    ),
    Feature(
        "first_gaps_regularity",
        "share",
        "gap_regularity over the window's first 100 gaps",
        "regularity of its first 100 gaps",
    ),
    Feature(
        "plays_day_cv",
        "ratio",
        "standard deviation / mean of the plays of an active day; at least 3 days",
        "spread of plays from day to day",
    ),
    Feature(
        "hours_alike",
        "share",
        "mean overlap of the hours of starts of an active day with those of the one before; at least 3 days",
        "likeness of the hours from day to day",
    ),
    Feature(
        "runs_per_day",
        "count",
        "runs of plays without a pause of 30 minutes / active days",
        "runs of plays per active day",
    ),
    Feature(
        "run_plays_cv",
        "ratio",
        "standard deviation / mean of the plays of a run; at least 3 runs",
        "spread of the length of its runs",
    ),
    Feature(
        "hour_entropy",
        "bits",
        "entropy of the hour of starts; at least 20 plays",
        "spread of starts over the hours of the day (4.6: around the clock)",
    ),
    Feature(
        "quiet_h",
        "h",
        "longest stretch of the clock, in whole hours, without a start",
        "part of the clock that is always quiet",
    ),
    Feature("top_track_share", "share", "largest track's share of plays", "plays of its top track"),
    Feature("tracks_per_day", "count", "distinct tracks / active days", "tracks per active day"),
    *(_OF_SESSION[name] for name in OVER_THE_WINDOW),
    *_GAP_SHARES,
    *BETWEEN_ACCOUNTS,
    Feature("sessions_scored", "count", "scored sessions", "sessions"),
    Feature("log_odds_mean", "log-odds", "mean of the sessions' log-odds", "mean score of its sessions"),
    Feature(
        "log_odds_sum",
        "log-odds sum",
        "sum of the sessions' log-odds above those of a usual session",
        "scores of its sessions, added up",
    ),
    Feature(
        "log_odds_top3", "log-odds", "mean of the three highest log-odds", "score of its three most suspicious sessions"
    ),
)
WINDOW_FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in WINDOW_FEATURES)
TIMING_FEATURES: tuple[str, ...] = (
    "plays_per_day", "active_share", "days_in_a_row", "days_before", "longest_wake_h", "longest_rest_h",
    "gap_regularity", "first_gaps_regularity", "plays_day_cv", "hours_alike", "runs_per_day", "run_plays_cv",
    "hour_entropy", "quiet_h", "gap_entropy", "modal_gap_share", "gap_burstiness", "gap_memory",
    *(f.name for f in _GAP_SHARES),
)  # fmt: skip
"""Those that need no more than who played when."""

ACCOUNT_WINDOWS = (
    Column("user_id", "string", "the account"),
    Column("last_day", "date", "last local day of the window"),
    Column("days", "int", "length of the window"),
    Column("plays", "bigint", "plays of the window"),
    *(Column(f.name, "double", f"{f.meaning} [{f.unit}]") for f in WINDOW_FEATURES),
    Column("log_odds", "double", "log-odds of a bot by the trees, without what the source cannot tell"),
    Column("probability", "double", "of a bot, at natural prevalence, at least, of a flagged window; 0 for others"),
    Column("is_flagged", "boolean", "suspected over these days: a person decides"),
    Column("reasons", "array<string>", "in words, each with the number and what is usual; empty where not flagged"),
    Column("model_version", "string", "of the trees"),
)
