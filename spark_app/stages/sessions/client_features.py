"""Features of the clients a session was played on and of where: one function each, NaN where not measurable.

The `dist_*`, `license_cnt` and `*_pct` names are those of Netflix's published account-day features (arXiv 2203.02124).
"""

from collections.abc import Callable

import numpy as np

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, DRMS_OF
from contracts.features import LETTERS
from runtime.arrays import Floats, Ints
from runtime.units import HOUR_MS, MINUTE_MS
from spark_app.stages.arrays.country_centres import COUNTRY_OF_LETTERS, distance_km
from spark_app.stages.arrays.segments import ratio
from spark_app.stages.sessions.session_batch import SessionBatch

LICENCE_WINDOW_MS = 10 * MINUTE_MS
LEAST_TRAVEL_MS = MINUTE_MS
"""Two clients report within a second of each other; a speed over less than a minute would mean nothing."""
_FITS = np.array([[drm in DRMS_OF[device] for drm in DRMS] for device in DEVICES])


def speeds_kmh(owner: Ints, event_ms: Ints, country: Ints) -> tuple[Ints, Floats]:
    """Return the rows that are in another country than their owner's row before, and the speed of getting there.

    Rows are in order of (owner, event time); `country` is a place in COUNTRIES, −1 where unknown.
    """
    known = np.flatnonzero(country >= 0)
    before, after = known[:-1], known[1:]
    moved = (owner[before] == owner[after]) & (country[before] != country[after])
    before, after = before[moved], after[moved]
    took_h = np.maximum(event_ms[after] - event_ms[before], LEAST_TRAVEL_MS) / HOUR_MS
    return after, distance_km(country[before], country[after]) / took_h


def max_speed_kmh(b: SessionBatch) -> Floats:
    country = COUNTRY_OF_LETTERS[b.country]
    rows, found = speeds_kmh(b.session, b.event_ms, country)
    speed = np.where(b.count(country >= 0) > 0, 0.0, np.nan)
    np.fmax.at(speed, b.session[rows], found)
    return speed


def license_cnt(b: SessionBatch) -> Floats:
    return b.count(b.action == ACTIONS.index("licence_request"))


def license_rate_10min(b: SessionBatch) -> Floats:
    asked = np.flatnonzero(b.action == ACTIONS.index("licence_request"))
    most = np.zeros(b.n)
    if len(asked):
        session, at = b.session[asked], b.event_ms[asked] - b.event_ms[asked].min()
        key = session * (at.max() + LICENCE_WINDOW_MS + 1) + at
        within = np.arange(1, len(key) + 1) - np.searchsorted(key, key - LICENCE_WINDOW_MS, side="right")
        np.maximum.at(most, session, within)
    return most


def error_rate(b: SessionBatch) -> Floats:
    failed = b.count(b.action == ACTIONS.index("failed_start"))
    return ratio(failed, b.plays + failed)


def dev_drm_mismatch(b: SessionBatch) -> Floats:
    known = ~b.is_play & (b.device_type >= 0) & (b.drm >= 0)
    return ratio(b.count(known & ~_FITS[b.device_type, b.drm]), b.count(known))


def dist_drm_cnt(b: SessionBatch) -> Floats:
    return _kinds(b.by_drm)


def dist_enc_frmt_cnt(b: SessionBatch) -> Floats:
    return _kinds(b.by_codec)


def _kinds(counts: Floats) -> Floats:
    """Number of kinds that occur; NaN where none is known."""
    found = (counts > 0).sum(axis=1).astype(np.float64)
    return np.where(found > 0, found, np.nan)


def _share_of(part: str, place: int) -> Callable[[SessionBatch], Floats]:
    def share(b: SessionBatch) -> Floats:
        counts: Floats = getattr(b, part)
        return ratio(counts[:, place], counts.sum(axis=1))

    return share


_VOCABULARIES = {
    "dev_type": ("by_device_type", DEVICES),
    "drm_type": ("by_drm", DRMS),
    "end_frmt": ("by_codec", CODECS),
}
CLIENT_SHARES = {
    f"{prefix}_{letter}_pct": _share_of(part, place)
    for prefix, (part, values) in _VOCABULARIES.items()
    for place, letter in zip(range(len(values)), LETTERS, strict=False)
}
