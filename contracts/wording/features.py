"""A feature with its value, as part of a sentence."""

import re

from contracts.features import Feature
from contracts.wording.quantities import UNKNOWN, format_quantity

_FORMS = re.compile(r"\{(\w+)\|(\w+)\}")

PHRASES: dict[str, str] = {
    # of a session
    "plays": "{value} {play|plays}",
    "streams": "{value} {stream|streams}",
    "hours": "{value} of listening",
    "span_h": "{value} from the first start to the end",
    "share_30_35": "{value} of plays stop at 30–35 s",
    "share_under_35": "{value} of plays stop before 35 s",
    "early_skip_5": "{value} of plays last under 5 s",
    "skip_rate": "{value} of plays ended with the skip button",
    "completion_mean": "on average {value} of a track heard",
    "autoadvance_share": "{value} of plays began by themselves",
    "duty": "music on for {value} of the time",
    "overlap_s": "two tracks at once for {value}",
    "modal_gap_share": "{value} of the gaps between starts are the same to the second",
    "pause_mean_s": "a mean silence of {value} between plays",
    "top_artist_share": "{value} of plays are of one artist",
    "repeat_ratio": "{value} of plays repeat a track",
    "loop_share": "{value} of plays are in a loop",
    "n_devices": "{value} {device|devices}",
    "n_ips": "{value} network {address|addresses}",
    "n_countries": "{value} {country|countries}",
    "hosting_share": "{value} of its rows come from hosting or VPN networks",
    "license_cnt": "{value} licence {request|requests}",
    "license_rate_10min": "{value} licence {request|requests} within 10 minutes",
    "error_rate": "{value} of starts failed",
    "actions_per_play": "{value} client {action|actions} per play",
    "night_share": "{value} of plays between midnight and 5 am",
    "dist_drm_cnt": "{value} {kind|kinds} of DRM",
    "dist_enc_frmt_cnt": "{value} {codec|codecs}",
    # of a look at an open session
    "suspicion_before": "already suspicious in the 48 h before it ({value})",
    # of a day
    "plays_day": "{value} {play|plays} in a day",
    "streams_day": "{value} {stream|streams} in a day",
    "sessions_day": "{value} {session|sessions} in a day",
    "longest_run_h": "{value} of listening in a row",
    "longest_wake_h": "{value} without a pause of 2 h",
    "duty_24h": "music on for {value} of the day",
    "plays_night": "{value} {play|plays} between midnight and 5 am",
    "minute_entropy": "starts spread over the minutes of the hour ({value}; all in one: 0, quite evenly: 5.9)",
    "hour_entropy": "starts spread over the hours of the day ({value}; all in one: 0, around the clock: 4.6)",
    "quiet_window_h": "{value} of the clock are always quiet",
    "accounts_per_device": "{value} {account|accounts} on one device",
    "accounts_per_ip": "{value} {account|accounts} on one network address",
    "failed_start_cnt": "{value} failed {start|starts}",
    "dist_title_cnt": "{value} {title|titles}",
    "dist_dev_id_cnt": "{value} {device|devices}",
    "dist_cdm_cnt": "{value} decryption {module|modules}",
    # of weeks
    "plays_per_day": "{value} {play|plays} per active day",
    "active_share": "listening on {value} of the days",
    "days_in_a_row": "{value} in a row without a rest",
    "days_before": "{value} of rest before it began",
    "longest_rest_h": "a longest rest of {value}",
    "quiet_h": "{value} of the clock are always quiet",
    "top_track_share": "{value} of plays are of one track",
    "tracks_per_day": "{value} {track|tracks} per active day",
    "runs_per_day": "{value} {run|runs} of plays per active day",
    "co_tracks": "{value} odd {track|tracks} that few others play too",
    "co_share": "{value} of plays are of odd tracks that few others play too",
    "co_linked": "{value} other {account|accounts} with the same odd tracks",
    "co_tightness": "{value} of its odd tracks are those of linked accounts",
    "artist_top10": "ten accounts make {value} of its top artist's plays",
    "lifted_share": "{value} of plays are of tracks that a group pushes",
    "surge_days": "{value} of pushing a track together with others",
    "sessions_scored": "{value} {session|sessions}",
}
"""Feature -> its value in words. The same name has the same meaning in a session, a day and over weeks. A feature that
is not listed is written as its display name and its value."""


def is_counted(feature: Feature) -> bool:
    """Say whether a feature's words are a number of things, which may follow "at most".

    >>> is_counted(Feature("streams", "count", "", "")), is_counted(Feature("skip_rate", "share", "", ""))
    (True, False)
    """
    return PHRASES.get(feature.name, "").startswith("{value} {")


def format_phrase(feature: Feature, value: float | None, unknown: str = UNKNOWN) -> str:
    """Write a feature with its value, as a part of a sentence.

    >>> format_phrase(Feature("streams", "count", "", "streams"), 168.0)
    '168 streams'
    >>> format_phrase(Feature("accounts_per_device", "count", "", ""), 1.0)
    '1 account on one device'
    >>> format_phrase(Feature("artist_hhi", "share", "", "concentration on few artists"), 0.68)
    'concentration on few artists: 68 %'
    """
    text = format_quantity(value, feature.unit, unknown)
    if text == unknown or feature.name not in PHRASES:
        return f"{feature.display_name}: {text}"
    return _FORMS.sub(r"\1" if text == "1" else r"\2", PHRASES[feature.name]).format(value=text)
