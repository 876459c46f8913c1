"""Draw small pictures as SVG text: they need no script, print well, and are exported as they are.

Colours and fonts come from the style sheet by class. Every picture has a label that says what it shows.
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from markupsafe import Markup

from consumer_viz.dashboard.evidence.plays import GAP_EDGES_S, PlayPattern
from consumer_viz.dashboard.evidence.reasons import Reason
from consumer_viz.dashboard.layout.svg import svg, text
from runtime.arrays import Floats

MAX_DOTS = 5000
"""Plays drawn in a timeline; of more, an even selection is drawn."""
STREAM_S = 30


def contribution_bars(reasons: Sequence[Reason]) -> Markup:
    """Draw how much each reason raised the score."""
    top = max((r.contribution for r in reasons), default=1.0)
    parts = []
    for i, reason in enumerate(reasons):
        y = 42 * i  # the label is above their bar: next to it they would be too small on a telephone
        length = 330 * reason.contribution / top
        parts += [
            text(0, y + 14, reason.label, kind="label"),
            f'<rect class="own" x="0" y="{y + 20}" width="{length:.1f}" height="14" rx="3"/>',
            text(length + 6, y + 32, f"+{reason.contribution:.1f}", kind="value"),
        ]
    label = "How much each reason raised the score: " + ", ".join(f"{r.label} +{r.contribution:.1f}" for r in reasons)
    return svg(380, max(42 * len(reasons), 30), label, parts)


def gap_histogram(own: PlayPattern, honest: PlayPattern) -> Markup:
    """Draw the shares of start-to-start gaps; honest accounts as an outline."""
    width, height, left, n = 420, 250, 48, len(GAP_EDGES_S) - 1
    step, top = (width - left) / n, max(float(own.gaps.max()), float(honest.gaps.max()), 0.05)
    parts = _grid(left, width, height - 30, top)
    outline = []
    for i in range(n):
        x, h = left + i * step, (height - 40) * own.gaps[i] / top
        parts.append(
            f'<rect class="own" x="{x + 2:.1f}" y="{height - 30 - h:.1f}" width="{step - 4:.1f}" height="{h:.1f}"/>'
        )
        if i % 2:  # 30 s is among these, and they have room
            parts.append(text(x, height - 12, _format_gap(GAP_EDGES_S[i]), "middle"))
        y = height - 30 - (height - 40) * honest.gaps[i] / top
        outline.append(f"{x:.1f},{y:.1f} {x + step:.1f},{y:.1f}")
    parts += [f'<polyline class="usual" points="{" ".join(outline)}"/>']
    mode = int(own.gaps.argmax())
    label = (
        f"Gaps between starts of plays: {own.gaps[mode]:.0%} are {_format_gap(GAP_EDGES_S[mode])} to "
        f"{_format_gap(GAP_EDGES_S[mode + 1])}, of honest accounts {honest.gaps[mode]:.0%}"
    )
    return svg(width, height, label, parts)


def _grid(left: int, right: int, bottom: int, top: float) -> list[str]:
    parts = []
    for share in (0.5, 1.0):
        y = bottom - (bottom - 10) * share
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(text(left - 4, y + 4, f"{100 * top * share:.0f} %", "end"))
    parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    return parts


def _format_gap(seconds: float) -> str:
    """Write a gap in its largest whole unit.

    >>> _format_gap(45), _format_gap(120), _format_gap(10800)
    ('45s', '2m', '3h')
    """
    if seconds >= 3600:
        return f"{seconds / 3600:.0f}h"
    return f"{seconds / 60:.0f}m" if seconds >= 60 and seconds % 60 == 0 else f"{seconds:.0f}s"


def clock(own: PlayPattern, honest: PlayPattern) -> Markup:
    """Draw the shares of plays by hour of the listener's day, midnight on top, honest accounts as an outline."""
    middle, inner, outer = 130.0, 28.0, 98.0
    top = max(float(own.hours.max()), float(honest.hours.max()), 0.05)
    parts = [f'<circle class="grid" cx="{middle}" cy="{middle}" r="{outer}"/>']
    outline = []
    for hour in range(24):
        reach = inner + (outer - inner) * own.hours[hour] / top
        parts.append(f'<path class="own" d="{_sector(middle, inner, reach, hour)}"/>')
        for edge in (hour, hour + 1):
            outline.append(_point(middle, inner + (outer - inner) * honest.hours[hour] / top, edge))
    parts.append(f'<polygon class="usual" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in outline)}"/>')
    for hour in (0, 6, 12, 18):
        x, y = _point(middle, outer + 14, hour)
        parts.append(text(x, y + 4, f"{hour:02d} h", "middle"))
    hours = [f"{h:02d}" for h in range(24) if own.hours[h] > 0]
    return svg(260, 260, f"Plays by hour of the listener's day: in {len(hours)} of 24 hours", parts)


