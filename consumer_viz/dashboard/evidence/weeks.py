"""What an account did over its last weeks, as facts in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

NOT_KNOWN = "not known"


def week_facts(windows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Format the facts of windows (rows of `index.weeks`): a label, and a text for each window; without unknown facts.

    >>> week_facts([{"days": 28, "active_share": 1.0, "longest_rest_h": 2.0}, {"days": 7, "active_share": 0.6}])
    [('days with listening', ['28 of 28', '4 of 7']), ('longest rest', ['2 h', 'not known'])]
    """
    rows = [(label, [_format(window, name, write) for window in windows]) for label, name, write in FACTS]
    return [(label, texts) for label, texts in rows if any(text != NOT_KNOWN for text in texts)]


def _format(window: Mapping[str, Any], name: str, write: Callable[[float, int], str]) -> str:
    value = window.get(name)
    return NOT_KNOWN if value is None else write(float(value), int(window["days"]))


def _hours(hours: float, _: int) -> str:
    if hours < 1:
        return "under 1 h" if hours > 0 else "under 30 min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.1f} days"


def _percent(share: float, _: int) -> str:
    return f"{100 * share:.0f} %"


def _count(number: float, _: int) -> str:
    return f"{number:,.0f}"


FACTS: tuple[tuple[str, str, Callable[[float, int], str]], ...] = (
    ("days with listening", "active_share", lambda share, days: f"{round(share * days)} of {days}"),
    ("days in a row without a rest", "days_in_a_row", _count),
    ("longest rest", "longest_rest_h", _hours),
    ("longest stretch without a pause of 2 h", "longest_wake_h", _hours),
    ("plays", "plays", _count),
    ("plays per active day", "plays_per_day", _count),
    ("tracks per active day", "tracks_per_day", _count),
    ("plays of its top track", "top_track_share", _percent),
    ("plays of its top artist", "top_artist_share", _percent),
    ("odd tracks that few others play too", "co_tracks", _count),
    ("accounts with the same odd tracks", "co_linked", _count),
)
"""Label, column of a window, and how its value is written for a window of so many days."""
