"""Accounts and their traits: who listens how much, when, to what, from where. Traits are truth, not static."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.catalogue import Catalogue
from producer.simulator.draws import Purpose, normal, stream, uniform
from producer.simulator.ids import Ids, Kind
from producer.simulator.listeners.profiles import Habits, Profile
from producer.simulator.same_math import exp, log, power

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

PLACES = (
    ("US", "America/New_York", 0.17), ("US", "America/Chicago", 0.10), ("US", "America/Los_Angeles", 0.09),
    ("BR", "America/Sao_Paulo", 0.10), ("MX", "America/Mexico_City", 0.08), ("GB", "Europe/London", 0.09),
    ("DE", "Europe/Berlin", 0.08), ("FR", "Europe/Paris", 0.06), ("ES", "Europe/Madrid", 0.05),
    ("SE", "Europe/Stockholm", 0.03), ("PL", "Europe/Warsaw", 0.03), ("IN", "Asia/Kolkata", 0.04),
    ("ID", "Asia/Jakarta", 0.03), ("JP", "Asia/Tokyo", 0.02), ("AU", "Australia/Melbourne", 0.03),
)  # fmt: skip
"""Country, zone, share of accounts: an assumption in the order of the large public markets."""
COUNTRIES = tuple(dict.fromkeys(country for country, _, _ in PLACES))
PLANS = ("free", "premium", "family", "student")
AGE_BANDS = ("13-17", "18-24", "25-34", "35-44", "45-54", "55+")
_AGE_SHARES = (0.08, 0.26, 0.29, 0.18, 0.11, 0.08)

FAULTY = 3
"""Role of a faulty client in the activity chain, after listener, background and script."""
NEVER = 1 << 20
"""A day that never comes."""
BINGE_DAYS, BINGE_LOG = 21, np.float32(log(3))
FAVOURITES = 16
"""Favourite artists kept per listener."""
MOST_STREAKS = np.float32(5)
"""Largest spread of completion between runs of plays, against the profile: beyond it every run is all or nothing."""
MAX_LISTENERS = 8
"""People on one account, at most."""


@dataclass(slots=True)
class Traits:
    """What one block of accounts is like: arrays with one element per account. Cohorts and families change them."""

    user: I32
    place: I32
    plan: NDArray[np.uint8]
    age_band: NDArray[np.uint8]
    account_age_days: I32
    chronotype: NDArray[np.uint8]
    active: F32
    """Chance that a day has any listening."""
    log_plays: F32
    """Log of the median plays on an active day."""
    completion: F32
    """Log-odds of hearing a track to its end, before context shifts it."""
    mixed: F32
    """Chance that a session is of several artists."""
    pop_fan: F32
    """Chance that a track comes from the popular catalogue instead of the own favourites."""
    devotion: F32
    """How much the dearest favourites are favoured: 1 is not at all."""
    repeat: F32
    """Log-odds of playing again what was heard before."""
    session_plays: F32
    """Mean plays a session."""
    touch: NDArray[np.uint8]
    """Role in the activity chain."""
    favourites: NDArray[np.int32]
    """(accounts, FAVOURITES) artists, the dearest first."""
    devices: NDArray[np.uint8]
    """(accounts, 3) device types, the most used first."""
    drift: F32
    """Change of the log of plays by 28 days."""
    binge_from: I32
    """First local day of weeks at three times the usual; past the end for nearly all."""
    newness: F32
    """Chance that a track is one of the new releases."""
    listeners: I32
    """People on the account, who may listen at once."""
    out: F32
    """Chance that a session on a mobile device is on a carrier's network."""
    vpn: F32
    """Chance that a session goes through a VPN or hosting network."""
    travel: F32
    """Chance that a day is spent in another country."""
    office: I32
    """Shared line that daytime sessions come from, -1 is none."""
    haste: F32
    """Exponent of how early a track is cut that is cut: 1 as the profile says, more is earlier."""
    streaks: F32
    """How far the log-odds of completion vary between runs of plays, against the profile."""
    pausing: F32
    """Log of how much likelier a pause after a track is than in the profile."""
    tempo: F32
    """Log of how much longer silences are."""
    moods: F32
    """Spread of the log of silences between runs of plays."""
    day_spread: F32
    """How much the log of plays varies between days, against the profile."""
    spree: F32
    """Chance of a day of several times the usual plays."""
    phase_days: I32
    """Days for which one favourite artist, or one list, is all that is heard, then the next one; 0 is never."""
    list_tracks: I32
    """Tracks of the one list that is heard, 0 for an account that hears all kinds of music."""
    list_artists: I32
    """Favourite artists that such a list is made of: 1 is a record."""
    sesh_len: F32
    """Mean plays of a session where a dial sets it, else NaN: sessions then follow from the plays of a day."""
    sesh_num: F32
    """Mean sessions of a day where a dial sets it, else NaN."""
    skip_prob: F32
    """Chance that a play is cut short where a dial sets it, else NaN."""
    own_device: NDArray[np.bool_]
    """Whether each person on the account has a device, instead of all sharing them."""


