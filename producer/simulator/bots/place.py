"""Where a bot's sessions come from: the account's own device and line, the operator's, or somebody else's."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.bots.family import Account, Run
from producer.simulator.draws import uniform
from producer.simulator.listeners.activity import ROLES
from producer.simulator.listeners.listening import Setting
from producer.simulator.listeners.places import CONTEXT_SHARES, DEVICES_PER_ACCOUNT, NETWORK, client_of
from producer.simulator.listeners.population import COUNTRIES, PLACES
from producer.simulator.rows import Columns

DEVICES_PER_CAMPAIGN = 64
"""Slots of the device space that a campaign owns."""
DEVICE_SHARES = (0.65, 0.82, 0.91, 0.95)


def own_place(account: Account, setting: Setting, start: NDArray[np.int64], human: float, rng: Generator) -> Columns:
    """Place sessions on the account's own devices and lines. A share `human` of them behaves as a hand would."""
    n = len(start)
    traits, who = account.traits, account.who
    slot = (uniform(rng, n) > 0.85).astype(np.int32)
    device = account.user * DEVICES_PER_ACCOUNT + slot
    device_type = traits.devices[who, slot]
    country = COUNTRIES.index(PLACES[int(traits.place[who])][0])
    places = setting.places
    is_out = (uniform(rng, n) < traits.out[who]) & (device_type == 0)
    ip = np.where(is_out, places.carrier(uniform(rng, n)), account.home)
    kind = np.searchsorted(np.cumsum(CONTEXT_SHARES[:-1]), uniform(rng, n)).astype(np.uint8)
    roles = np.array([ROLES.index(r) for r in ("listener", "background", "script")], np.uint8)
    role = roles[np.searchsorted((0.5 * human, human), uniform(rng, n))]
    return {
        "start": start, "device": device, "device_type": device_type, **client_of(device, device_type),
        "ip": ip.astype(np.int32), "country": np.full(n, country, np.uint8),
        "network": np.where(is_out, NETWORK["mobile"], NETWORK["residential"]).astype(np.uint8),
        "context_type": kind, "shuffle": uniform(rng, n) < 0.31, "role": role,
        "context": np.where(kind == 0, places.collection(np.full(n, account.user, np.int32)),
                            places.playlist(uniform(rng, n))).astype(np.int32),
    }  # fmt: skip


def on_shared_devices(run: Run, account: Account, setting: Setting, devices: int) -> None:
    """Move a run onto the operator's devices, of which the campaign has `devices`."""
    n = len(run.sessions["start"])
    slot = account.campaign.index * DEVICES_PER_CAMPAIGN + account.number % min(devices, DEVICES_PER_CAMPAIGN)
    device = np.full(n, setting.places.n_users * DEVICES_PER_ACCOUNT + slot, dtype=np.int32)
    # one device is of one type, whichever account is on it
    kind = np.searchsorted(DEVICE_SHARES, np.full(n, slot * 0.7548776662 % 1)).astype(np.uint8)
    run.sessions |= {"device": device, "device_type": kind, **client_of(device, kind)}


def on_a_borrowed_device(run: Run, account: Account, rng: Generator) -> None:
    """Move a run onto one device that the account's owner never had."""
    n = len(run.sessions["start"])
    device = np.full(n, account.user * DEVICES_PER_ACCOUNT + DEVICES_PER_ACCOUNT - 1, dtype=np.int32)
    kind = np.full(n, np.searchsorted(DEVICE_SHARES, rng.random()), dtype=np.uint8)
    run.sessions |= {"device": device, "device_type": kind, **client_of(device, kind)}


def through_hosts(run: Run, setting: Setting, share: float, rng: Generator, network: str = "hosting") -> None:
    """Send a share of the sessions through hosting (or vpn) networks, each from a separate address."""
    n = len(run.sessions["start"])
    is_hosted = uniform(rng, n) < share
    run.sessions |= {
        "ip": np.where(is_hosted, setting.places.hosted(uniform(rng, n)), run.sessions["ip"]).astype(np.int32),
        "network": np.where(is_hosted, NETWORK[network], run.sessions["network"]).astype(np.uint8),
    }


def through_homes(run: Run, setting: Setting, share: float, rng: Generator) -> None:
    """Send a share of the sessions through other people's homes, each through a separate one."""
    n = len(run.sessions["start"])
    is_proxied = uniform(rng, n) < share
    home = rng.integers(0, setting.places.n_users, n)
    run.sessions |= {
        "ip": np.where(is_proxied, home, run.sessions["ip"]).astype(np.int32),
        "network": np.where(is_proxied, NETWORK["residential"], run.sessions["network"]).astype(np.uint8),
    }


def from_abroad(run: Run, share: float, rng: Generator) -> None:
    """Let a share of the sessions come from other countries, each from a separate one."""
    n = len(run.sessions["start"])
    elsewhere = rng.integers(0, len(COUNTRIES), n).astype(np.uint8)
    run.sessions["country"] = np.where(uniform(rng, n) < share, elsewhere, run.sessions["country"])


def in_context(run: Run, kind: int, context: int, share: float, rng: Generator) -> None:
    """Play a share of the sessions from one context."""
    is_there = uniform(rng, len(run.sessions["start"])) < share
    run.sessions |= {
        "context_type": np.where(is_there, kind, run.sessions["context_type"]).astype(np.uint8),
        "context": np.where(is_there, context, run.sessions["context"]).astype(np.int32),
    }
