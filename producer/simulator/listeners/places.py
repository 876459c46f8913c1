"""Where sessions happen: device, address, network, country, protection and codec, context. Codes, not text."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from contracts.events import CODECS, DEVICES, DRMS, NETWORKS
from producer.simulator.draws import uniform
from producer.simulator.listeners.population import COUNTRIES, MAX_LISTENERS, PLACES, Traits
from producer.simulator.rows import Columns
from runtime.units import DAY_MS

DEVICE = {name: i for i, name in enumerate(DEVICES)}
NETWORK = {name: i for i, name in enumerate(NETWORKS)}
DEVICES_PER_ACCOUNT = 4
"""Slots of the device space an account owns: three for itself and one for whoever borrows the account."""
CDM_VERSIONS = tuple(f"{major}.{minor}" for major in (14, 15, 16, 17) for minor in range(4))
_COUNTRY_OF_PLACE = np.array([COUNTRIES.index(c) for c, _, _ in PLACES], dtype=np.uint8)
_DRM_OF = np.zeros((len(DEVICES), 2), dtype=np.uint8)
for _device, _drms in {
    "mobile": ("widevine", "fairplay"), "desktop": ("widevine", "playready"), "speaker": ("none", "widevine"),
    "tv": ("widevine", "playready"), "car": ("widevine", "fairplay"), "web": ("widevine", "fairplay"),
}.items():  # fmt: skip
    _DRM_OF[DEVICE[_device]] = [DRMS.index(d) for d in _drms]
_CODEC_OF = np.array([[CODECS.index(c) for c in pair] for pair in (("ogg", "aac"), ("aac", "flac"), ("aac", "ogg"),
                                                                    ("mp3", "ogg"))], dtype=np.uint8)  # fmt: skip
CONTEXT_SHARES = (0.40, 0.23, 0.21, 0.13, 0.02, 0.01)
"""Of sessions, in the order of contracts.events.CONTEXTS (Music Streaming Sessions)."""


@dataclass(frozen=True, slots=True)
class Places:
    """The spaces of codes: accounts, then pools that accounts share."""

    n_users: int
    n_artists: int

    @property
    def mobile_pool(self) -> int:
        """Addresses of mobile carriers, each shared by several accounts."""
        return max(self.n_users // 3, 8)

    @property
    def hosting_pool(self) -> int:
        """Addresses of hosting and VPN providers."""
        return max(self.n_users // 20, 16)

    @property
    def playlists(self) -> int:
        """Playlists, stations and charts that many accounts share."""
        return max(self.n_users // 10, 200)

    def home(self, user: NDArray[np.int32]) -> NDArray[np.int32]:
        return user

    def carrier(self, u: NDArray[np.float32]) -> NDArray[np.int32]:
        return (self.n_users + u * self.mobile_pool).astype(np.int32)

    @property
    def offices(self) -> int:
        """Lines of offices, schools and universities."""
        return max(self.n_users // 40, 4)

    def office(self, number: NDArray[np.int32], user: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return office lines: number 0 is a small one of few accounts, higher ones are large."""
        small = (user.astype(np.int64) * 7919 % self.offices).astype(np.int32)
        line = np.where(number > 0, number % self.offices, small)
        return self.n_users + self.mobile_pool + self.hosting_pool + line

    @property
    def addresses(self) -> int:
        """Codes of addresses in all."""
        return self.n_users + self.mobile_pool + self.hosting_pool + self.offices

    def hosted(self, u: NDArray[np.float32]) -> NDArray[np.int32]:
        return (self.n_users + self.mobile_pool + u * self.hosting_pool).astype(np.int32)

    def playlist(self, u: NDArray[np.float32]) -> NDArray[np.int32]:
        return (np.square(u) * self.playlists).astype(np.int32)

    def collection(self, user: NDArray[np.int32]) -> NDArray[np.int32]:
        return self.playlists + self.n_artists + user


