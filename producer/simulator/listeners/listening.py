"""Honest listening of a block of accounts: days, sessions, tracks, how long each was heard, and when.

All arrays; no loop over accounts, sessions or plays. Order everywhere: account, then time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.calendar import Calendar
from producer.simulator.catalogue import FRESH_DRAWS, Catalogue
from producer.simulator.draws import normal, uniform
from producer.simulator.listeners.endings import cut_listen, reasons_end, reasons_start
from producer.simulator.listeners.places import Places, fixed_chance
from producer.simulator.listeners.population import BINGE_DAYS, BINGE_LOG, FAVOURITES, MAX_LISTENERS, Traits
from producer.simulator.listeners.profiles import Profile
from producer.simulator.listeners.timing import FAR_MS, RUN_PLAYS, Pace, place_in_time
from producer.simulator.rows import Columns, position, take
from producer.simulator.same_math import exp, log, log1p, power

FULL_LOG, FULL_SLOPE = np.float32(log(120)), np.float32(0.7)
"""A day fills up: beyond 120 plays their log grows at this slope (KKBox: p95 125, p99 194, p99.9 318)."""
GLANCE_LOG = np.float32(1.8)
"""How much shorter, in log plays, a day is on which the app is only glanced at."""
SPREE_LOG = np.float32(log(8))
"""How much longer, in log plays, a day of hundreds of plays is."""
MAX_LIST = 1 << 10
"""Tracks of a listener's one list, at most."""
GLANCE_PLAYS, MAX_SESSIONS = np.float32(1.2), np.float32(4.5)
"""Plays of a session on a day of glances; sessions of a day at most, about."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What every block shares."""

    calendar: Calendar
    catalogue: Catalogue
    profile: Profile
    places: Places


def listen(traits: Traits, setting: Setting, rng: Generator) -> tuple[Columns, Columns]:
    """Return the sessions and plays of a block of honest accounts, inside the world's period."""
    sessions = _sessions(traits, setting, rng)
    plays = _plays(sessions, traits, setting, rng)
    return place_in_time(sessions, plays, pace_of(sessions, traits, setting.profile), setting.calendar.ends_ms, rng)


def pace_of(sessions: Columns, traits: Traits, profile: Profile) -> Pace:
    """Return the pace of each session: its account's habits of pausing."""
    who = sessions["who"]
    pausing = (profile.pausing * exp(traits.pausing[who])).astype(np.float32)
    return Pace(pausing, traits.tempo[who], traits.moods[who])


