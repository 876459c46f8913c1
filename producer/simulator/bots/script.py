"""The primitives that families are made of: windows, policies for listening and gaps, playlists, places."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.activity import ROLES
from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.draws import normal, uniform
from producer.simulator.listening import ENDED, Setting, cut_listen, reasons_start
from producer.simulator.places import DEVICES_PER_ACCOUNT, NETWORK, client_of
from producer.simulator.population import COUNTRIES, PLACES
from producer.simulator.rows import Columns, running

HOUR_MS = 3_600_000
Windows = NDArray[np.int64]
"""(n, 2) begin and end in ms, in order, disjoint."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a script listens. Between 0 (a clock) and 1 (a person) by the difficulty dial."""

    share_cut: float
    """Chance that a play is cut short by a made-up skip."""
    gap_median_ms: float
    gap_log_sd: float
    gapless: float
    listen_s: tuple[float, float] | None = None
    """Range of seconds heard; None plays to the end."""


def cycles(first_ms: int, ends_ms: int, on_h: float, off_h: float, jitter: float, rng: Generator) -> Windows:
    """Lay out windows of `on_h` hours, `off_h` apart, from `first_ms`; `jitter` (0–1) shifts both ends."""
    period = int((on_h + off_h) * HOUR_MS)
    begin = np.arange(first_ms, ends_ms, period, dtype=np.int64)
    slack = jitter * off_h * HOUR_MS / 3
    begin = begin + (slack * uniform(rng, len(begin))).astype(np.int64)
    length = on_h * HOUR_MS * (1 + jitter * 0.5 * (uniform(rng, len(begin)) - 0.5))
    return np.stack((begin, np.minimum(begin + length.astype(np.int64), ends_ms)), axis=1)


def nightly(
    setting: Setting, place: int, hour: float, hours: float, days: NDArray[np.int64], rng: Generator
) -> Windows:
    """Lay out one window on each local day given, at about a local hour."""
    begin = setting.calendar.local_midnight[place, days] + ((hour + 0.7 * normal(rng, len(days))) * HOUR_MS).astype(
        np.int64
    )
    return np.stack((begin, begin + int(hours * HOUR_MS)), axis=1)


def perform(
    windows: Windows, policy: Policy, tracks: NDArray[np.int32], is_looped: bool, account: Account, setting: Setting,
    rng: Generator, quota: int | None = None,
) -> Run:  # fmt: skip
    """Play `tracks` (in order if looped, else at random) through the windows, each window one session.

    Stops once `quota` streams of at least 30 s are delivered, where one is given.
    """
    calendar = setting.calendar
    windows = windows[(windows[:, 0] >= calendar.starts_ms) & (windows[:, 0] < calendar.ends_ms)]
    duration = setting.catalogue.duration_ms
    shortest_ms = 15_000 if policy.listen_s is None else policy.listen_s[0] * 1000
    typical_ms = float(duration[tracks].mean()) if policy.listen_s is None else 500 * sum(policy.listen_s)
    room = (
        (windows[:, 1] - windows[:, 0]) / max(typical_ms * (1 - 0.8 * policy.share_cut), shortest_ms) * 1.15
    ).astype(np.int64) + 3
    window = np.repeat(np.arange(len(windows)), room)
    n = len(window)
    turn = np.arange(n) if is_looped else rng.integers(0, len(tracks), n)
    track = tracks[turn % len(tracks)]
    full = duration[track]
    if policy.listen_s is not None:
        low, high = policy.listen_s
        full = np.minimum(full, ((low + (high - low) * uniform(rng, n)) * 1000).astype(np.int32))
    is_cut = uniform(rng, n) < policy.share_cut
    listen = np.where(is_cut, cut_listen(duration[track], setting.profile.early_skips, uniform(rng, n)), full)
    gap = np.exp(np.log(policy.gap_median_ms) + policy.gap_log_sd * normal(rng, n)).astype(np.int64)
    gap = np.where(uniform(rng, n) < policy.gapless, 0, gap)
    end = windows[window, 0] + running(listen + gap, room) - gap
    keep = end <= np.minimum(windows[window, 1], calendar.ends_ms - 1)
    is_stream = listen >= 30_000
    if quota is not None:
        keep &= np.cumsum(keep & is_stream) <= quota
        # nothing is played after the last stream that was bought
        keep[np.searchsorted(np.cumsum(keep & is_stream), quota) + 1 :] = False
    kept = np.bincount(window[keep], minlength=len(windows))
    is_first = np.diff(window[keep], prepend=-1) > 0
    by_hand = is_cut | (policy.listen_s is not None)
    reason_end = np.where(by_hand, ENDED["fwdbtn"], ENDED["trackdone"]).astype(np.uint8)[keep]
    plays: Columns = {
        "track": track[keep], "listen": listen[keep].astype(np.int32), "end": end[keep],
        "reason_end": reason_end, "is_paid": is_stream[keep],
        "reason_start": reasons_start(reason_end, is_first, uniform(rng, len(reason_end))),
    }  # fmt: skip
    sessions = own_place(account, setting, windows[:, 0], rng) | {"n_plays": kept.astype(np.int32)}
    return Run({k: v[kept > 0] for k, v in sessions.items()}, plays)


