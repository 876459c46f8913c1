"""Features of where a session is played: devices, addresses, countries, networks, speed. Form: see `listening`."""

import numpy as np

from contracts.events import NETWORKS
from runtime.arrays import Floats
from spark_app.stages.arrays.countries import COUNTRY_INDEX, speeds_kmh
from spark_app.stages.arrays.segments import ratio
from spark_app.stages.sessions.session_batch import SessionBatch


def n_devices(b: SessionBatch) -> Floats:
    return b.distinct(b.device, b.has_device)


def n_ips(b: SessionBatch) -> Floats:
    return b.distinct(b.ip, b.has_ip)


def n_countries(b: SessionBatch) -> Floats:
    return b.distinct(b.country, b.country != 0)


def hosting_share(b: SessionBatch) -> Floats:
    is_hosting = np.isin(b.network, [NETWORKS.index("hosting"), NETWORKS.index("vpn")])
    return ratio(b.count(is_hosting), b.count(b.network >= 0))


def max_speed_kmh(b: SessionBatch) -> Floats:
    country = COUNTRY_INDEX[b.country]
    rows, speeds = speeds_kmh(b.session, b.event_ms, country)
    maximum = np.where(b.count(country >= 0) > 0, 0.0, np.nan)
    np.fmax.at(maximum, b.session[rows], speeds)
    return maximum