def _sessions(traits: Traits, setting: Setting, rng: Generator) -> Columns:
    """Draw user-days and split each into sessions with a wished start; sorted by account and wish."""
    calendar, profile = setting.calendar, setting.profile
    n, days = len(traits.user), calendar.local_days
    boost = calendar.boost[None, :]
    is_active = rng.random((n, days), dtype=np.float32) < traits.active[:, None] * boost
    has_number, has_length = ~np.isnan(traits.sesh_num), ~np.isnan(traits.sesh_len)
    if has_number.any():
        # an account that does not listen at all (a bot's) has no sessions either
        wanted = np.nan_to_num(traits.sesh_num) * (traits.active > 0)
        planned = rng.poisson(wanted[:, None] * boost)
        is_active = np.where(has_number[:, None], planned > 0, is_active)
    who, day = np.nonzero(is_active)
    log_n = traits.log_plays[who] + profile.day_sd * normal(rng, len(who)) * traits.day_spread[who]
    log_n += traits.drift[who] * (day / 28.0).astype(np.float32)
    since = day - traits.binge_from[who]
    log_n += BINGE_LOG * ((since >= 0) & (since < BINGE_DAYS))
    log_n += SPREE_LOG * (fixed_chance(traits.user[who], day) < traits.spree[who])
    is_glance = uniform(rng, len(who)) < profile.glance
    log_n -= GLANCE_LOG * is_glance
    log_n = np.minimum(log_n, FULL_LOG + FULL_SLOPE * (log_n - FULL_LOG))
    n_plays = np.maximum(exp(np.minimum(log_n, 6.6)), 1)
    # a glance is a track now and one hours later
    n_sessions = 1 + rng.poisson(
        n_plays / np.maximum(np.where(is_glance, GLANCE_PLAYS, traits.session_plays[who]), n_plays / MAX_SESSIONS)
    )
    if has_number.any():
        n_sessions = np.where(has_number[who], planned[who, day], n_sessions)
    row = np.repeat(np.arange(len(who)), n_sessions)
    weight = -log1p(-rng.random(len(row)))
    share = weight / np.repeat(np.add.reduceat(weight, np.cumsum(n_sessions) - n_sessions), n_sessions)
    count = (n_plays[row] * share + uniform(rng, len(row))).astype(np.int32)
    who, day, day_row = who[row], day[row], row
    if has_number.any():
        count = np.where(has_number[who], np.maximum(count, 1), count)
    if has_length.any():
        drawn = rng.geometric(1 / np.where(has_length, traits.sesh_len, 1.0)[who])
        count = np.where(has_length[who], drawn, count).astype(np.int32)
    minute = calendar.draw_minute(traits.chronotype[who], day, rng)
    wish = calendar.local_midnight[traits.place[who], day] + (minute * 60_000.0).astype(np.int64)
    keep = (count > 0) & (wish >= calendar.starts_ms) & (wish < calendar.ends_ms)
    day_completion = profile.completion_day_sd * normal(rng, len(n_plays)) + profile.heavy * (log_n - profile.log_plays)
    day_repeat = profile.repeat_day_sd * normal(rng, len(n_plays))
    completion = day_completion[day_row] + profile.completion_session_sd * normal(rng, len(row))
    person = (uniform(rng, len(row)) * traits.listeners[who]).astype(np.int32)
    table: Columns = {
        "who": who, "person": who * MAX_LISTENERS + person, "day": day,
        "n_plays": count, "start": wish, "completion": completion, "repeat": day_repeat[day_row],
    }  # fmt: skip
    table = take(table, keep)
    return take(table, np.argsort(table["person"] * FAR_MS + (table["start"] - calendar.starts_ms)))


