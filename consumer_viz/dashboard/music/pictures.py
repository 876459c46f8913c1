"""Draw the streams of a track, artist or label by day, and how many of them are suspected."""

import pandas as pd
from markupsafe import Markup

from consumer_viz.dashboard.layout.svg import svg, text

WIDTH, BOTTOM, LEFT, TALLEST, WIDEST = 760, 150, 56, 125, 60


def share_by_day(streams: pd.DataFrame) -> Markup:
    """Draw a bar per day, its suspected part in another colour. `streams`: rows with day, streams, reason."""
    suspected = streams[streams["reason"] != ""].groupby("day")["streams"].sum()
    every = range(int(streams["day"].min()), int(streams["day"].max()) + 1)
    total = streams.groupby("day")["streams"].sum().reindex(every, fill_value=0)
    suspected = suspected.reindex(every, fill_value=0)
    top, step = max(int(total.max()), 1), min((WIDTH - LEFT) / len(every), WIDEST)
    parts = []
    for n, (all_streams, some) in enumerate(zip(total.tolist(), suspected.tolist(), strict=True)):
        for kind, value in (("own", all_streams), ("suspect", some)):
            height = TALLEST * value / top
            parts.append(
                f'<rect class="{kind}" x="{LEFT + n * step + 1:.1f}" y="{BOTTOM - height:.1f}" '
                f'width="{max(step - 2, 1):.1f}" height="{height:.1f}"/>'
            )
    first, last = (pd.Timestamp(day, unit="D").strftime("%d %b") for day in (every[0], every[-1]))
    parts += [
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{BOTTOM}" y2="{BOTTOM}"/>',
        text(LEFT - 4, BOTTOM - TALLEST + 8, f"{top:,}", "end"),
        text(LEFT, BOTTOM + 20, first),
    ]
    if len(every) > 1:
        parts.append(text(LEFT + len(every) * step, BOTTOM + 20, last, "end"))
    label = (
        f"Streams by day from {first} to {last}: {int(total.sum()):,}, of which {int(suspected.sum()):,} are "
        f"suspected; most on a day {top:,}"
    )
    return svg(WIDTH, BOTTOM + 28, label, parts)
