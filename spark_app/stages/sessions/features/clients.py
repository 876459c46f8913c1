"""Features of the clients that a session is played on: licences, failures, DRM, codecs. Form: see `listening`.

The `dist_*`, `license_cnt` and `*_pct` names are those of Netflix's published account-day features (arXiv 2203.02124).
"""

from collections.abc import Callable

import numpy as np

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, DRMS_OF
from contracts.features import LETTERS
from runtime.arrays import Floats
from runtime.units import MINUTE_MS
from spark_app.stages.arrays.segments import ratio
from spark_app.stages.sessions.session_batch import SessionBatch

LICENCE_WINDOW_MS = 10 * MINUTE_MS
_IS_USUAL_PAIR = np.array([[drm in DRMS_OF[device] for drm in DRMS] for device in DEVICES])
"""By device type and DRM: whether the device can use the DRM."""


def license_cnt(b: SessionBatch) -> Floats:
    return b.count(b.action == ACTIONS.index("licence_request"))


def license_rate_10min(b: SessionBatch) -> Floats:
    requests = np.flatnonzero(b.action == ACTIONS.index("licence_request"))
    maximum = np.zeros(b.n)
    if len(requests):
        session, at = b.session[requests], b.event_ms[requests] - b.event_ms[requests].min()
        key = session * (at.max() + LICENCE_WINDOW_MS + 1) + at
        in_window = np.arange(1, len(key) + 1) - np.searchsorted(key, key - LICENCE_WINDOW_MS, side="right")
        np.maximum.at(maximum, session, in_window)
    return maximum


def error_rate(b: SessionBatch) -> Floats:
    failed = b.count(b.action == ACTIONS.index("failed_start"))
    return ratio(failed, b.plays + failed)


def dev_drm_mismatch(b: SessionBatch) -> Floats:
    known = ~b.is_play & (b.device_type >= 0) & (b.drm >= 0)
    return ratio(b.count(known & ~_IS_USUAL_PAIR[b.device_type, b.drm]), b.count(known))


def dist_drm_cnt(b: SessionBatch) -> Floats:
    return _kinds(b.by_drm)


def dist_enc_frmt_cnt(b: SessionBatch) -> Floats:
    return _kinds(b.by_codec)


def _kinds(counts: Floats) -> Floats:
    """Count the kinds that occur, per session; NaN where none is known."""
    kinds = (counts > 0).sum(axis=1).astype(np.float64)
    return np.where(kinds > 0, kinds, np.nan)


def _share_of(counts_of: Callable[[SessionBatch], Floats], index: int) -> Callable[[SessionBatch], Floats]:
    def share(b: SessionBatch) -> Floats:
        counts = counts_of(b)
        return ratio(counts[:, index], counts.sum(axis=1))

    return share


_VOCABULARIES: dict[str, tuple[Callable[[SessionBatch], Floats], tuple[str, ...]]] = {
    "dev_type": (lambda b: b.by_device_type, DEVICES),
    "drm_type": (lambda b: b.by_drm, DRMS),
    "end_frmt": (lambda b: b.by_codec, CODECS),
}
CLIENT_SHARES = {
    f"{prefix}_{letter}_pct": _share_of(counts_of, index)
    for prefix, (counts_of, values) in _VOCABULARIES.items()
    for index, letter in zip(range(len(values)), LETTERS, strict=False)
}
"""One feature per value of a vocabulary: its share of the session's rows that name a value."""
