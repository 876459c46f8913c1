"""What a picture shows of a snapshot, in numbers and in words: every front end, graphic or not, reads this."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from consumer_viz.feed.tally import Snapshot
from consumer_viz.plot.attack import Attack, Sight, flagged_since, look
from consumer_viz.plot.series import SLIDE_S, SMOOTH_POINTS, Flags, Pace, flags, pace

WINDOW_S = 600
"""The live plot shows the last ten minutes."""
LEAST_S = 120
"""Its axis grows from this to that."""
LOOK_BACK_S = 600
"""It looks this much further back for attacks, so that one does not become the usual when it reaches the edge."""
SHORT_BURST = 8
"""If all was sent in less than this fraction of the run, the flags get a time axis of their own."""


@dataclass(frozen=True, slots=True)
class View:
    """One picture's worth. Times are epoch seconds; `axis` is that of plays and activity, `flag_axis` of the flags."""

    snapshot: Snapshot
    axis: tuple[float, float]
    flag_axis: tuple[float, float]
    pace: Pace
    flags: Flags
    sight: Sight
    zone: ZoneInfo
    is_live: bool

    @property
    def attack(self) -> Attack | None:
        """The newest attack in sight."""
        return self.sight.attacks[-1] if self.sight.attacks else None

    @property
    def flagged_at(self) -> float | None:
        """When flags rose after the newest attack began, or rose at all where no attack is in sight."""
        return flagged_since(self.flags, self.attack.start if self.attack else self.flag_axis[0] - 1)

    def clock(self, at: float) -> str:
        """Say a time as the reader's clock shows it."""
        return f"{datetime.fromtimestamp(at, self.zone):%H:%M:%S}"

    @property
    def headline(self) -> str:
        """Say in one line what is to be seen."""
        if not len(self.pace.x):
            return "Waiting for plays" if self.is_live else "No plays were sent"
        if self.attack is None:
            if not np.isfinite(self.sight.usual_streams).any():
                return "Learning what is usual"
            return "As usual: nothing looks like bots" if self.is_live else "Nothing looked like bots"
        change = f"streams {_change(self.attack.streams)}, activity {_change(self.attack.activity)}"
        if self.is_alarm:
            return f"Looks like bots since {self.clock(self.attack.start)}: {change}"
        when = f"{self.clock(self.attack.start)}–{self.clock(self.attack.end)}"
        return f"As usual again. Looked like bots {when}" if self.is_live else f"Looked like bots {when}: {change}"

    @property
    def is_alarm(self) -> bool:
        """Whether an attack goes on as we look."""
        return self.is_live and self.attack is not None and not self.attack.is_over

    @property
    def basis(self) -> str:
        """Say what a line is, or why there is none."""
        if not len(self.pace.x) and self.snapshot.trouble:
            return self.snapshot.trouble
        mean = (
            "one batch" if self.pace.batches <= len(self.pace.x) else f"mean of the batches of {self.pace.step_s:g} s"
        )
        return (
            f"thin: {mean} · bold: running mean of {SMOOTH_POINTS} points · dashed: the usual · times: {self.zone.key}"
        )

    @property
    def footer(self) -> str:
        """Say what has been read, and what is wrong."""
        snap = self.snapshot
        said = [f"{snap.plays:,} plays", f"{snap.activity:,} activity rows read"]
        if snap.bad_messages or snap.bad_rows:
            said.append(f"{snap.bad_messages:,} messages and {snap.bad_rows:,} rows unreadable")
        if snap.is_catching_up:
            said.append("catching up")
        if snap.trouble:
            said.append(snap.trouble)
        return " · ".join(said)


def _change(ratio: float) -> str:
    """Say a ratio as a change.

    >>> _change(1.184), _change(0.66), _change(1.0)
    ('+18 %', '−34 %', '±0 %')
    """
    percent = round(100 * (ratio - 1))
    return f"{'±' if percent == 0 else '+' if percent > 0 else '−'}{abs(percent)} %"


def live_view(snapshot: Snapshot, zone: ZoneInfo) -> View:
    """Show the ten minutes up to the snapshot, by the clock; fewer, but two, where nothing was sent before."""
    end = float(math.floor(snapshot.at))
    first = snapshot.batches[0].ts if snapshot.batches else end
    start = max(end - WINDOW_S, min(end - LEAST_S, first - 1))
    seen = pace(snapshot, start - LOOK_BACK_S, end, is_live=True, span_s=end - start)
    shown = flags(snapshot, start - LOOK_BACK_S, end)
    axis = (start, end)
    return View(snapshot, axis, axis, seen, shown, look(seen), zone, is_live=True)


def run_view(snapshot: Snapshot, zone: ZoneInfo) -> View:
    """Show everything that the snapshot holds."""
    sent = [float(b.ts) for b in snapshot.batches[:1]] + [b.ts + 1.0 for b in snapshot.batches[-1:]]
    ended = [w.end for w in snapshot.windows if w.end <= snapshot.at and (not sent or w.end >= sent[0])]
    start = min(sent or ended or [snapshot.at - 1])
    end = max([*sent, *(min(at + SLIDE_S, snapshot.at) for at in ended), start + 1])
    flag_axis = axis = (start, end)
    if sent and (sent[-1] - sent[0]) * SHORT_BURST < end - start:
        axis = (sent[0], sent[-1])
    seen = pace(snapshot, *axis, is_live=False, span_s=axis[1] - axis[0])
    return View(snapshot, axis, flag_axis, seen, flags(snapshot, *flag_axis), look(seen), zone, is_live=False)


def film(snapshot: Snapshot, zone: ZoneInfo, frames: int) -> Iterator[View]:
    """Show a run as it unfolded, on the axes of the whole."""
    whole = run_view(snapshot, zone)
    start, end = min(whole.axis[0], whole.flag_axis[0]), max(whole.axis[1], whole.flag_axis[1])
    for i in range(1, frames + 1):
        then = snapshot.until(start + (end - start) * i / frames)
        seen = pace(then, *whole.axis, is_live=False, span_s=whole.axis[1] - whole.axis[0])
        shown = flags(then, *whole.flag_axis)
        yield View(then, whole.axis, whole.flag_axis, seen, shown, look(seen), zone, is_live=i < frames)