def _point(middle: float, radius: float, hour: float) -> tuple[float, float]:
    angle = 2 * np.pi * hour / 24
    return middle + radius * float(np.sin(angle)), middle - radius * float(np.cos(angle))


def _sector(middle: float, inner: float, outer: float, hour: int) -> str:
    a, b = _point(middle, inner, hour + 0.08), _point(middle, outer, hour + 0.08)
    c, d = _point(middle, outer, hour + 0.92), _point(middle, inner, hour + 0.92)
    return (
        f"M{a[0]:.1f} {a[1]:.1f}L{b[0]:.1f} {b[1]:.1f}A{outer:.1f} {outer:.1f} 0 0 1 {c[0]:.1f} {c[1]:.1f}"
        f"L{d[0]:.1f} {d[1]:.1f}A{inner} {inner} 0 0 0 {a[0]:.1f} {a[1]:.1f}Z"
    )


def timeline(plays: pd.DataFrame, flagged: Sequence[tuple[int, int]], zone: ZoneInfo) -> Markup:
    """Draw each play as a dot: when it began, how long it was heard. `flagged`: spans of sessions, epoch ms."""
    width, height, left, bottom = 800, 220, 40, 190
    if plays.empty:
        return svg(width, 30, "No plays in the archive", [text(left, 20, "no plays in the archive")])
    start, end = int(plays["start_ms"].min()), int(plays["end_ms"].max())
    scale = (width - left - 8) / max(end - start, 1)
    heard = plays["listen_ms"].to_numpy(dtype=np.float64) / 1000
    top = float(max(np.percentile(heard, 99), 60))
    thin = np.unique(np.linspace(0, len(plays) - 1, min(len(plays), MAX_DOTS)).astype(int))
    xs = left + (plays["start_ms"].to_numpy(dtype=np.float64)[thin] - start) * scale
    ys = _height(np.minimum(heard[thin], top), top, bottom)
    parts = [
        f'<rect class="flagged" x="{left + max(a - start, 0) * scale:.1f}" y="8" '
        f'width="{max((min(b, end) - max(a, start)) * scale, 2):.1f}" height="{bottom - 8}"/>'
        for a, b in flagged
    ]
    y30 = float(_height(np.array([STREAM_S]), top, bottom)[0])
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in zip(xs, ys, strict=True))
    parts += [
        f'<line class="rule" x1="{left}" x2="{width}" y1="{y30:.1f}" y2="{y30:.1f}"/>',
        text(left - 4, y30 + 4, "30 s", "end"),
        text(left - 4, 16, _format_gap(round(top / 60) * 60), "end"),
        f'<line class="axis" x1="{left}" x2="{width}" y1="{bottom}" y2="{bottom}"/>',
        f'<path class="dots" d="{dots}"/>',
    ]
    for ms in np.linspace(start, end, 5):
        at = datetime.fromtimestamp(ms / 1000, zone)
        x = left + (ms - start) * scale
        anchor = "start" if ms == start else "end" if ms == end else "middle"
        parts.append(text(x, bottom + 20, at.strftime("%d %b %H:%M"), anchor))
    streams = int((heard >= STREAM_S).sum())
    return svg(width, height, f"{len(plays):,} plays, {streams:,} of them at least 30 s, over time", parts)


def _height(seconds: Floats, top: float, bottom: int) -> Floats:
    """Return y coordinates: the root of the time, so that the part around 30 s is wide."""
    return bottom - (bottom - 12) * np.sqrt(np.maximum(seconds, 0) / top)
