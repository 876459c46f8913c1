"""What each listener of a block is like, in the dials of a scenario: for truth only, never for a static table."""

import numpy as np

from contracts.events import PLAYS
from producer.simulator.block import Block
from producer.simulator.listeners.endings import ENDED
from runtime.arrays import Floats


def listener_values(block: Block, days: int) -> dict[str, Floats]:
    """Return mix_sesh, pop_fan, sesh_len, sesh_num and skip_prob by account of a block, NaN where it has no listener.

    The first two are always the account's chances. The others are its dial where one is set, and else what its own
    sessions came to: mean plays of a session, sessions of a day, share of plays cut short. A bot's
    sessions don't count.
    """
    traits, sessions = block.traits, block.sessions
    n = len(traits.user)
    who = sessions["user"] - int(traits.user[0])
    is_own = sessions["family"] == 0
    session = block.rows[PLAYS]["session"]
    plays = who[session][is_own[session]]
    is_cut = block.rows[PLAYS]["reason_end"][is_own[session]] != ENDED["trackdone"]
    n_plays = np.bincount(plays, minlength=n).astype(np.float64)
    # a session whose plays all lie outside the world's period is none
    n_sessions = np.bincount(who[np.intersect1d(session, np.flatnonzero(is_own))], minlength=n).astype(np.float64)
    n_cut = np.bincount(plays[is_cut], minlength=n).astype(np.float64)
    with np.errstate(invalid="ignore"):  # 0 / 0 of an account without a session is NaN, as it should be
        simulated = {"sesh_len": n_plays / n_sessions, "sesh_num": n_sessions / days, "skip_prob": n_cut / n_plays}
    values = {"mix_sesh": traits.mixed.astype(np.float64), "pop_fan": traits.pop_fan.astype(np.float64)}
    for name, measured in simulated.items():
        dial = getattr(traits, name).astype(np.float64)
        values[name] = np.where(np.isnan(dial), measured, dial)
    listens = traits.active > 0
    return {name: np.where(listens, column, np.nan) for name, column in values.items()}