def own_place(account: Account, setting: Setting, start: NDArray[np.int64], rng: Generator) -> Columns:
    """Place sessions on the account's own devices and lines, as its owner would."""
    n = len(start)
    traits, who = account.traits, account.who
    slot = np.zeros(n, dtype=np.int32)
    device = account.user * DEVICES_PER_ACCOUNT + slot
    device_type = traits.devices[who, slot]
    country = COUNTRIES.index(PLACES[int(traits.place[who])][0])
    places = setting.places
    is_out = (uniform(rng, n) < 0.25) & (device_type == 0)
    ip = np.where(is_out, places.carrier(uniform(rng, n)), account.user)
    return {
        "start": start, "device": device, "device_type": device_type, **client_of(device, device_type),
        "ip": ip.astype(np.int32), "country": np.full(n, country, np.uint8),
        "network": np.where(is_out, NETWORK["mobile"], NETWORK["residential"]).astype(np.uint8),
        "context_type": np.searchsorted((0.4, 0.63, 0.84, 0.97), uniform(rng, n)).astype(np.uint8),
        "context": places.playlist(uniform(rng, n)), "shuffle": uniform(rng, n) < 0.31,
        "role": np.full(n, ROLES.index("script"), np.uint8),
    }  # fmt: skip


def shared_place(
    run: Run, campaign: Campaign, setting: Setting, number: int, devices: int, hosted: float, rng: Generator
) -> Run:
    """Move a run onto the operator's few devices and lines: `devices` for the campaign, a share `hosted` in a cloud."""
    n = len(run.sessions["start"])
    slot = campaign.index * 64 + number % devices
    device = np.full(n, setting.places.n_users * DEVICES_PER_ACCOUNT + slot, dtype=np.int32)
    is_hosted = uniform(rng, n) < hosted
    line = np.float32((slot * 0.6180339887) % 1)
    ip = np.where(is_hosted, setting.places.hosted(np.full(n, line)), run.sessions["ip"])
    run.sessions |= {
        "device": device, **client_of(device, run.sessions["device_type"]), "ip": ip.astype(np.int32),
        "network": np.where(is_hosted, NETWORK["hosting"], run.sessions["network"]).astype(np.uint8),
    }  # fmt: skip
    return run


def target_in_the_tail(setting: Setting, rng: Generator, n_tracks: int) -> tuple[int, NDArray[np.int32]]:
    """Pick an artist outside the popular ones, with at least one track, and up to `n_tracks` of its tracks.

    80 % of fraudulent streams are outside the top 10,000 tracks (CNM study, France 2021).
    """
    catalogue = setting.catalogue
    n_artists = len(catalogue.n_tracks)
    artist = int(n_artists * (0.1 + 0.9 * rng.random()))
    artist = min(artist, n_artists - 1)
    count = min(n_tracks, int(catalogue.n_tracks[artist]))
    return artist, catalogue.first_track[artist] + np.arange(count, dtype=np.int32)
