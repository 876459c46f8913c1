"""Collect what a person needs to decide a ring: its members, what binds them, whom they pay, how the ring grew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from consumer_viz.dashboard.evidence.shared import SharedListening
from consumer_viz.dashboard.index.cases import Case
from consumer_viz.dashboard.index.ring_cases import Ring
from consumer_viz.dashboard.rings import pictures
from consumer_viz.dashboard.state import AppState

MAX_MEMBERS = 1500
"""Members on one page: a form with all of them ticked fits into the largest request."""
SHOWN_TRACKS = 40
SHOWN_TARGETS = 12


@dataclass(frozen=True, slots=True)
class Member:
    """One account of a ring."""

    case: Case
    is_left_out: bool
    streams: int
    """Of the ring's tracks, in the days that are read."""
    track_count: int
    """How many of the ring's tracks it streams."""

    @property
    def is_waiting(self) -> bool:
        """Whether it has no verdict and was not left out of one: `a` ticks it."""
        return (not self.case.is_decided or self.case.is_back) and not self.is_left_out

    @property
    def is_settled(self) -> bool:
        """Whether it has a verdict that stands: the ring's form cannot change it."""
        return self.case.verdict in ("confirm", "dismiss") and not self.case.is_back


@dataclass(frozen=True, slots=True)
class RingFile:
    """A ring in full."""

    ring: Ring
    members: list[Member]
    bonds: list[str]
    """What the accounts share, in words."""
    tracks: list[dict[str, Any]]
    """The tracks they stream most, with number, names, streams, accounts and role."""
    track_count: int
    """Tracks that two of them stream, at most SHOWN_TRACKS."""
    shades: list[str]
    """Streams that the shades of the matrix mean, as text."""
    pictures: dict[str, Markup]
    most_at_once: int
    """Accounts that streamed in the fullest day or hour of the picture of its growth."""


def build_ringfile(state: AppState, ring: Ring) -> RingFile:
    """Collect all of a ring; reads its accounts' plays from the archive."""
    cases, left_out = state.rings.members(ring.ring_id), state.rings.left_out(ring.ring_id)
    users = [case.user_id for case in cases]
    shared = state.shared.read(state.world.unit, users, state.rings.last_ms(ring.ring_id), state.index.stamp)
    by_track = shared.by_track().query("accounts > 1").head(SHOWN_TRACKS)
    matrix = shared.by_account(list(by_track["track_id"])).reindex(users, fill_value=0)
    order = _similar_first(matrix)
    members = [
        Member(case, case.case_id in left_out, int(row.sum()), int((row > 0).sum()))
        for case, row in zip(cases, matrix.to_numpy(), strict=True)
    ]
    tracks = _named(state, by_track)
    drawn = {"matrix": pictures.matrix(matrix.iloc[order], [track["title"] for track in tracks])}
    most_at_once = 0
    if shared.streams:
        bins, hours = shared.over_time()
        drawn["growth"], most_at_once = pictures.growth(bins, hours), int(bins["accounts"].max())
    return RingFile(
        ring,
        members,
        _bonds(state, ring, shared),
        tracks[:SHOWN_TARGETS],
        len(tracks),
        _ranges(pictures.shades(matrix)),
        drawn,
        most_at_once,
    )


def _ranges(steps: Sequence[int]) -> list[str]:
    """Write the streams that shades mean.

    >>> _ranges((1, 2, 4, 8))
    ['1', '2–3', '4–7', '8 and more']
    """
    ends = [after - 1 for after in steps[1:]]
    texts = [f"{low}" if low == high else f"{low}–{high}" for low, high in zip(steps, ends, strict=False)]
    return [*texts, f"{steps[-1]} and more"]


def _similar_first(matrix: pd.DataFrame) -> list[int]:
    """Return an order of the rows in which accounts with the same main tracks are next to one another."""
    values = matrix.to_numpy()
    if not values.size:
        return list(range(len(matrix)))
    is_heard = values > 0
    first = np.where(is_heard.any(axis=1), is_heard.argmax(axis=1), values.shape[1])
    return list(np.lexsort((-values.sum(axis=1), -is_heard.sum(axis=1), first)))


def _named(state: AppState, tracks: pd.DataFrame) -> list[dict[str, Any]]:
    track_ids = [str(track) for track in tracks["track_id"]]
    known, roles = state.catalogue.by_id(set(track_ids)), state.catalogue.roles(track_ids)
    return [
        {
            "number": n,
            "track_id": track,
            "title": known.get(track, {}).get("title") or track,
            "artist": known.get(track, {}).get("artist") or "unknown artist",
            "streams": streams,
            "accounts": accounts,
            "role": roles.get(track),
        }
        for n, (track, streams, accounts) in enumerate(
            zip(track_ids, tracks["streams"].tolist(), tracks["accounts"].tolist(), strict=True), start=1
        )
    ]


def _bonds(state: AppState, ring: Ring, shared: SharedListening) -> list[str]:
    """Write what the accounts share: listening, devices, payment methods, and what the finders say."""
    lines = []
    if shared.streams:
        lines.append(
            f"{100 * shared.in_company():.0f} % of their streams are of a track that another of these accounts streams "
            "in the same hour."
        )
    devices, payments = state.rings.shared_devices(ring.ring_id), state.rings.shared_payments(ring.ring_id)
    if devices[0]:
        lines.append(f"{devices[1]} of them use {_number(devices[0], 'device')} that another of them uses too.")
    if payments[0]:
        lines.append(
            f"{payments[1]} of them are paid for by {_number(payments[0], 'payment method')} of more than one."
        )
    return lines + [f"{text[:1].upper()}{text[1:]}." for text in ring.reasons]


def _number(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
