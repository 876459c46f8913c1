"""What has moved since the training of the model that scores: the largest shifts, each with a small picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from consumer_viz.dashboard.evidence.reasons import FEATURES
from models.drift.psi import MIN_ACCOUNTS
from models.drift.reference import SCORE
from models.drift.report import largest

SHOWN = 8
"""Features on the page."""
WEEK = "7"
WIDTH, HEIGHT = 132, 34


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """One quantity in the table."""

    name: str
    entry: Mapping[str, Any]
    picture: Markup


@dataclass(frozen=True, slots=True)
class DriftView:
    """What the page shows of the last measurement."""

    model_version: str
    measured_at: float
    newest_at: str
    sessions: int
    accounts: int
    rows: list[ShiftRow]
    """The score first; empty with too few accounts."""
    large: int
    """Features of which the whole interval is over the upper band."""
    min_accounts: int = MIN_ACCOUNTS


def view_drift(record: Mapping[str, Any]) -> DriftView | None:
    """Return what is shown of a record (`runtime.monitoring.drift`); None before the first measurement."""
    if not record:
        return None
    window = record["windows"][WEEK]
    score = window["quantities"][SCORE]
    shown = [(SCORE, score), *largest(window, SHOWN)] if score else []
    return DriftView(
        record["model_version"], record["measured_at"], record["newest_at"], window["sessions"], window["accounts"],
        rows=[ShiftRow(_display_name(name), entry, draw_bins(entry)) for name, entry in shown],
        large=sum(entry["band"] == "large" for _, entry in largest(window)),
    )  # fmt: skip


def _display_name(name: str) -> str:
    return FEATURES[name].display_name if name in FEATURES else name


def draw_bins(entry: Mapping[str, Any]) -> Markup:
    """Draw the shares of the bins: bars for now, an outline for the training; the last bin is missing values."""
    now, training = entry["now"], entry["training"]
    step, top = WIDTH / len(now), max(*now, *training)
    bars, outline = [], []
    for i, (share, usual) in enumerate(zip(now, training, strict=True)):
        x, high, y = i * step, HEIGHT * share / top, HEIGHT * (1 - usual / top)
        bars.append(
            f'<rect class="own" x="{x + 1:.1f}" y="{HEIGHT - high:.1f}" width="{step - 2:.1f}" height="{high:.1f}"/>'
        )
        outline.append(f"{x:.1f},{y:.1f} {x + step:.1f},{y:.1f}")
    most = max(range(len(now)), key=lambda i: now[i] - training[i])
    label = f"{entry['bins'][most]}: {now[most]:.0%} now, {training[most]:.0%} in training"
    body = Markup("".join(bars)) + Markup('<polyline class="usual" points="{}"/>').format(" ".join(outline))
    return Markup('<svg class="plot small" viewBox="0 -2 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT + 3, label, body
    )
