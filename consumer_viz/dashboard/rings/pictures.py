"""Draw a ring as SVG text: accounts × tracks, and how it grew. Colours come from the style sheet by class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from consumer_viz.dashboard.layout.svg import BARS_LEFT, BOTTOM, TALLEST, WIDTH, bar_step, bars_over_time, svg, text
from runtime.arrays import Floats

LEFT, TOP = 130, 28
MIN_ROW, MAX_ROW, MAX_HEIGHT = 2.0, 18.0, 520.0
LABEL_ROW = 11.0
"""Height of a row from which it has the account's name."""
STEPS, FINE_STEPS = (1, 4, 16, 64), (1, 2, 3, 4)
"""Streams from which a cell is darker; where no account has 16 of a track, finer."""


def shades(streams: pd.DataFrame) -> tuple[int, ...]:
    """Return the streams from which a cell of the matrix is darker."""
    return STEPS if streams.size and streams.to_numpy().max() >= STEPS[2] else FINE_STEPS


def matrix(streams: pd.DataFrame, titles: Sequence[str]) -> Markup:
    """Draw streams as (accounts, tracks): a row per account, a column per track, darker with more streams.

    With many accounts a row is the mean of some: it is never under MIN_ROW high.
    """
    if not streams.size:
        return svg(
            WIDTH, 30, "No track that two of the accounts stream", [text(0, 20, "no common track in the archive")]
        )
    per_row = int(np.ceil(len(streams) / (MAX_HEIGHT / MIN_ROW)))
    values = _mean_of(streams.to_numpy(dtype=np.float64), per_row)
    rows, columns = values.shape
    height, width = min(MAX_ROW, max(MIN_ROW, MAX_HEIGHT / rows)), min((WIDTH - LEFT) / columns, 40.0)
    steps = shades(streams)
    parts = [_cells(values, height, width, steps, step) for step in range(len(steps))]
    for n in range(columns):
        if columns <= 20 or n % 2 == 0:
            parts.append(text(LEFT + (n + 0.5) * width, TOP - 8, n + 1, "middle"))
    if height >= LABEL_ROW and per_row == 1:
        for n, user in enumerate(streams.index):
            name = str(user) if len(str(user)) <= 16 else f"{str(user)[:15]}…"
            parts.append(text(LEFT - 6, TOP + (n + 0.5) * height + 4, name, "end"))
    else:
        each = f"a row is {per_row} accounts" if per_row > 1 else "a row is an account"
        parts += [text(0, TOP + 12, f"{len(streams):,} accounts:"), text(0, TOP + 30, each)]
    label = (
        f"{len(streams):,} accounts by {columns} tracks: {np.mean(streams.to_numpy() > 0):.0%} of the pairs "
        f"have a stream; most streamed is {titles[0]}"
    )
    return svg(WIDTH, TOP + rows * height + 6, label, parts)


def _mean_of(values: Floats, per_row: int) -> Floats:
    return np.array([values[start : start + per_row].mean(axis=0) for start in range(0, len(values), per_row)])


def _cells(values: Floats, height: float, width: float, steps: Sequence[int], step: int) -> str:
    """Return the cells of one shade as one path; cells below one another are drawn as one."""
    upper = steps[step + 1] if step + 1 < len(steps) else np.inf
    is_shade = (values >= (steps[step] if step else 1e-9)) & (values < upper)
    gap = 1 if height >= 6 else 0
    path = []
    for column in range(values.shape[1]):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], is_shade[:, column].astype(int), [0]])))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            path.append(
                f"M{LEFT + column * width:.1f} {TOP + start * height:.1f}h{width - 1:.1f}"
                f"v{(end - start) * height - gap:.1f}h-{width - 1:.1f}z"
            )
    return f'<path class="shade{step + 1}" d="{"".join(path)}"/>'


def growth(bins: pd.DataFrame, hours: int) -> Markup:
    """Draw over time how many of the accounts streamed (line) and how much (bars).

    `bins`, `hours`: see `SharedListening.over_time`.
    """
    streams, accounts = bins["streams"].tolist(), bins["accounts"].tolist()
    pattern = "%d %b %H:%M" if hours < 24 else "%d %b"
    first, last = (bins["at"].iloc[n].strftime(pattern) for n in (0, -1))
    top, most, step = max(*streams, 1), max(*accounts, 1), bar_step(len(bins))
    line = " ".join(
        f"{BARS_LEFT + (n + 0.5) * step:.1f},{BOTTOM - TALLEST * value / most:.1f}" for n, value in enumerate(accounts)
    )
    parts = [
        *bars_over_time({"own": streams}, first, last if len(bins) > 2 else ""),
        f'<polyline class="usual" points="{line}"/>',
    ]
    label = (
        f"By {'day' if hours == 24 else 'hour'} from {first} to {last}: up to {top:,.0f} streams and "
        f"{most:,.0f} accounts; first {accounts[0]:,.0f} accounts, last {accounts[-1]:,.0f}"
    )
    return svg(WIDTH, BOTTOM + 28, label, parts)
