"""A scenario: population, period, how many bots of which families, how hard. TOML in, checked, nothing else."""

import math
import tomllib
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from types import UnionType
from typing import Any, Literal

from contracts.labels import FAMILIES, HARD_NEGATIVES
from producer.errors import ProducerError
from producer.simulator.calendar import WEEKDAYS
from producer.simulator.catalogue import CatalogueSettings
from producer.simulator.listeners.dials import Dial, DialError, parse_dial
from producer.simulator.listeners.profiles import PROFILES
from runtime.command_line import MAX_SEED

SHARED_PARAMS = ("weight", "accounts", "difficulty")
"""Parameters that every family has."""
BAD_SESSIONS = "bad_sessions"
"""And one more: the share of the bot's sessions that take place, the second level of fraud after bad accounts."""
STARTS_ON = date(2025, 3, 3)
MAX_BOOST = 10.0
MAX_USERS, MAX_DAYS = 1_000_000_000, 36_525
"""The days of a hundred years."""
OTHERS = ("markov_small", "shop")
"""Scenarios that `simulate` knows and that are not listening: a log of sessions, and an online shop."""
FOLDER = Path(__file__).with_name("scenarios")


class ScenarioError(ProducerError):
    """A scenario can't be read or can't be met; the message names the key and what is expected."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to simulate, apart from size and seed. See `scenarios/*.toml` for examples."""

    name: str
    starts_on: date = STARTS_ON
    users: int = 10_000
    days: int = 56
    seed: int = 7
    profile: str = "spotify"
    prevalence: float = 0.006
    """Share of accounts, or of streams, that are bots'."""
    prevalence_of: Literal["accounts", "streams"] = "accounts"
    difficulty: float = 0.5
    """0 blatant, 1 adaptive."""
    difficulty_spread: float = 0.0
    """The campaigns of a family lie evenly within `difficulty` ± this: a detector should see more than one."""
    families: dict[str, dict[str, float]] = field(default_factory=dict)
    """Parameters by family; `weight` is its share of the bot accounts, `difficulty` its own dial."""
    negatives: dict[str, float] = field(default_factory=dict)
    """Share of honest accounts by hard negative."""
    chains: str = ""
    """A file of activity chains of the user's own, in the form of chains.toml; empty for the shipped ones."""
    catalogue: CatalogueSettings = field(default_factory=CatalogueSettings)
    weekend_boost: dict[str, float] = field(default_factory=dict)
    """Listening on a day against a usual one, by name of the day; days that are not named keep the default."""
    listeners: dict[str, Dial] | None = None
    """Dials of the regular honest listeners. Where it is given, even empty, `truth/users` has a value of each dial."""

    def __post_init__(self) -> None:
        self._check_types()
        self._check_numbers()
        self._check_families()
        if self.profile not in PROFILES:
            raise ScenarioError(f"{self.name}: profile {self.profile!r}: expected one of {', '.join(PROFILES)}")
        if self.prevalence_of not in ("accounts", "streams"):
            raise ScenarioError(f"{self.name}: prevalence_of {self.prevalence_of!r}: expected accounts or streams")

    def _check_types(self) -> None:
        """Raise ScenarioError for a value of another type than its field: a file may say `users = "300"`."""
        for keys, kinds, expected in _TYPES:
            for key in keys:
                value = getattr(self, key)
                if not isinstance(value, kinds) or isinstance(value, bool | datetime):
                    raise ScenarioError(f"{self.name}: {key} is {value!r}, expected {expected}")
        numbers = {f"negatives.{name}": share for name, share in self.negatives.items()}
        for family, params in self.families.items():
            if not isinstance(params, dict):
                raise ScenarioError(f"{self.name}: families.{family} is {params!r}, expected a table of numbers")
            numbers |= {f"families.{family}.{name}": value for name, value in params.items()}
        numbers |= {f"catalogue.{f.name}": getattr(self.catalogue, f.name) for f in fields(CatalogueSettings)}
        for key, number in numbers.items():
            if not _is_number(number):
                raise ScenarioError(f"{self.name}: {key} is {number!r}, expected a number")

    def _check_numbers(self) -> None:
        for key in ("prevalence", "difficulty", "difficulty_spread"):
            if not 0 <= getattr(self, key) <= 1:
                raise ScenarioError(f"{self.name}: {key} is {getattr(self, key)}, expected a number from 0 to 1")
        if self.users < 1 or self.days < 1:
            raise ScenarioError(f"{self.name}: {self.users} users for {self.days} days: both must be at least 1")
        for key, highest in (("users", MAX_USERS), ("days", MAX_DAYS), ("seed", MAX_SEED)):
            if not 0 <= getattr(self, key) <= highest:
                raise ScenarioError(f"{self.name}: {key} is {getattr(self, key)}, expected 0 to {highest:,}")
        if not isinstance(self.weekend_boost, dict):
            raise ScenarioError(f"{self.name}: weekend_boost is {self.weekend_boost!r}, expected a table of days")
        for day, boost in self.weekend_boost.items():
            if day not in WEEKDAYS:
                raise ScenarioError(f"{self.name}: weekend_boost: {day!r} is none of {', '.join(WEEKDAYS)}")
            if not _is_number(boost) or not 0 < boost <= MAX_BOOST:
                raise ScenarioError(
                    f"{self.name}: weekend_boost of {day} is {boost!r}, expected a number over 0, at most {MAX_BOOST:g}"
                )

    def _check_families(self) -> None:
        for key, known in (("families", FAMILIES), ("negatives", HARD_NEGATIVES)):
            for name in getattr(self, key):
                if name not in known:
                    raise ScenarioError(f"{self.name}: {key}: {name!r} is none of {', '.join(known)}")
        for family, params in self.families.items():
            accounts, difficulty = params.get("accounts", 1), params.get("difficulty", 0)
            if params.get("weight", 1) <= 0 or accounts < 1 or not 0 <= difficulty <= 1:
                raise ScenarioError(
                    f"{self.name}: families.{family}: expected a weight over 0, accounts from 1, difficulty from 0 to 1"
                )
        shares = self.negatives.values()
        if not all(0 <= share <= 1 for share in shares) or sum(shares) > 1:
            raise ScenarioError(f"{self.name}: negatives: expected shares from 0 to 1, together at most 1")