def draw_traits(users: I32, profile: Profile, catalogue: Catalogue, rng: Generator) -> Traits:
    """Draw the traits of a block of accounts, as honest listeners."""
    n = len(users)
    shares = np.array([share for _, _, share in PLACES])
    niche = np.minimum(
        (power(uniform(rng, n * FAVOURITES), profile.niche_power) * len(catalogue.n_tracks)),
        len(catalogue.n_tracks) - 1,
    ).astype(np.int32)
    popular = catalogue.artists.draw(rng, n * FAVOURITES)
    favourites = np.where(uniform(rng, n * FAVOURITES) < profile.niche_share, niche, popular)
    premium = uniform(rng, n)
    traits = Traits(
        user=users,
        place=np.searchsorted(np.cumsum(shares / shares.sum()), uniform(rng, n))
        .clip(0, len(PLACES) - 1)
        .astype(np.int32),
        plan=np.searchsorted(np.cumsum((0.35, 0.38, 0.17, 0.10)), premium).clip(0, 3).astype(np.uint8),
        age_band=np.searchsorted(np.cumsum(_AGE_SHARES), uniform(rng, n)).clip(0, 5).astype(np.uint8),
        account_age_days=(rng.gamma(1.1, 800, n) + 1).astype(np.int32),
        chronotype=rng.integers(0, 4, n).astype(np.uint8),
        active=rng.beta(profile.active_a, profile.active_b, n).astype(np.float32),
        log_plays=(profile.log_plays + profile.log_plays_sd * normal(rng, n)).astype(np.float32),
        completion=(profile.completion + profile.completion_sd * normal(rng, n)).astype(np.float32),
        mixed=(profile.mixed[0] + profile.mixed[1] * uniform(rng, n)).astype(np.float32),
        pop_fan=(profile.pop_fan[0] + profile.pop_fan[1] * uniform(rng, n)).astype(np.float32),
        devotion=(1 + 2.5 * uniform(rng, n)).astype(np.float32),
        repeat=(profile.repeat + profile.repeat_sd * normal(rng, n)).astype(np.float32),
        session_plays=(profile.session_plays * exp(1.25 * normal(rng, n))).astype(np.float32),
        touch=(uniform(rng, n) < profile.passive_share).astype(np.uint8),
        drift=(0.12 * normal(rng, n)).astype(np.float32),
        binge_from=np.full(n, NEVER, dtype=np.int32),
        newness=np.full(n, profile.newness, dtype=np.float32),
        listeners=np.ones(n, dtype=np.int32),
        out=(0.8 * uniform(rng, n)).astype(np.float32),
        vpn=np.where(uniform(rng, n) < 0.10, 0.3, 0.01).astype(np.float32),
        travel=np.where(uniform(rng, n) < 0.10, 0.05, 0.0).astype(np.float32),
        office=np.where(uniform(rng, n) < 0.08, 0, -1).astype(np.int32),
        favourites=favourites.reshape(n, FAVOURITES),
        devices=np.searchsorted(np.cumsum(profile.device_shares), uniform(rng, n * 3))
        .clip(0, 5)
        .astype(np.uint8)
        .reshape(n, 3),
        haste=np.ones(n, dtype=np.float32),
        streaks=np.ones(n, dtype=np.float32),
        pausing=np.zeros(n, dtype=np.float32),
        tempo=np.zeros(n, dtype=np.float32),
        moods=np.zeros(n, dtype=np.float32),
        day_spread=np.ones(n, dtype=np.float32),
        spree=np.zeros(n, dtype=np.float32),
        phase_days=np.zeros(n, dtype=np.int32),
        list_tracks=np.zeros(n, dtype=np.int32),
        list_artists=np.ones(n, dtype=np.int32),
        sesh_len=np.full(n, np.nan, dtype=np.float32),
        sesh_num=np.full(n, np.nan, dtype=np.float32),
        skip_prob=np.full(n, np.nan, dtype=np.float32),
        own_device=np.zeros(n, dtype=bool),
    )
    if profile.habits is not None:
        _vary_habits(traits, profile.habits, rng)
    return traits


