"""The features of a session, in the order the model sees them: name, unit, meaning.

Null means "not measurable here" and stays NaN to the model; it is never filled with 0.

**Own history** is what the daily table `user_baselines` holds about the account: its active days among the 28 local
days before the table's date. A session sees the newest table made of days that were over, in every time zone, before
its first event. It is null where there is none of the last MAX_BASELINE_AGE_DAYS, or the account had under 7
active days.
"""

from dataclasses import dataclass

from contracts.events import CODECS, DEVICES, DRMS


@dataclass(frozen=True, slots=True)
class Feature:
    """One number about a session. `display_name` is its name in a reason that a person reads."""

    name: str
    unit: str
    meaning: str
    display_name: str


LETTERS = "abcdefghij"
"""By which the shares of a vocabulary's values are named, in its order."""
VS_OWN = "_vs_own"
"""Ends the name of a feature that is another one, compared with own history."""
MAX_BASELINE_AGE_DAYS = 7
"""A table of own histories that is older than this at a session is not used."""


def _vs_own(name: str, unit: str, display_name: str) -> Feature:
    return Feature(f"{name}{VS_OWN}", f"{unit} difference", f"{name} minus its mean in own history", display_name)


def _shares(prefix: str, suffix: str, what: str, values: tuple[str, ...]) -> tuple[Feature, ...]:
    """Name a share for each value of a vocabulary as Netflix does, by letter: `dev_type_a_pct`."""
    return tuple(
        Feature(
            f"{prefix}_{letter}_{suffix}",
            "share",
            f"share of rows with {what} {value}, of those that name one",
            f"{what} {value}",
        )
        for letter, value in zip(LETTERS, values, strict=False)
    )


