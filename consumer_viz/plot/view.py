"""What a picture shows of a snapshot, as numbers and as text. Every front end, graphic or not, reads a view."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from consumer_viz.feed.counts import Snapshot
from consumer_viz.plot.attack import Attack, AttackDetection, detect_attacks, flags_risen_at, no_detection
from consumer_viz.plot.series import SLIDE_S, SMOOTH_POINTS, BatchSeries, FlagSeries, batch_series, flag_series
from contracts.domain import MUSIC
from runtime.arrays import Floats

WINDOW_S = 600
"""The live plot shows the last ten minutes."""
MIN_WINDOW_S = 120
"""A run that has just begun has an axis of this length, which then grows to WINDOW_S."""
LOOK_BACK_S = 600
"""Attacks are searched for this much further back, so that one does not become usual when it reaches the edge."""
HISTORY_S = WINDOW_S + LOOK_BACK_S
"""How far back a live plot needs to know."""
SHORT_BURST = 8
"""If everything was sent in less than this fraction of the run, the flags get a separate time axis."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything one picture shows. Times are epoch seconds."""

    snapshot: Snapshot
    axis: tuple[float, float]
    """Of the counts per batch."""
    flag_axis: tuple[float, float]
    """Of the flagged sessions."""
    series: BatchSeries
    flags: FlagSeries
    detection: AttackDetection
    zone: ZoneInfo
    is_live: bool

    @property
    def attack(self) -> Attack | None:
        """The newest attack."""
        return self.detection.attacks[-1] if self.detection.attacks else None

    @property
    def flagged_at(self) -> float | None:
        """When flags rose after the newest attack began; without an attack, when they rose at all."""
        return flags_risen_at(self.flags, self.attack.start if self.attack else self.flag_axis[0] - 1)

    @property
    def alert_delay_s(self) -> float | None:
        """Median seconds from a session's newest row, by its ts, to its alert, over the alerts shown; None if none."""
        start, end = self.flag_axis
        delays = [alert.at - alert.ts for alert in self.snapshot.alerts if start <= alert.at <= end]
        return float(np.median(delays)) if delays else None

    def line(self, quantity: str) -> tuple[Floats, Floats]:
        """Return the values of a quantity of a panel, and its usual level; one value per point of the series."""
        series, detection = self.series, self.detection
        lines = {
            "successes": (series.successes, detection.usual_streams),
            "companion": (series.companion, detection.usual_activity),
            "master": (series.master, np.full(len(series.x), np.nan)),
        }
        return lines[quantity]

    def format_time(self, at: float) -> str:
        """Write epoch seconds as the reader's clock shows them."""
        return f"{datetime.fromtimestamp(at, self.zone):%H:%M:%S}"

    @property
    def headline(self) -> str:
        """Describe in one line what the picture shows."""
        domain = self.snapshot.domain
        if not len(self.series.x):
            rows = domain.row_words[0]
            return f"Waiting for {rows}" if self.is_live else f"No {rows} were sent"
        if domain != MUSIC:
            return f"{self.snapshot.successes:,} of {self.snapshot.companion_rows:,} payments went through"
        if self.attack is None:
            if not np.isfinite(self.detection.usual_streams).any():
                return "Learning what is usual"
            return "As usual: nothing looks like bots" if self.is_live else "Nothing looked like bots"
        change = f"streams {_format_change(self.attack.streams)}, activity {_format_change(self.attack.activity)}"
        if self.is_alarm:
            return f"Looks like bots since {self.format_time(self.attack.start)}: {change}"
        span = f"{self.format_time(self.attack.start)}–{self.format_time(self.attack.end)}"
        return f"As usual again. Looked like bots {span}" if self.is_live else f"Looked like bots {span}: {change}"

    @property
    def is_alarm(self) -> bool:
        """Whether an attack goes on now."""
        return self.is_live and self.attack is not None and not self.attack.is_over

    @property
    def legend(self) -> str:
        """Say what each kind of line is, or why there is none."""
        if not len(self.series.x) and self.snapshot.trouble:
            return self.snapshot.trouble
        has_single_batches = self.series.batches <= len(self.series.x)
        point = "one batch" if has_single_batches else f"mean of the batches of {self.series.point_width_s:g} s"
        if self.snapshot.domain != MUSIC:
            return f"a point: {point}, by ts · times: {self.zone.key}"
        return (
            f"thin: {point} · bold: running mean of {SMOOTH_POINTS} points · dashed: usual level"
            f" · times: {self.zone.key}"
        )

    @property
    def footer(self) -> str:
        """Say how much has been read, and what is wrong."""
        snap = self.snapshot
        master, companion = snap.domain.row_words
        parts = [f"{snap.master_rows:,} {master}", f"{snap.companion_rows:,} {companion} read"]
        if snap.bad_messages or snap.bad_rows:
            parts.append(f"{snap.bad_messages:,} messages and {snap.bad_rows:,} rows unreadable")
        if snap.is_catching_up:
            parts.append("catching up")
        if snap.trouble:
            parts.append(snap.trouble)
        return " · ".join(parts)


