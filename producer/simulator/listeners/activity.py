"""Rows of topic `activity`: what clients report around each play, by the Markov chain of the session's role."""

import tomllib
from pathlib import Path

import numpy as np
from numpy.random import Generator

from contracts.events import ACTIONS, REASONS_END
from producer.simulator.draws import uniform
from producer.simulator.listeners.chain import Chain, ChainError, from_rows, walk
from producer.simulator.rows import Columns

CHAINS_FILE = Path(__file__).with_name("chains.toml")
ROLES = ("listener", "background", "script", "faulty", "ripper")
_ACTION = {name: i for i, name in enumerate(ACTIONS)}
_ENDED_BY_HAND = np.array([r in ("fwdbtn", "backbtn") for r in REASONS_END])
_WITH_TRACK = np.array([a in ("skip", "seek", "pause", "resume", "like", "licence_request", "manifest_request",
                              "failed_start", "download", "heartbeat", "click") for a in ACTIONS])  # fmt: skip
_LOGIN_SHARE = 0.06
_SKIP_REPORTED = np.array([0.9, 0.9, 0.25, 0.9, 0.9])
"""Share of skips that the client reports as a press of the button, by role: a script mostly asks for the next track
without one. An assumption; it is why activity falls while streams rise in an attack."""


def load_chains(path: Path = CHAINS_FILE) -> list[Chain]:
    """Read the chains of all roles from a TOML file of sparse rows. Raises ChainError, naming the file and row."""
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except (FileNotFoundError, tomllib.TOMLDecodeError) as error:
        raise ChainError(f"chains {path.name}: {error}; expected a TOML file like chains.toml") from None
    missing = [role for role in ROLES if role not in tables]
    if missing:
        raise ChainError(f"{path.name}: no chain for the roles {', '.join(missing)}; expected {', '.join(ROLES)}")
    try:
        return [from_rows(ACTIONS, tables[role]) for role in ROLES]
    except ChainError as error:
        raise ChainError(f"{path.name}: {error}") from None


def act(sessions: Columns, plays: Columns, chains: list[Chain], rng: Generator) -> Columns:
    """Return activity rows (session, action, item track or -1, time, is_paid) of sessions and their plays.

    Adds to the sessions when they `opened` and `closed`: the times of their first and last rows.
    """
    session = plays["session"]
    walker, state, step = walk(chains, sessions["role"][session], rng)
    steps = np.bincount(walker, minlength=len(session)).astype(np.float32)
    start = plays["end"] - plays["listen"]
    share = (step + uniform(rng, len(step))) / (steps[walker] + 1)
    during = start[walker] + (share * plays["listen"][walker]).astype(np.int64)

    reported = uniform(rng, len(session)) < _SKIP_REPORTED[sessions["role"][session]]
    skipped = np.flatnonzero(_ENDED_BY_HAND[plays["reason_end"]] & reported)
    counts = sessions["n_plays"]
    last = np.cumsum(counts) - 1
    first = last - counts + 1
    n = len(counts)
    opened = start[first] - 200 - (2_500 * uniform(rng, n)).astype(np.int64)
    logged_in = np.flatnonzero(uniform(rng, n) < _LOGIN_SHARE)
    closed = plays["end"][last] + 50 + (1_500 * uniform(rng, n)).astype(np.int64)

    sessions |= {"opened": opened, "closed": closed}
    parts = (
        (session[walker], state, during, walker),
        (session[skipped], np.full(len(skipped), _ACTION["skip"]), plays["end"][skipped], skipped),
        (np.arange(n), np.full(n, _ACTION["start"]), opened, first),
        (logged_in, np.full(len(logged_in), _ACTION["login"]), opened[logged_in] + 90, first[logged_in]),
        (np.arange(n), np.full(n, _ACTION["end"]), closed, last),
    )
    action = np.concatenate([p[1] for p in parts]).astype(np.uint8)
    play = np.concatenate([p[3] for p in parts])
    return {
        "session": np.concatenate([p[0] for p in parts]),
        "action": action,
        "time": np.concatenate([p[2] for p in parts]),
        "item": np.where(_WITH_TRACK[action], plays["track"][play], -1).astype(np.int32),
        "is_paid": np.zeros(len(action), dtype=bool),
    }
