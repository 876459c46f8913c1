"""The features of a session, in the order the model sees them: name, unit, meaning (DETECTION §2).

Null means "not measurable here" and stays NaN to the model; it is never filled with 0.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """One number about a session. `words` is how a reason says it to a person."""

    name: str
    unit: str
    meaning: str
    words: str


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
    Feature("interaction_rate", "1/h", "searches, clicks, seeks, pauses, likes an hour heard", "touches an hour"),
    Feature("actions_per_play", "ratio", "activity rows a play", "client actions a play"),
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
        "share of the commonest start-to-start gap, to the second",
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
    Feature("licence_cnt", "count", "licence requests", "licence requests"),
    Feature("license_rate_10min", "count", "most licence requests in 10 minutes", "licence requests in 10 minutes"),
    Feature("error_rate", "share", "failed starts / (plays + failed starts)", "share of failed starts"),
    Feature("night_share", "share", "plays that end 00–05 h in the listener's local time", "share of plays at night"),
    Feature("account_age_days", "days", "days from sign-up to the session", "age of the account in days"),
    Feature("is_paid_plan", "0/1", "whether the account has a paid plan", "paid plan"),
)
FEATURE_NAMES: tuple[str, ...] = tuple(f.name for f in SESSION_FEATURES)

TOP_REASONS = 3
"""How many contributions a score carries as its reasons."""