SESSION_FEATURES: tuple[Feature, ...] = (
    Feature("plays", "count", "plays in the session", "plays"),
    Feature("streams", "count", "plays of at least 30 s", "streams"),
    Feature("hours", "h", "hours heard", "time heard"),
    Feature("span_h", "h", "hours from the first start to the last event", "length of the session"),
    Feature("share_30_35", "share", "plays with 30 <= listened s < 35", "plays that stop at 30–35 s"),
    Feature("share_under_35", "share", "plays with listened time under 35 s", "plays that stop before 35 s"),
    Feature("early_skip_5", "share", "plays under 5 s", "plays under 5 s"),
    Feature(
        "skip_rate",
        "share",
        "plays ended with the skip button before 90 % of the track",
        "plays ended with the skip button",
    ),
    Feature("completion_mean", "share", "mean of listened / duration, at most 1", "part of a track heard, on average"),
    Feature("completion_sd", "share", "standard deviation of listened / duration", "spread of the part heard"),
    Feature("listen_cv", "ratio", "sd / mean of listened time", "variation of listening time"),
    Feature(
        "interaction_rate",
        "1/h",
        "searches, clicks, seeks, pauses, likes per hour heard",
        "searches, clicks, pauses and likes",
    ),
    Feature("actions_per_play", "ratio", "activity rows per play", "client actions per play"),
    Feature(
        "autoadvance_share",
        "share",
        "plays begun by the end of the track before",
        "plays that began by themselves",
    ),
    Feature("duty", "share", "union of listening / span", "part of the session with music on"),
    Feature("overlap_s", "s", "listened time beyond the union: several at once", "time with two tracks at once"),
    Feature(
        "gap_entropy",
        "bits",
        "entropy of log-binned start-to-start gaps",
        "variety of the gaps between starts (0: all alike)",
    ),
    Feature(
        "modal_gap_share",
        "share",
        "share of the most common start-to-start gap, in whole seconds",
        "gaps that are the same to the second",
    ),
    Feature(
        "gap_burstiness",
        "ratio",
        "(sd - mean) / (sd + mean) of start-to-start gaps",
        "unevenness of the gaps (−1: regular)",
    ),
    Feature(
        "gap_memory", "correlation", "correlation of consecutive log gaps", "likeness of one gap to the next (−1 to 1)"
    ),
    Feature(
        "pause_mean_s", "s", "mean silence between the end of a play and the next start", "mean silence between plays"
    ),
    Feature("artist_hhi", "share", "sum of squared shares of plays by artist", "concentration on few artists"),
    Feature("top_artist_share", "share", "largest artist's share of plays", "plays of its top artist"),
    Feature("repeat_ratio", "share", "1 - unique tracks / plays", "plays that repeat a track"),
    Feature(
        "loop_share",
        "share",
        "largest share over lags 1–12 of plays equal to the play that many back",
        "plays in a loop",
    ),
    Feature(
        "popularity_mean", "log10", "mean log10 of the frozen popularity of the tracks", "popularity of the tracks"
    ),
    Feature("n_devices", "count", "distinct devices", "devices"),
    Feature("n_ips", "count", "distinct addresses", "network addresses"),
    Feature("n_countries", "count", "distinct countries", "countries"),
    Feature("hosting_share", "share", "rows from hosting or vpn networks", "rows from hosting or VPN networks"),
    Feature("license_cnt", "count", "licence requests", "licence requests"),
    Feature("license_rate_10min", "count", "most licence requests in 10 minutes", "licence requests within 10 minutes"),
    Feature("error_rate", "share", "failed starts / (plays + failed starts)", "starts that failed"),
    Feature(
        "night_share", "share", "plays that end 00–05 h in the listener's local time", "plays between midnight and 5 am"
    ),
    Feature("account_age_days", "days", "days from sign-up to the session", "age of the account"),
    Feature("is_paid_plan", "0/1", "whether the account has a paid plan", "paid plan"),
    Feature(
        "loop_lag",
        "plays",
        "lag of 1–12 plays at which most plays equal the play that many back; null where none does",
        "length of the loop",
    ),
    Feature(
        "max_speed_kmh",
        "km/h",
        "largest speed between consecutive rows of two countries: centre to centre, over at least a minute; 0 "
        "within one country",
        "speed of travel",
    ),
    Feature(
        "dev_drm_mismatch",
        "share",
        "share of activity rows whose device type does not support their DRM (contracts.events.DRMS_OF)",
        "odd pairs of device and DRM",
    ),
    Feature("dist_drm_cnt", "count", "distinct DRMs", "kinds of DRM"),
    Feature("dist_enc_frmt_cnt", "count", "distinct codecs", "codecs"),
    *_shares("dev_type", "pct", "device type", DEVICES),
    *_shares("drm_type", "pct", "DRM", DRMS),
    *_shares("end_frmt", "pct", "codec", CODECS),
    Feature(
        "plays_vs_own",
        "sd",
        "plays minus those of a usual session (mean of own days / sessions), in sd of own days / root of sessions",
        "plays, compared with its own usual session",
    ),
    Feature(
        "hours_vs_own",
        "sd",
        "hours minus those of a usual session (mean of own days / sessions), in sd of own days / root of sessions",
        "hours, compared with its own usual session",
    ),
    _vs_own("share_under_35", "share", "plays that stop before 35 s, compared with its own history"),
    _vs_own("skip_rate", "share", "skipping, compared with its own history"),
    _vs_own("night_share", "share", "listening at night, compared with its own history"),
    _vs_own("repeat_ratio", "share", "repeated tracks, compared with its own history"),
    _vs_own("top_artist_share", "share", "plays of its top artist, compared with its own history"),
    _vs_own("gap_entropy", "bits", "variety of gaps, compared with its own history"),
    _vs_own("popularity_mean", "log10", "popularity of the tracks, compared with its own history"),
    Feature(
        "self_drift",
        "sd",
        "root mean square of the differences from own history above, in sd of own days; at least 3 of them known",
        "distance from its own history as a whole",
    ),
)
FEATURE_NAMES: tuple[str, ...] = tuple(f.name for f in SESSION_FEATURES)
OWN_HISTORY_FEATURES: tuple[str, ...] = (*(name for name in FEATURE_NAMES if name.endswith(VS_OWN)), "self_drift")
"""Those that compare a session with own history: null in a world that has no such table yet."""

SUSPICION = Feature(
    "suspicion_before",
    "log-odds",
    "how suspicious the looks at the account's sessions of the 48 h before were; null where they were not",
    "suspicion of its sessions before",
)
"""What an open session is looked at with, besides the features of a session: those before leave it behind."""

ACCOUNT_COLUMNS = ("plan", "timezone")
"""Columns of the account's row in static/users that a model may read next to the features; null where it is unknown."""
MODEL_COLUMNS: tuple[str, ...] = (*FEATURE_NAMES, *ACCOUNT_COLUMNS)
"""All that a model may read of a session."""

TOP_REASONS = 3
"""How many contributions a score carries as its reasons."""
