"""What a bot family is: it takes an order for a campaign, and says what each of its accounts plays and when."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.listening import Setting
from producer.simulator.listeners.population import Traits
from producer.simulator.rows import Columns


@dataclass(slots=True)
class Campaign:
    """One operator's accounts and their one target."""

    index: int
    """Counter of its id, in the world."""
    number: int
    """Its place among the campaigns of its family."""
    family: str
    difficulty: float
    """0 blatant, 1 adaptive."""
    params: dict[str, float]
    accounts: NDArray[np.int32]
    starts_ms: int
    ends_ms: int
    target_artist: int = -1
    """Artist it plays for; -1 where it has several."""
    tracks: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    """What is played for money."""
    cover: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    """What is played around the targets and nobody paid for, where the operator has a list of it."""
    quotas: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Streams bought, by account; empty where the deal is not by streams."""

    def param(self, name: str, blatant: float, adaptive: float | None = None) -> float:
        """Return a parameter of the scenario, or else the value for the difficulty, between blatant and adaptive."""
        adaptive = blatant if adaptive is None else adaptive
        return self.params.get(name, blatant + (adaptive - blatant) * self.difficulty)


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a campaign, as its block knows it."""

    campaign: Campaign
    number: int
    """Its place in the campaign, from 0."""
    who: int
    """Its place in the block."""
    user: int
    traits: Traits
    listening_of: Callable[[int], tuple[Columns, Columns]]
    """Own honest sessions and plays of an account, by its place in the block."""

    @property
    def home(self) -> int:
        """The account whose line it is on: its own, or the first of `per_address` accounts that share one."""
        shared = int(self.campaign.params.get("per_address", 1))
        return int(self.campaign.accounts[self.number - self.number % shared]) if shared > 1 else self.user

    @property
    def place(self) -> int:
        return int(self.traits.place[self.who])

    @property
    def chronotype(self) -> int:
        return int(self.traits.chronotype[self.who])


@dataclass(slots=True)
class Run:
    """What a bot does on one account: sessions (with place and time) and plays, in order of time.

    `sessions` has start, n_plays and the place columns; `plays` has track, listen, end, reason_start, reason_end,
    is_paid. All times in ms. `drops` are places among the account's own sessions that the bot's stand for; any own
    session that one of the bot's overlaps gives way as well.
    """

    sessions: Columns
    plays: Columns
    drops: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


class BotFamily(Protocol):
    """One kind of bot. Registered in `bots/__init__.py`."""

    name: str
    accounts: int
    """Accounts of a campaign unless the scenario says otherwise."""
    keeps_cover: bool
    """Whether the account's own honest listening goes on."""

    @property
    def params(self) -> tuple[str, ...]:
        """Parameters a scenario may set, next to weight, accounts and difficulty."""

    def campaigns_needed(self, days: int) -> int:
        """Return how many campaigns give it labels in every week of a world."""

    def order(self, campaign: Campaign, setting: Setting, rng: Generator) -> None:
        """Fill in targets, tracks and quotas. Raises ScenarioError for an order that can't fit."""

    def run(self, account: Account, setting: Setting, rng: Generator) -> Run:
        """Return what the bot does on one account."""