def _detect(snapshot: Snapshot, series: BatchSeries) -> AttackDetection:
    return detect_attacks(series) if snapshot.domain == MUSIC else no_detection(series)


def _format_change(ratio: float) -> str:
    """Write a ratio as a change in percent.

    >>> _format_change(1.184), _format_change(0.66), _format_change(1.0)
    ('+18 %', '−34 %', '±0 %')
    """
    percent = round(100 * (ratio - 1))
    return f"{'±' if percent == 0 else '+' if percent > 0 else '−'}{abs(percent)} %"


def live_view(snapshot: Snapshot, zone: ZoneInfo) -> View:
    """Show the ten minutes before the snapshot; less, but at least two, where nothing was sent earlier."""
    end = float(math.floor(snapshot.at))
    first = snapshot.batches[0].ts if snapshot.batches else end
    start = max(end - WINDOW_S, min(end - MIN_WINDOW_S, first - 1))
    series = batch_series(snapshot, start - LOOK_BACK_S, end, is_live=True, span_s=end - start)
    flags = flag_series(snapshot, start - LOOK_BACK_S, end)
    axis = (start, end)
    return View(snapshot, axis, axis, series, flags, _detect(snapshot, series), zone, is_live=True)


def run_view(snapshot: Snapshot, zone: ZoneInfo) -> View:
    """Show everything that the snapshot holds."""
    sent = [float(b.ts) for b in snapshot.batches[:1]] + [b.ts + 1.0 for b in snapshot.batches[-1:]]
    ended = [w.end for w in snapshot.windows if w.end <= snapshot.at and (not sent or w.end >= sent[0])]
    start = min(sent or ended or [snapshot.at - 1])
    end = max([*sent, *(min(at + SLIDE_S, snapshot.at) for at in ended), start + 1])
    flag_axis = axis = (start, end)
    if sent and (sent[-1] - sent[0]) * SHORT_BURST < end - start:
        axis = (sent[0], sent[-1])
    series = batch_series(snapshot, *axis, is_live=False, span_s=axis[1] - axis[0])
    flags = flag_series(snapshot, *flag_axis)
    return View(snapshot, axis, flag_axis, series, flags, _detect(snapshot, series), zone, is_live=False)


def animation_views(snapshot: Snapshot, zone: ZoneInfo, frames: int) -> Iterator[View]:
    """Yield the views of a run as it unfolded, all on the axes of the whole run."""
    whole = run_view(snapshot, zone)
    start, end = min(whole.axis[0], whole.flag_axis[0]), max(whole.axis[1], whole.flag_axis[1])
    for i in range(1, frames + 1):
        then = snapshot.until(start + (end - start) * i / frames)
        series = batch_series(then, *whole.axis, is_live=False, span_s=whole.axis[1] - whole.axis[0])
        flags = flag_series(then, *whole.flag_axis)
        is_live = i < frames
        yield View(then, whole.axis, whole.flag_axis, series, flags, _detect(then, series), zone, is_live)
