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
            f"share of {value}",
        )
        for letter, value in zip(LETTERS, values, strict=False)
    )


SESSION_FEATURES: tuple[Feature, ...] = (
    Feature("plays", "count", "plays in the session", "plays"),
    Feature("streams", "count", "plays of at least 30 s", "streams"),
    Feature("hours", "h", "hours heard", "hours heard"),
    Feature("span_h", "h", "hours from the first start to the last event", "hours from first to last event"),
    Feature("share_30_35", "share", "plays with 30 <= listened s < 35", "share of plays that stop at 30–35 s"),
    Feature("share_under_35", "share", "plays with listened time under 35 s", "share of plays that stop by 35 s"),
    Feature("early_skip_5", "share", "plays under 5 s", "share of plays under 5 s"),
    Feature("skip_rate", "share", "plays skipped by hand before 90 % of the track", "share of plays skipped by hand"),
    Feature("completion_mean", "share", "mean of listened / duration, at most 1", "mean share of a track heard"),
    Feature("completion_sd", "share", "standard deviation of listened / duration", "spread of completion"),
    Feature("listen_cv", "ratio", "sd / mean of listened time", "variation of listening time"),
    Feature("interaction_rate", "1/h", "searches, clicks, seeks, pauses, likes per hour heard", "touches an hour"),
    Feature("actions_per_play", "ratio", "activity rows per play", "client actions a play"),
    Feature(
        "autoadvance_share",
        "share",
        "plays begun by the end of the track before",
        "share of plays that began by themselves",
    ),
    Feature("duty", "share", "union of listening / span", "share of the session with music on"),
    Feature("overlap_s", "s", "listened time beyond the union: several at once", "seconds played twice at once"),
    Feature("gap_entropy", "bits", "entropy of log-binned start-to-start gaps", "irregularity of gaps between starts"),
    Feature(
        "modal_gap_share",
        "share",
        "share of the most common start-to-start gap, in whole seconds",
        "share of the commonest gap",
    ),
    Feature("gap_burstiness", "ratio", "(sd - mean) / (sd + mean) of start-to-start gaps", "burstiness of gaps"),
    Feature("gap_memory", "correlation", "correlation of consecutive log gaps", "memory of gaps"),
    Feature(
        "pause_mean_s", "s", "mean silence between the end of a play and the next start", "mean silence between plays"
    ),
    Feature("artist_hhi", "share", "sum of squared shares of plays by artist", "concentration on few artists"),
    Feature("top_artist_share", "share", "largest artist's share of plays", "top artist's share"),
    Feature("repeat_ratio", "share", "1 - unique tracks / plays", "share of repeated tracks"),
    Feature(
        "loop_share",
        "share",
        "largest share over lags 1–12 of plays equal to the play that many back",
        "share of plays in a loop",
    ),
    Feature(
        "popularity_mean", "log10", "mean log10 of the frozen popularity of the tracks", "popularity of the tracks"
    ),
    Feature("n_devices", "count", "distinct devices", "devices"),
    Feature("n_ips", "count", "distinct addresses", "addresses"),
    Feature("n_countries", "count", "distinct countries", "countries"),
    Feature(
        "hosting_share", "share", "rows from hosting or vpn networks", "share of rows from hosting or VPN networks"
    ),
    Feature("license_cnt", "count", "licence requests", "licence requests"),
    Feature("license_rate_10min", "count", "most licence requests in 10 minutes", "licence requests in 10 minutes"),
    Feature("error_rate", "share", "failed starts / (plays + failed starts)", "share of failed starts"),
    Feature("night_share", "share", "plays that end 00–05 h in the listener's local time", "share of plays at night"),
    Feature("account_age_days", "days", "days from sign-up to the session", "age of the account in days"),
    Feature("is_paid_plan", "0/1", "whether the account has a paid plan", "paid plan"),
    Feature(
        "loop_lag",
        "plays",
        "lag of 1–12 plays at which most plays equal the play that many back; null where none does",
        "plays after which tracks repeat",
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
        "share of odd pairs of device and DRM",
    ),
    Feature("dist_drm_cnt", "count", "distinct DRMs", "DRMs"),
    Feature("dist_enc_frmt_cnt", "count", "distinct codecs", "codecs"),
    *_shares("dev_type", "pct", "device type", DEVICES),
    *_shares("drm_type", "pct", "DRM", DRMS),
    *_shares("end_frmt", "pct", "codec", CODECS),
    Feature(
        "plays_vs_own",
        "sd",
        "plays minus those of a usual session (mean of own days / sessions), in sd of own days / root of sessions",
        "plays against own usual session",
    ),
    Feature(
        "hours_vs_own",
        "sd",
        "hours minus those of a usual session (mean of own days / sessions), in sd of own days / root of sessions",
        "hours against own usual session",
    ),
    _vs_own("share_under_35", "share", "growth of plays that stop by 35 s, against own history"),
    _vs_own("skip_rate", "share", "growth of skipping, against own history"),
    _vs_own("night_share", "share", "growth of listening at night, against own history"),
    _vs_own("repeat_ratio", "share", "growth of repeated tracks, against own history"),
    _vs_own("top_artist_share", "share", "growth of the top artist's share, against own history"),
    _vs_own("gap_entropy", "bits", "irregularity of gaps, against own history"),
    _vs_own("popularity_mean", "log10", "popularity of the tracks, against own history"),
    Feature(
        "self_drift",
        "sd",
        "root mean square of the differences from own history above, in sd of own days; at least 3 of them known",
        "distance from own history as a whole",
    ),
)
FEATURE_NAMES: tuple[str, ...] = tuple(f.name for f in SESSION_FEATURES)
OWN_HISTORY_FEATURES: tuple[str, ...] = (*(name for name in FEATURE_NAMES if name.endswith(VS_OWN)), "self_drift")
"""Those that compare a session with own history: null in a world that has no such table yet."""

ACCOUNT_COLUMNS = ("plan", "timezone")
"""Columns of the account's row in static/users that a model may read next to the features; null where it is unknown."""
MODEL_COLUMNS: tuple[str, ...] = (*FEATURE_NAMES, *ACCOUNT_COLUMNS)
"""All that a model may read of a session."""

TOP_REASONS = 3
"""How many contributions a score carries as its reasons."""