_TYPES: tuple[tuple[tuple[str, ...], UnionType | type, str], ...] = (
    (("users", "days", "seed"), int, "a whole number"),
    (("prevalence", "difficulty", "difficulty_spread"), int | float, "a number from 0 to 1"),
    (("name", "profile", "prevalence_of", "chains"), str, "a text"),
    (("starts_on",), date, "a date like 2025-03-03"),
    (("families", "negatives"), dict, "a table"),
)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def shipped() -> list[str]:
    """Name the scenarios that come with the simulator."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_scenario(which: str, **changes: Any) -> Scenario:
    """Read a shipped scenario by name, or a TOML file by path; `changes` that are not None win over the file."""
    path = Path(which) if which.endswith(".toml") else FOLDER / f"{which}.toml"
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except FileNotFoundError:
        raise ScenarioError(
            f"scenario {which!r}: no such file; shipped ones: {', '.join([*shipped(), *OTHERS])}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path.name}: not TOML: {error}") from None
    changes = {key: value for key, value in changes.items() if value is not None}
    table |= changes
    _read_end(table, path.name, "days" in changes)
    listeners = table.pop("listeners", None)
    catalogue = table.pop("catalogue", {})
    known = {f.name for f in fields(Scenario)}
    unknown = [key for key in table if key not in known]
    if listeners is not None and not isinstance(listeners, dict):
        raise ScenarioError(f"{path.name}: listeners is {listeners!r}, expected a table of dials")
    unknown += [f"catalogue.{key}" for key in catalogue if key not in {f.name for f in fields(CatalogueSettings)}]
    if unknown:
        raise ScenarioError(f"{path.name}: unknown keys {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    try:
        dials = None if listeners is None else {name: parse_dial(name, value) for name, value in listeners.items()}
    except DialError as error:
        raise ScenarioError(f"{path.name}: {error}") from None
    return Scenario(**({"name": path.stem} | table), catalogue=CatalogueSettings(**catalogue), listeners=dials)


def _read_end(table: dict[str, Any], name: str, is_days_chosen: bool) -> None:
    """Turn `ends_on`, the last day, into `days`. Raises ScenarioError where the two do not agree."""
    ends_on = table.pop("ends_on", None)
    if ends_on is None or is_days_chosen:
        return
    starts_on = table.get("starts_on", STARTS_ON)
    if type(ends_on) is not date or type(starts_on) is not date or ends_on < starts_on:
        raise ScenarioError(f"{name}: ends_on is {ends_on}: expected a date like 2025-03-30, not before {starts_on}")
    days = (ends_on - starts_on).days + 1
    if table.get("days", days) != days:
        raise ScenarioError(
            f"{name}: days is {table['days']}, but from {starts_on} to {ends_on} it is {days}: give one of the two"
        )
    table["days"] = days