def client_of(device: NDArray[np.int32], device_type: NDArray[np.uint8]) -> Columns:
    """Derive protection, decryption module and codec of a device from its code: the same device never changes."""
    spread = (device.astype(np.uint32) * np.uint32(2654435761)) >> np.uint32(16)
    drm = _DRM_OF[device_type, (spread % 10 < 4).astype(np.int8)]
    return {
        "drm": drm,
        "cdm": (spread // 10 % len(CDM_VERSIONS)).astype(np.uint8),
        "codec": _CODEC_OF[drm, (spread // 160 % 8 == 0).astype(np.int8)],
    }


def update_cdm(sessions: Columns, every_days: int) -> NDArray[np.uint8]:
    """Return the `cdm` of sessions where each device's module is updated every so many days, each on its own day."""
    device = sessions["device"].astype(np.int64)
    day = sessions["start"] // DAY_MS + device * 7919 % every_days
    return ((sessions["cdm"] + day // every_days) % len(CDM_VERSIONS)).astype(np.uint8)


def fixed_chance(user: NDArray[np.int32], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """Map (account, number) to a fixed number in [0, 1): a chance that draws nothing from a stream."""
    mixed = user.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + number.astype(np.uint64) * np.uint64(
        0xBF58476D1CE4E5B9
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0x94D049BB133111EB)
    return (mixed >> np.uint64(11)) / float(1 << 53)


def place_sessions(sessions: Columns, traits: Traits, places: Places, rng: Generator) -> Columns:
    """Add device, network, address, country, context and shuffle to honest sessions."""
    who = sessions["who"]
    n = len(who)
    user = traits.user[who]
    slot = np.searchsorted((0.74, 0.94), uniform(rng, n)).astype(np.int32)
    own_slot = (sessions["person"] % MAX_LISTENERS % (DEVICES_PER_ACCOUNT - 1)).astype(np.int32)
    slot = np.where(traits.own_device[who], own_slot, slot)
    device = user * DEVICES_PER_ACCOUNT + slot
    device_type = traits.devices[who, slot]
    u, v = uniform(rng, n), uniform(rng, n)
    is_vpn = uniform(rng, n) < traits.vpn[who]
    is_portable = np.isin(device_type, (DEVICE["mobile"], DEVICE["car"]))
    is_out = ~is_vpn & is_portable & (u < traits.out[who])
    office = traits.office[who]
    is_office = ~is_vpn & ~is_out & (office >= 0) & (v < 0.5)
    network = np.select(
        [is_vpn, is_out, is_office], [NETWORK["vpn"], NETWORK["mobile"], NETWORK["business"]], NETWORK["residential"]
    ).astype(np.uint8)
    network[is_vpn & (u < 0.3)] = NETWORK["hosting"]
    ip = np.select(
        [is_vpn, is_out, is_office], [places.hosted(v), places.carrier(u), places.office(office, user)],
        places.home(user),
    )  # fmt: skip
    country = _COUNTRY_OF_PLACE[traits.place[who]]
    # a trip lasts days, a VPN's exit changes by session
    trip = fixed_chance(user, sessions["day"] // 3)
    is_abroad = (trip < traits.travel[who]) | (is_vpn & (u < 0.5))
    abroad = (fixed_chance(user, sessions["day"] // 3 + 7) * len(COUNTRIES)).astype(np.uint8)
    country = np.where(is_abroad, abroad, country)
    context_type = np.searchsorted(np.cumsum(CONTEXT_SHARES[:-1]), uniform(rng, n)).astype(np.uint8)
    context = np.where(context_type == 0, places.collection(user), places.playlist(uniform(rng, n)))
    return (
        sessions
        | client_of(device, device_type)
        | {
            "user": user,
            "device": device,
            "device_type": device_type,
            "network": network,
            "ip": ip.astype(np.int32),
            "country": country,
            "context_type": context_type,
            "context": context.astype(np.int32),
            "shuffle": uniform(rng, n) < 0.31,
            "role": traits.touch[who],
        }
    )
