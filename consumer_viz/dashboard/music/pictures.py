"""Draw the streams of a track, artist or label by day, and how many of them are suspected."""

import pandas as pd
from markupsafe import Markup

from consumer_viz.dashboard.layout.svg import BOTTOM, WIDTH, bars_over_time, svg


def share_by_day(streams: pd.DataFrame) -> Markup:
    """Draw a bar per day, its suspected part in another colour. `streams`: rows with day, streams, reason."""
    every = range(int(streams["day"].min()), int(streams["day"].max()) + 1)
    total, suspected = (
        rows.groupby("day")["streams"].sum().reindex(every, fill_value=0)
        for rows in (streams, streams[streams["reason"] != ""])
    )
    first, last = (pd.Timestamp(day, unit="D").strftime("%d %b") for day in (every[0], every[-1]))
    parts = bars_over_time(
        {"own": total.tolist(), "suspect": suspected.tolist()}, first, last if len(every) > 1 else ""
    )
    label = (
        f"Streams by day from {first} to {last}: {int(total.sum()):,}, of which {int(suspected.sum()):,} are "
        f"suspected; most on a day {int(total.max()):,}"
    )
    return svg(WIDTH, BOTTOM + 28, label, parts)