def _plays(sessions: Columns, traits: Traits, setting: Setting, rng: Generator) -> Columns:
    """Draw what each session plays and for how long."""
    profile, catalogue = setting.profile, setting.catalogue
    counts = sessions["n_plays"]
    session = np.repeat(np.arange(len(counts)), counts)
    place = position(counts)
    who = sessions["who"][session]
    n = len(session)
    is_mixed = uniform(rng, len(counts)) < traits.mixed[sessions["who"]]
    track = _tracks(sessions, session, place, is_mixed, traits, setting, rng)
    track = track[_repeats(sessions, session, place, is_mixed, traits, rng)]
    shift = np.array(profile.position, dtype=np.float32)[np.minimum(place, len(profile.position) - 1)]
    is_last = place == counts[session] - 1
    odds = profile.completion_run_sd * normal(rng, n // RUN_PLAYS + 1)[np.arange(n) // RUN_PLAYS] * traits.streaks[who]
    odds += traits.completion[who] + sessions["completion"][session] + shift + profile.stop * is_last
    u = uniform(rng, n)
    is_done = u * (1 + exp(-odds)) < 1
    if not np.isnan(traits.skip_prob).all():
        skip = traits.skip_prob[who]
        is_done = np.where(np.isnan(skip), is_done, u >= skip)
    duration = catalogue.duration_ms[track]
    how_late = uniform(rng, n)
    if (traits.haste != 1).any():
        how_late = power(how_late, traits.haste[who])
    cut = cut_listen(duration, profile.early_skips, how_late)
    reason_end = reasons_end(is_done, is_last, profile, rng)
    return {
        "session": session,
        "track": track,
        "listen": np.where(is_done, duration, cut),
        "reason_start": reasons_start(reason_end, place == 0, uniform(rng, n)),
        "reason_end": reason_end,
        "is_paid": np.zeros(n, dtype=bool),
    }


def _tracks(
    sessions: Columns, session: NDArray[np.int64], place: NDArray[np.int64], is_mixed: NDArray[np.bool_],
    traits: Traits, setting: Setting, rng: Generator,
) -> NDArray[np.int32]:  # fmt: skip
    """Pick a new track for each play: of the session's artist, the popular catalogue, or the own favourites."""
    n = len(session)
    who = sessions["who"][session]
    dear = (FAVOURITES * power(uniform(rng, n), traits.devotion[who])).astype(np.int32)
    if traits.phase_days.any():
        phase = traits.phase_days[who]
        dear = np.where(phase > 0, sessions["day"][session] // np.maximum(phase, 1) % FAVOURITES, dear)
    artist = traits.favourites[who, dear]
    popular = setting.catalogue.artists.draw(rng, n)
    # one session explores, the next stays at home
    venture = (traits.pop_fan[sessions["who"]] + 0.35 * normal(rng, len(sessions["who"])))[session]
    artist = np.where(uniform(rng, n) < venture, popular, artist)
    first = np.cumsum(sessions["n_plays"]) - sessions["n_plays"]
    artist = np.where(is_mixed[session], artist, artist[first][session]).astype(np.int64)
    track = setting.catalogue.draw_track(artist, uniform(rng, n))
    # a session of one artist goes through its tracks in order, from wherever it began, and round again
    start, size = setting.catalogue.first_track[artist], setting.catalogue.n_tracks[artist]
    in_order = start + (track[first][session] - start + place) % size
    track = np.where(is_mixed[session], track, in_order).astype(np.int32)
    day = sessions["day"][session]
    if traits.list_tracks.any():
        has_list = np.flatnonzero(traits.list_tracks[who])
        place_in_list = np.where(is_mixed[session], uniform(rng, n) * traits.list_tracks[who], place + session % 5)
        track[has_list] = _of_list(place_in_list[has_list], who[has_list], day[has_list], traits, setting.catalogue)
    is_new = np.flatnonzero(uniform(rng, n) < traits.newness[who])
    track[is_new] = setting.catalogue.fresh[day[is_new], rng.integers(0, FRESH_DRAWS, len(is_new))]
    early = np.flatnonzero(setting.catalogue.not_yet_out(track, day))
    track[early] = setting.catalogue.first_track[setting.catalogue.artist_of[track[early]]]
    return track


def _of_list(
    place: NDArray[np.float64], who: NDArray[np.int64], day: NDArray[np.int64], traits: Traits, catalogue: Catalogue
) -> NDArray[np.int32]:
    """Return the track at each place of an account's list, which is heard over and over; each phase has another."""
    phase = day // np.maximum(traits.phase_days[who], 1)
    at: NDArray[np.int64] = place.astype(np.int64) % traits.list_tracks[who]
    artist = traits.favourites[who, (phase + at % traits.list_artists[who]) % FAVOURITES]
    # a record stands in its order, a playlist has any track of its artists
    drawn = fixed_chance(traits.user[who], phase * MAX_LIST + at)
    of_artist = np.where(traits.list_artists[who] == 1, at, drawn * catalogue.n_tracks[artist])
    track = catalogue.first_track[artist] + of_artist.astype(np.int64) % catalogue.n_tracks[artist]
    return track.astype(np.int32)


def _repeats(
    sessions: Columns, session: NDArray[np.int64], place: NDArray[np.int64], is_mixed: NDArray[np.bool_],
    traits: Traits, rng: Generator,
) -> NDArray[np.int64]:  # fmt: skip
    """Point each play at the play whose track it has: itself, or one some plays back in the listener's own history.

    Copying an old play at a heavy-tailed distance gives recency and frequency at once (Simon 1955; ACT-R decay).
    """
    n = len(session)
    who = sessions["who"][session]
    # the history of the person, not of the account: people on one account listen at once, and not in each other's order
    of_person = np.bincount(sessions["person"][session])
    mine = position(of_person[of_person > 0])
    odds = traits.repeat[who] + sessions["repeat"][session]
    wants = uniform(rng, n) * (1 + exp(-odds)) < 1
    back = power(1 - uniform(rng, n), np.float32(-1 / 0.8)).astype(np.int64)
    reach = np.where(is_mixed[session], mine, place)
    source = np.arange(n) - np.where(wants & (back <= reach), back, 0)
    while True:
        further = source[source]
        if np.array_equal(further, source):
            return source
        source = further
