"""The acceptance lines of honest listening: target, measured, pass. Targets: docs/reference/published-numbers.md."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from contracts.events import CONTEXTS, REASONS_END, REASONS_START
from producer.simulator.measure.calibration import statistics as st
from producer.simulator.measure.listened import Listened

KKBOX = {"plays": (10, 23, 48, 125), "hours": (0.52, 1.20, 2.59, 7.60), "unique": (7, 17, 36, 90)}
"""KKBox user_logs, 30,000 user-days: p25, p50, p75, p95."""
QUANTILES = (25, 50, 75, 95)
COMPLETION = (0.26, 0.60, 0.81, 0.93, 1.0)
"""The same, days of at least 10 plays: p5, p25, p50, p75, p95."""
DAYS_OVER_12_H = {"spotify": (0.003, 0.015), "kkbox": (0.005, 0.015), "field": (0.003, 0.03)}
"""KKBox: 0.92 %. `field` has as many heavy listeners as it takes for real ones to lie inside."""
LEAST_SWING = {"spotify": 3.0, "kkbox": 3.0, "field": 2.5}
"""Least plays of the busiest hour per play of the quietest (Zhang et al., INFOCOM'13: 3); `field` has more nights."""
POSITION_CURVE = {1: 0.377, 2: 0.476, 3: 0.505, 4: 0.530, 6: 0.543, 10: 0.516}
"""Brief plays by position (Music Streaming Sessions mini log)."""
CUT_WITHIN = {5: 0.24, 10: 0.29, 30: 0.35}
"""Lamere, The Echo Nest, 2014."""
END_MIX = {"fwdbtn": 0.485, "trackdone": 0.344, "endplay": 0.088, "backbtn": 0.078, "logout": 0.003, "remote": 0.002}
START_MIX = {"fwdbtn": 0.476, "trackdone": 0.328, "clickrow": 0.104, "backbtn": 0.078, "appload": 0.012}
CONTEXT_MIX = {"collection": 0.40, "catalogue": 0.23, "editorial": 0.21, "radio": 0.13, "personalised": 0.02,
               "charts": 0.015}  # fmt: skip
"""Reasons and contexts: Music Streaming Sessions mini log, 167,880 plays."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the acceptance list."""

    line: str
    target: str
    measured: float
    low: float
    high: float

    @property
    def is_met(self) -> bool:
        return bool(self.low <= self.measured <= self.high)


def lines(plays: Listened, profile: str) -> list[Line]:
    """Measure every line that holds for a profile.

    `field` has more heavy listeners than any service, on purpose: its upper user-days and its nights have wider bounds.
    """
    found = list(_user_days(plays, profile))
    if profile == "spotify":
        found += [*_skips(plays), *_mixes(plays)]
    return [*found, *_popularity(plays), *_times(plays, LEAST_SWING[profile])]


def _near(line: str, value: float, measured: float, low: float, high: float, unit: str = "") -> Line:
    return Line(line, f"{value:g}{unit} ({low:.3g} to {high:.3g})", measured, low, high)


def _between(line: str, low: float, high: float, measured: float) -> Line:
    return Line(line, f"{low:g} to {high:g}", measured, low, high)


def _user_days(plays: Listened, profile: str) -> Iterator[Line]:
    days = st.user_days(plays)
    wanted = ("plays", "hours", "unique") if profile == "kkbox" else ("plays", "unique")
    for what in wanted:
        for q, value in zip(QUANTILES, KKBOX[what], strict=True):
            measured = float(np.percentile(getattr(days, what), q))
            above = 1.6 if profile == "field" and q > 90 else 1.2
            yield _near(f"user-day {what} p{q}", value, measured, 0.8 * value, above * value)
    if profile == "kkbox":
        busy = days.completed[days.plays >= 10]
        for q, value in zip((5, 25, 50, 75, 95), COMPLETION, strict=True):
            yield _near(f"user-day completion p{q}", value, float(np.percentile(busy, q)), value - 0.08, value + 0.08)
        yield _between("days without a skip", 0.05, 0.15, float((days.skipped == 0).mean()))
    low, high = DAYS_OVER_12_H[profile]
    yield _between("days over 12 h", low, high, float((days.hours > 12).mean()))


def _skips(plays: Listened) -> Iterator[Line]:
    keep = st.in_long_sessions(plays)
    yield _between("brief plays", 0.45, 0.55, float(st.is_brief(plays)[keep].mean()))
    yield _between("completed plays", 0.30, 0.50, float((plays.reason_end[keep] == st.DONE).mean()))
    curve = st.brief_by_position(plays, tuple(POSITION_CURVE))
    for (place, value), measured in zip(POSITION_CURVE.items(), curve, strict=True):
        yield _near(f"brief plays at position {place}", value, measured, value - 0.04, value + 0.04)
    for seconds, value in CUT_WITHIN.items():
        yield _near(f"skipped within {seconds} s", value, st.cut_within(plays, seconds), value - 0.04, value + 0.04)


def _mixes(plays: Listened) -> Iterator[Line]:
    keep = st.in_long_sessions(plays)
    for what, codes, words, mix in (
        ("reason_end", plays.reason_end, REASONS_END, END_MIX),
        ("reason_start", plays.reason_start, REASONS_START, START_MIX),
        ("context", plays.context, CONTEXTS, CONTEXT_MIX),
    ):
        found = st.shares(codes[keep], words)
        for word, value in mix.items():
            yield _near(f"{what} {word}", value, found[word], max(value - 0.05, 0), value + 0.05)


def _popularity(plays: Listened) -> Iterator[Line]:
    counts = st.artist_counts(plays)
    yield _between("Zipf exponent, ranks 10 to 1,000", 0.8, 1.1, st.zipf_exponent(counts))
    yield _between("plays of the top 1 % of artists", 0.40, 0.60, st.top_share(counts))
    yield _between("same-day repeats", 0.20, 0.35, st.same_day_repeats(plays))


def _times(plays: Listened, swing: float) -> Iterator[Line]:
    hours = st.by_hour(plays)
    yield Line("hour profile, peak ÷ trough", f"at least {swing:g}", float(hours.max() / hours.min()), swing, np.inf)
    smallest = min(st.chronotypes(plays).values())
    yield Line("smallest of four chronotypes", "0.12 to 0.25 of accounts", smallest, 0.12, 0.25)
    yield _between("Saturday against a weekday", 1.02, 1.10, st.saturday_ratio(plays))
    near, far, valley = st.gap_modes(plays)
    yield Line("gap mode within sessions", "about a minute: 10 to 300 s", near, 10, 300)
    yield Line("gap mode between sessions", "about 3 h: 1 to 24 h", far / 3600, 1, 24)
    yield Line("valley between the gap modes", "at most 0.8 of the lower mode", valley, 0, 0.8)
    yield Line("memory of consecutive log gaps", "over 0.1", st.gap_memory(plays), 0.1, 1)
