"""The script that all families share: plays targets through windows, with as many manners as its difficulty asks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.bots.family import Account, Run
from producer.simulator.bots.place import own_place
from producer.simulator.bots.schedule import Windows
from producer.simulator.draws import normal, uniform
from producer.simulator.listeners.endings import ENDED, cut_listen, reasons_start
from producer.simulator.listeners.listening import Setting
from producer.simulator.listeners.timing import gaps_ms
from producer.simulator.rows import Columns, running
from producer.simulator.same_math import exp, log
from runtime.units import MINUTE_MS

MANNERS = ("camouflage", "human_gaps", "human_touch", "share_cut", "heard_s", "per_address")
"""Parameters of every family that plays a script: fields of `Script`; `heard_s`, the longest that is heard of a target;
and how many accounts share an address."""
PAYOUT_S = 31.0
"""A stream is paid for from 30 seconds on; a bot stays a second on the safe side."""
EVEN = 1.2
"""A window may deliver a fifth more than its even part, so that one bad window does no harm."""


@dataclass(frozen=True, slots=True)
class Script:
    """How a bot listens. The manners make it look like a person; `plain` drops them."""

    tracks: NDArray[np.int32]
    is_looped: bool = False
    """Play the tracks in their order, over and over; else at random."""
    listen_s: tuple[float, float] | None = None
    """Range of seconds heard of a target; None plays to the end."""
    share_cut: float = 0.0
    """Made-up skips: chance that a target is cut short as a listener would."""
    camouflage: float = 0.0
    """Share of plays that nobody paid for: popular tracks or the `cover`, heard as the account's owner would."""
    cover: NDArray[np.int32] | None = None
    """Tracks to draw the camouflage from; None draws from the popular catalogue."""
    human_gaps: float = 0.0
    """Share of silences drawn as a listener's instead of a timer's."""
    human_touch: float = 0.0
    """Share of sessions with a listener's activity chain instead of the script's."""
    timer_ms: float = 600.0
    """A timer's typical silence."""
    timer_log_sd: float = 0.3
    is_plain: bool = False
    """Whether the scenario's manners no longer count."""

    @property
    def plain(self) -> "Script":
        """Return the same script without manners, for a bot that is behind with its order."""
        return replace(self, share_cut=0.0, camouflage=0.0, human_gaps=0.0, is_plain=True)

    def with_manners(self, params: Mapping[str, float]) -> "Script":
        """Return the script with those manners that a scenario sets."""
        if self.is_plain:
            return self
        chosen: dict[str, Any] = {name: params[name] for name in MANNERS if name in params and hasattr(self, name)}
        if "heard_s" in params:
            low = min(self.listen_s[0] if self.listen_s else PAYOUT_S, params["heard_s"])
            chosen["listen_s"] = (low, params["heard_s"])
        return replace(self, **chosen) if chosen else self


def perform(
    windows: Windows, script: Script, account: Account, setting: Setting, rng: Generator, quota: int | None = None,
    pace: float = np.inf,
) -> Run:  # fmt: skip
    """Play through the windows, each window one session.

    With a `quota` it stops at exactly so many streams of targets; each of them is paid for, and no other play. A
    window delivers at most `pace` times its even part of the quota.
    """
    calendar, catalogue = setting.calendar, setting.catalogue
    script = script.with_manners(account.campaign.params)
    windows = windows[(windows[:, 0] >= calendar.starts_ms) & (windows[:, 0] < calendar.ends_ms - MINUTE_MS)]
    room = _room(windows, script, setting)
    window = np.repeat(np.arange(len(windows)), room)
    n = len(window)
    u = uniform(rng, n)
    is_target = uniform(rng, n) >= script.camouflage
    turn = np.cumsum(is_target) + int(rng.integers(0, len(script.tracks))) if script.is_looped else (
        u * len(script.tracks)).astype(np.int64)  # fmt: skip
    cover = catalogue.draw_track(catalogue.artists.draw(rng, n), uniform(rng, n))
    if script.cover is not None:
        cover = script.cover[(uniform(rng, n) * len(script.cover)).astype(np.int64)]
    track = np.where(is_target, script.tracks[turn % len(script.tracks)], cover)
    early = catalogue.released_days[track] < -calendar.days
    track = np.where(early, catalogue.first_track[catalogue.artist_of[track]], track).astype(np.int32)

    duration = catalogue.duration_ms[track]
    own_cut = 1 / (1 + math.exp(account.traits.completion[account.who]))
    is_cut = uniform(rng, n) < np.where(is_target, script.share_cut, own_cut)
    full = duration
    if script.listen_s is not None:
        low, high = script.listen_s
        part = np.minimum(duration, ((low + (high - low) * uniform(rng, n)) * 1000).astype(np.int32))
        full = np.where(is_target, part, duration)
    listen = np.where(is_cut, cut_listen(duration, setting.profile.early_skips, uniform(rng, n)), full)
    reason_end = np.where(listen < duration, _by_hand(uniform(rng, n)), ENDED["trackdone"]).astype(np.uint8)
    end = windows[window, 0] + running(listen + _gaps(script, reason_end, window, setting, rng), room)
    is_stream = is_target & (listen >= 30_000)
    keep = end <= np.minimum(windows[window, 1], calendar.ends_ms - 1)
    if quota is not None:
        most = quota if np.isinf(pace) else int(np.ceil(pace * quota / max(len(windows), 1)))
        keep &= running((keep & is_stream).astype(np.int64), room) <= most
        streams = np.cumsum(keep & is_stream)
        # nothing is played after the last stream that was bought
        keep[np.searchsorted(streams, quota) + 1 :] = False
    kept = np.bincount(window[keep], minlength=len(windows))
    is_first = np.diff(window[keep], prepend=-1) > 0
    plays: Columns = {
        "track": track[keep], "listen": listen[keep].astype(np.int32), "end": end[keep],
        "reason_end": reason_end[keep], "is_paid": is_stream[keep],
        "reason_start": reasons_start(reason_end[keep], is_first, uniform(rng, int(keep.sum()))),
    }  # fmt: skip
    sessions = own_place(account, setting, windows[:, 0], script.human_touch, rng)
    sessions["n_plays"] = kept.astype(np.int32)
    return Run({name: column[kept > 0] for name, column in sessions.items()}, plays)


