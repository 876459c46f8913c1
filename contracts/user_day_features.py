"""The features of a user-day, by kind of evidence: name, unit, meaning.

A user-day is the rows of one account whose `event_time` falls in one local day. Its features see that day, and where
the meaning says so the days before it:

- **own history**: the account's active days (days with a row) among the 28 local days before this one, without
  this one. A comparison with it is null under MIN_HISTORY_DAYS of them.
- **7 days**, **28 days**: that many local days up to and with this one.

No later day enters, and nothing of the run as a whole. Null means "not measurable here", never 0.
"""

from contracts.features import SESSION_FEATURES, Feature

HISTORY_DAYS = 28
WEEK_DAYS = 7
MIN_HISTORY_DAYS = 7
"""Fewest active days that make a history to compare with."""
MIN_SD_OF_VOLUME = {"plays_day": 5.0, "hours": 0.5}
"""Smallest spread that a comparison divides by: it keeps z finite where every day of an account was the same."""

_OF_SESSION = {feature.name: feature for feature in SESSION_FEATURES}


def _over_the_day(*names: str) -> tuple[Feature, ...]:
    """Return features of a session that a day has too: the same definition, over all rows of the day."""
    return tuple(_OF_SESSION[name] for name in names)


USER_DAY_GROUPS: dict[str, tuple[Feature, ...]] = {
    "volume": (
        Feature("plays_day", "count", "plays that ended in the day", "plays in the day"),
        Feature("streams_day", "count", "plays of at least 30 s", "streams in the day"),
        *_over_the_day("hours"),
        Feature("sessions_day", "count", "stretches of rows without a pause over 30 minutes", "sessions in the day"),
        Feature(
            "longest_run_h",
            "h",
            "longest run of plays with less than 20 minutes of silence, up to the day's end; it may begin on an "
            "earlier day",
            "listening in a row",
        ),
        Feature(
            "longest_wake_h",
            "h",
            "longest stretch of rows without a pause of 2 hours, up to the day's end; it may begin on an earlier day",
            "longest stretch without a pause of 2 h",
        ),
        Feature("duty_24h", "share", "union of listening / 24 h", "part of the day with music on"),
        *_over_the_day("overlap_s"),
        Feature(
            "z_own_plays", "sd", "plays against mean and sd of own history", "plays, compared with its own history"
        ),
        Feature(
            "z_own_hours", "sd", "hours against mean and sd of own history", "hours, compared with its own history"
        ),
        Feature(
            "rz_own_plays",
            "sd",
            "plays against median and MAD of own history",
            "plays, compared with its own usual day",
        ),
        Feature(
            "rz_own_hours",
            "sd",
            "hours against median and MAD of own history",
            "hours, compared with its own usual day",
        ),
    ),
    "policy": (
        *_over_the_day(
            "share_30_35",
            "share_under_35",
            "early_skip_5",
            "skip_rate",
            "completion_mean",
            "completion_sd",
            "listen_cv",
        ),
    ),
    "interaction": _over_the_day("interaction_rate", "actions_per_play", "autoadvance_share"),
    "timing": (
        *_over_the_day("night_share"),
        Feature("plays_night", "count", "plays that end 00–05 h in the listener's local time", "plays at night"),
        *_over_the_day("gap_entropy", "modal_gap_share", "gap_burstiness", "gap_memory", "pause_mean_s"),
        Feature(
            "periodicity",
            "share",
            "28 days: how closely the begins of sessions repeat every 5 to 60 minutes (largest mean resultant length)",
            "regularity of the clock times at which sessions begin",
        ),
        Feature(
            "minute_entropy",
            "bits",
            "7 days: entropy of the minute of the hour of starts; at least 80 plays",
            "spread of starts over the minutes of the hour (5.9: quite evenly)",
        ),
        Feature(
            "hour_entropy",
            "bits",
            "7 days: entropy of the local hour of starts; at least 80 plays",
            "spread of starts over the hours of the day (4.6: around the clock)",
        ),
        Feature(
            "quiet_window_h",
            "h",
            "7 days: longest part of the clock, to half an hour, in which no play ever runs; at least 3 active days",
            "part of the clock that is always quiet",
        ),
        Feature(
            "night_shift",
            "share difference",
            "night share of the 7 days minus that of own history before them; at least 7 active days of it",
            "listening at night, compared with before",
        ),
        Feature(
            "self_drift_hours",
            "bits",
            "Jensen–Shannon divergence of the local hours of plays from those of own history",
            "change of the hours of listening (0: none, 1: all)",
        ),
    ),
    "repetition": (
        *_over_the_day("artist_hhi", "top_artist_share", "repeat_ratio", "loop_share"),
        *_over_the_day("loop_lag"),
        Feature(
            "catalogue_flatness",
            "share",
            "of the label played most: entropy of its plays over tracks / the most that so many plays of so many "
            "tracks can have; at least 20 plays",
            "evenness over one label's tracks",
        ),
        *_over_the_day("popularity_mean"),
        Feature(
            "tail_mismatch",
            "log10 difference",
            "popularity_mean minus that of own history",
            "popularity of the tracks, compared with before",
        ),
        Feature("context_hhi", "share", "sum of squared shares of plays by playlist", "concentration on few playlists"),
        Feature(
            "self_drift_artists",
            "bits",
            "Jensen–Shannon divergence of artists, in 64 hashed groups, from those of own history",
            "change of artists (0: none, 1: all)",
        ),
    ),
    "place": (
        *_over_the_day("n_ips", "n_countries", "hosting_share"),
        Feature(
            "max_speed_kmh",
            "km/h",
            "largest speed between consecutive rows of two countries: centre to centre, over at least a minute; 0 "
            "within one country",
            "speed of travel",
        ),
        Feature("new_device", "0/1", "whether a device is not in own history; null without history", "new device"),
        Feature(
            "new_network",
            "0/1",
            "whether a country with its kind of network is not in own history; null without history",
            "new network",
        ),
        Feature("new_device_and_network", "0/1", "whether one row has both at once", "new device on a new network"),
        Feature(
            "accounts_per_device",
            "count",
            "most accounts on one of the day's devices in the 28 days before; at least 1",
            "accounts on one device",
        ),
        Feature(
            "accounts_per_ip",
            "count",
            "most accounts on one of the day's addresses in the 28 days before; at least 1",
            "accounts on one address",
        ),
    ),
    # names as published where published (arXiv 2203.02124, table 1); shares by letter in the order of the vocabularies
    "content": (
        *_over_the_day("license_cnt", "license_rate_10min"),
        Feature("failed_start_cnt", "count", "failed starts", "failed starts"),
        *_over_the_day("error_rate"),
        *_over_the_day("dev_drm_mismatch"),
        Feature("dist_dev_id_cnt", "count", "distinct devices", "devices"),
        Feature("dist_cdm_cnt", "count", "distinct versions of the decryption module", "decryption modules"),
        *_over_the_day("dist_drm_cnt", "dist_enc_frmt_cnt"),
        Feature("dist_title_cnt", "count", "distinct tracks played or licensed", "titles"),
        *_over_the_day(*(name for name in _OF_SESSION if name.endswith("_pct"))),
    ),
    "account": _over_the_day("account_age_days", "is_paid_plan"),
}
"""By kind of evidence, for ablation: leave one out."""

USER_DAY_FEATURES: tuple[Feature, ...] = tuple(f for group in USER_DAY_GROUPS.values() for f in group)
USER_DAY_FEATURE_NAMES: tuple[str, ...] = tuple(f.name for f in USER_DAY_FEATURES)

BASELINE_QUANTITIES = (
    "plays_day", "streams_day", "hours", "sessions_day", "longest_wake_h", "share_under_35", "night_share",
    "repeat_ratio", "top_artist_share", "skip_rate", "gap_entropy", "popularity_mean",
)  # fmt: skip
"""Features of a user-day whose own usual value `user_baselines` holds."""
