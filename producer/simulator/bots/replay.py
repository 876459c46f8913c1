"""replay: a real listener's timestamps with other tracks."""

import numpy as np
from numpy.random import Generator

from producer.simulator.bots.family import Account, Campaign, Run
from producer.simulator.bots.place import own_place
from producer.simulator.bots.targets import tail_artist
from producer.simulator.draws import uniform
from producer.simulator.listeners.endings import ENDED, reasons_start
from producer.simulator.listeners.listening import Setting
from producer.simulator.rows import running, take

TRIES = 12


class Replay:
    """Parameters: `tracks` put in, `shift_min` minutes by which borrowed sessions are moved at most."""

    name = "replay"
    accounts = 8
    keeps_cover = False
    params = ("tracks", "shift_min")

    def campaigns_needed(self, days: int) -> int:
        return 1

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        tracks = int(campaign.param("tracks", 6, 40))
        campaign.target_artist, campaign.tracks = tail_artist(setting.catalogue, rng, tracks, campaign.difficulty)

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        campaign = account.campaign
        hard = campaign.difficulty
        sessions, plays = _donor(account, rng)
        n, k = len(plays["track"]), len(sessions["start"])
        counts = sessions["n_plays"]
        u = uniform(rng, n)
        is_target = uniform(rng, n) >= 0.35 * hard
        target = campaign.tracks[(u * len(campaign.tracks)).astype(np.int64)]
        track = np.where(is_target, target, plays["track"]).astype(np.int32)
        duration = setting.catalogue.duration_ms[track]
        # it keeps the listener's rhythm, but skips less: a cut target earns nothing
        is_kept_on = is_target & (uniform(rng, n) < 0.9 - 0.6 * hard) & (plays["listen"] < 31_000)
        listen = np.where(
            plays["reason_end"] == ENDED["trackdone"], duration, np.minimum(plays["listen"], duration - 1)
        )
        listen = np.where(is_kept_on, np.minimum(31_000 + (90_000 * u).astype(np.int32), duration), listen)
        cut_end = np.where(plays["reason_end"] == ENDED["trackdone"], ENDED["fwdbtn"], plays["reason_end"])
        reason_end = np.where(listen == duration, ENDED["trackdone"], cut_end).astype(np.uint8)

        starts_of_plays = plays["end"] - plays["listen"]
        silence = np.diff(starts_of_plays, prepend=0) - np.concatenate(([0], plays["listen"][:-1]))
        place = np.concatenate([np.arange(c) for c in counts]) if k else np.empty(0, np.int64)
        silence = np.where(place == 0, 0, np.maximum(silence, 0))
        shift_ms = int(campaign.param("shift_min", 0, 40) * 60_000)
        start = sessions["start"] + rng.integers(-shift_ms, shift_ms + 1, k)
        end = np.repeat(start, counts) + running(listen + silence, counts)
        # moved sessions may come to lie over each other: the earlier one stands
        last = np.cumsum(counts) - 1
        begins, stops = start, end[last] if k else start
        is_clear = np.concatenate(([True], begins[1:] > np.maximum.accumulate(stops)[:-1])) if k else np.empty(0, bool)
        is_clear &= (begins >= setting.calendar.starts_ms) & (stops < setting.calendar.ends_ms)
        keep = np.repeat(is_clear, counts)
        own = own_place(account, setting, start, 0.3 + 0.7 * hard, rng) | {"n_plays": counts}
        out = {
            "track": track, "listen": listen.astype(np.int32), "end": end, "reason_end": reason_end,
            "is_paid": is_target & (listen >= 30_000),
            "reason_start": reasons_start(reason_end, place == 0, uniform(rng, n)),
        }  # fmt: skip
        return Run(take(own, is_clear), take(out, keep))


def _donor(account: Account, rng: Generator) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the sessions and plays of the busiest of some listeners of the same block, drawn at random."""
    candidates = rng.integers(0, len(account.traits.user), TRIES)
    found = [account.listening_of(int(who)) for who in candidates]
    return sorted(found, key=lambda pair: len(pair[1]["track"]))[TRIES // 2]