def _room(windows: Windows, script: Script, setting: Setting) -> NDArray[np.int64]:
    """Count the plays to draw for each window: surely enough to fill it."""
    mean_ms = float(setting.catalogue.duration_ms[script.tracks].mean())
    if script.listen_s is not None:
        mean_ms = min(mean_ms, 500 * sum(script.listen_s))
    least_ms = max(mean_ms * (1 - 0.75 * script.share_cut) * (1 - 0.5 * script.camouflage), 8_000)
    return ((windows[:, 1] - windows[:, 0]) / least_ms * 1.2).astype(np.int64) + 4


def _by_hand(u: NDArray[np.float32]) -> NDArray[np.uint8]:
    codes = np.array([ENDED[r] for r in ("fwdbtn", "backbtn", "endplay")], np.uint8)
    return codes[np.searchsorted((0.82, 0.92), u)]


def _gaps(
    script: Script, reason_end: NDArray[np.uint8], window: NDArray[np.int64], setting: Setting, rng: Generator
) -> NDArray[np.int64]:
    """Draw the silence before each play: a timer's, or a listener's."""
    n = len(reason_end)
    sessions = int(window[-1]) + 1 if n else 0
    timer = exp(log(script.timer_ms) + script.timer_log_sd * normal(rng, n)).astype(np.int64)
    tempo = (1.2 * normal(rng, sessions))[window]
    pausing = np.minimum(setting.profile.pausing * exp(2.0 * normal(rng, sessions)), 0.5)[window]
    human = np.minimum(gaps_ms(reason_end, tempo, pausing, rng), 10 * MINUTE_MS)
    gap = np.where(uniform(rng, n) < script.human_gaps, human, timer)
    # the silence after a play comes before the next one; none before a session's first
    before = np.concatenate((gap[:1] * 0, gap[:-1]))
    return np.where(np.diff(window, prepend=-1) > 0, 0, before)


def manners(difficulty: float, **own: object) -> Script:
    """Return a script with the manners of a difficulty: none at 0, a person's at 1; `own` sets the other fields."""
    base = Script(
        np.empty(0, np.int32),
        share_cut=0.45 * difficulty,
        camouflage=0.4 * difficulty,
        human_gaps=min(1.0, 1.2 * difficulty),
        human_touch=min(1.0, 1.1 * difficulty),
        timer_log_sd=0.2 + difficulty,
    )
    return replace(base, **own)  # type: ignore[arg-type]


def delivered(run: Run) -> int:
    """Count the streams that were paid for."""
    return int(run.plays["is_paid"].sum())


def deliver(
    windows: Windows, longer: Windows, script: Script, account: Account, setting: Setting, rng: Generator, quota: int
) -> Run:
    """Deliver a quota spread over the windows; a bot that falls behind drops its pace, then its manners and breaks.

    `longer` are the windows without breaks.
    """
    for tried, manner, pace in ((windows, script, EVEN), (windows, script, np.inf), (longer, script.plain, np.inf)):
        run = perform(tried, manner, account, setting, rng, quota, pace)
        if delivered(run) == quota:
            break
    return run