def _vary_habits(traits: Traits, habits: Habits, rng: Generator) -> None:
    """Give each account habits that differ from the profile's."""
    n = len(traits.user)
    traits.haste = exp(habits.haste * normal(rng, n))
    traits.streaks = np.minimum(exp(habits.streaks * normal(rng, n)), MOST_STREAKS)
    traits.pausing = habits.pausing * normal(rng, n)
    traits.tempo = habits.tempo * normal(rng, n)
    traits.moods = habits.moods * uniform(rng, n)
    traits.day_spread = exp(habits.day_spread * normal(rng, n))


def traits_of(users: I32, block: int, profile: Profile, catalogue: Catalogue, seed: int) -> Traits:
    """Draw the traits of block number `block`: the same whoever asks."""
    return draw_traits(users, profile, catalogue, stream(seed, Purpose.POPULATION, block))


def offsets_ms(starts_on: date, days: int) -> NDArray[np.int64]:
    """Return the offset of local time from UTC in ms, by place and day (two days spare at the end)."""
    noon = [datetime(d.year, d.month, d.day, 12) for d in (starts_on + timedelta(i) for i in range(-1, days + 2))]
    nothing = timedelta(0)
    table = [[(at.replace(tzinfo=ZoneInfo(zone)).utcoffset() or nothing).total_seconds() for at in noon]
             for _, zone, _ in PLACES]  # fmt: skip
    return (np.array(table) * 1000).astype(np.int64)


def users_table(traits: Traits, ids: Ids, starts_on: date) -> pa.Table:
    """Build the rows of the static table `users` for a block."""
    signed_up = np.datetime64(starts_on, "D") - traits.account_age_days.astype("timedelta64[D]")
    payment = ids.texts(Kind.PAYMENT, traits.user)
    free = pa.array(traits.plan == 0)
    return pa.table(
        {
            "user_id": ids.texts(Kind.USER, traits.user),
            "signed_up_on": pa.array(signed_up, pa.date32()),
            "plan": pa.array(PLANS).take(pa.array(traits.plan)),
            "country": pa.array([country for country, _, _ in PLACES]).take(pa.array(traits.place)),
            "timezone": pa.array([zone for _, zone, _ in PLACES]).take(pa.array(traits.place)),
            "age_band": pa.array(AGE_BANDS).take(pa.array(traits.age_band)),
            "payment_id": pc.if_else(free, pa.scalar(None, pa.string()), payment),
        }
    )
