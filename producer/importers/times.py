"""The times that exports write, as epoch milliseconds and how precise they are."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from runtime.units import MINUTE_MS, SECOND_MS

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s?(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII
)
_DAY_FIRST = re.compile(r"(\d\d?) ([A-Z][a-z]{2})[a-z]* (\d{4}),? (\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
_EPOCH = re.compile(r"\d{9,13}(?:\.0)?", re.ASCII)
_FIRST_MS_EPOCH = 10**11
"""Epoch numbers from here on count milliseconds: as seconds they would lie beyond the year 5000."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Epoch milliseconds, true to `precision_ms`."""

    ms: int
    precision_ms: int


def parse_moment(text: str) -> Moment | None:
    """Read a time as any of the layouts writes it; None where it is none. A time without a zone is UTC.

    >>> parse_moment("2023-01-02 13:45")
    Moment(ms=1672667100000, precision_ms=60000)
    >>> parse_moment("2023-01-02T13:45:10Z") == parse_moment("1672667110")
    True
    >>> parse_moment("02 Jan 2023, 13:45").ms, parse_moment("yesterday")
    (1672667100000, None)
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        number = int(text.removesuffix(".0"))
        return Moment(number, 1) if number >= _FIRST_MS_EPOCH else Moment(number * SECOND_MS, SECOND_MS)
    if match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, fraction, zone = match.groups()
        return _moment((year, month, day, hour, minute, second), fraction, _minutes_east(zone))
    if match := _DAY_FIRST.fullmatch(text):
        day, word, year, hour, minute, second = match.groups()
        if word in _MONTHS:
            return _moment((year, str(_MONTHS.index(word) + 1), day, hour, minute, second), None, 0)
    return None


def _moment(parts: tuple[str | None, ...], fraction: str | None, minutes_east: int) -> Moment | None:
    try:
        moment = datetime(*(int(part or 0) for part in parts), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:  # 30 February, 25:00
        return None
    ms = int(moment.timestamp()) * SECOND_MS + int((fraction or "0")[:3].ljust(3, "0")) - minutes_east * MINUTE_MS
    return Moment(ms, MINUTE_MS if parts[-1] is None else SECOND_MS if fraction is None else 1)


def _minutes_east(zone: str | None) -> int:
    """
    >>> _minutes_east("-05:30"), _minutes_east("Z")
    (-330, 0)
    """
    if zone is None or zone in ("Z", "UTC"):
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return -minutes if zone[0] == "-" else minutes
