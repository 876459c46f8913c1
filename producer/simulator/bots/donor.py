"""A bot that copies a listener: the sessions of one account of the world, with other tracks and moved times."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.bots.family import Account, Run
from producer.simulator.bots.place import own_place
from producer.simulator.draws import uniform
from producer.simulator.listeners.endings import ENDED, reasons_start
from producer.simulator.listeners.listening import Setting
from producer.simulator.rows import Columns, running, take

TRIES = 12


def draw_donor(account: Account, rng: Generator, place: float = 0.5) -> tuple[Columns, Columns]:
    """Return the sessions and plays of one of some listeners of the same block drawn at random.

    `place` is that one's among them in the order of their plays: 0 the one with the fewest, 0.5 the median.
    """
    candidates = rng.integers(0, len(account.traits.user), TRIES)
    found = [account.listening_of(int(who)) for who in candidates]
    return sorted(found, key=lambda pair: len(pair[1]["track"]))[min(int(place * TRIES), TRIES - 1)]


def retrace(
    donor: tuple[Columns, Columns], track: NDArray[np.int32], is_target: NDArray[np.bool_], heard_on: float,
    shift_min: float, human_touch: float, u: NDArray[np.float32], account: Account, setting: Setting, rng: Generator,
) -> Run:  # fmt: skip
    """Play the donor's sessions again, each play with the `track` given for it.

    Of the targets that the donor cut before the payout, a share `heard_on` is heard past it. Sessions move by up to
    `shift_min` minutes; where two come to overlap, the earlier one is kept. `u` are uniform draws, one per play.
    """
    sessions, plays = donor
    n, k = len(plays["track"]), len(sessions["start"])
    counts = sessions["n_plays"]
    duration = setting.catalogue.duration_ms[track]
    # it keeps the listener's rhythm, but skips less: a cut target earns nothing
    is_kept_on = is_target & (uniform(rng, n) < heard_on) & (plays["listen"] < 31_000)
    listen = np.where(plays["reason_end"] == ENDED["trackdone"], duration, np.minimum(plays["listen"], duration - 1))
    listen = np.where(is_kept_on, np.minimum(31_000 + (90_000 * u).astype(np.int32), duration), listen)
    cut_end = np.where(plays["reason_end"] == ENDED["trackdone"], ENDED["fwdbtn"], plays["reason_end"])
    reason_end = np.where(listen == duration, ENDED["trackdone"], cut_end).astype(np.uint8)

    starts_of_plays = plays["end"] - plays["listen"]
    silence = np.diff(starts_of_plays, prepend=0) - np.concatenate(([0], plays["listen"][:-1]))
    place = np.concatenate([np.arange(c) for c in counts]) if k else np.empty(0, np.int64)
    silence = np.where(place == 0, 0, np.maximum(silence, 0))
    shift_ms = int(shift_min * 60_000)
    start = sessions["start"] + rng.integers(-shift_ms, shift_ms + 1, k)
    end = np.repeat(start, counts) + running(listen + silence, counts)
    # moved sessions may come to overlap: the earlier one is kept
    last = np.cumsum(counts) - 1
    begins, stops = start, end[last] if k else start
    is_clear = np.concatenate(([True], begins[1:] > np.maximum.accumulate(stops)[:-1])) if k else np.empty(0, bool)
    is_clear &= (begins >= setting.calendar.starts_ms) & (stops < setting.calendar.ends_ms)
    keep = np.repeat(is_clear, counts)
    own = own_place(account, setting, start, human_touch, rng) | {"n_plays": counts}
    out = {
        "track": track, "listen": listen.astype(np.int32), "end": end, "reason_end": reason_end,
        "is_paid": is_target & (listen >= 30_000),
        "reason_start": reasons_start(reason_end, place == 0, uniform(rng, n)),
    }  # fmt: skip
    return Run(take(own, is_clear), take(out, keep))
