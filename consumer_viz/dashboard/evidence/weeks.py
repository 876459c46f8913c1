"""What an account did over its last weeks, as facts in words."""

from collections.abc import Mapping
from typing import Any


def week_facts(window: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Format the facts of a window (row of `index.weeks`) as labels and texts; what is not known is left out.

    >>> week_facts({"days": 28, "active_share": 1.0, "longest_rest_h": 2.0, "days_in_a_row": 28, "plays": 9000})
    [('active', '28 of 28 days'), ('without a day of rest', '28 days'), ('longest rest', '2 h'), ('plays', '9,000')]
    """
    days = int(window["days"])
    facts = (
        ("active", "active_share", lambda share: f"{round(share * days)} of {days} days"),
        ("without a day of rest", "days_in_a_row", lambda run: f"{run:.0f} {'day' if run == 1 else 'days'}"),
        ("longest rest", "longest_rest_h", _hours),
        ("longest stretch without a pause of 2 h", "longest_wake_h", _hours),
        ("plays", "plays", lambda plays: f"{plays:,.0f}"),
        ("plays an active day", "plays_per_day", lambda plays: f"{plays:,.0f}"),
        ("tracks an active day", "tracks_per_day", lambda tracks: f"{tracks:,.0f}"),
        ("plays of its top track", "top_track_share", _percent),
        ("plays of its top artist", "top_artist_share", _percent),
        ("odd tracks that few others play too", "co_tracks", lambda tracks: f"{tracks:.0f}"),
        ("accounts with the same odd tracks", "co_linked", lambda accounts: f"{accounts:.0f}"),
    )
    return [(label, write(window[name])) for label, name, write in facts if window.get(name) is not None]


def _hours(hours: float) -> str:
    if hours < 1:
        return "under 1 h" if hours > 0 else "under 30 min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.1f} days"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
