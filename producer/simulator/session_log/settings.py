"""A session log's scenario: users, roles, kinds of fraud and their chains. TOML in, checked, nothing else."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from producer.simulator.listeners.chain import END, START, Chain, ChainError, from_rows
from producer.simulator.scenario import ScenarioError

FOLDER = Path(__file__).parent
SHARE_TOLERANCE = 1e-6
MAX_STATES = 255
"""A state's code has a byte."""
_COUNTS = ("users", "days", "sessions_per_day")
_RATES = ("bad_user", "bad_session")


@dataclass(frozen=True, slots=True)
class SessionLogScenario:
    """What to draw. A bad user's sessions are fraudulent with a chance of their own: fraud has two levels."""

    name: str
    roles: Mapping[str, float]
    """Share of users by honest role."""
    fraud: Mapping[str, float]
    """Share of fraudulent sessions by kind of fraud."""
    chains: Mapping[str, Chain] = field(repr=False)
    """Chain by role and kind of fraud; all have the same states, `start` and `end` first."""
    users: int = 200
    days: int = 1
    sessions_per_day: int = 200
    """Sessions of each user on each day."""
    seed: int = 7
    bad_user: float = 0.02
    """Share of users who are bad."""
    bad_session: float = 0.2
    """Share of a bad user's sessions that are fraudulent."""

    @property
    def states(self) -> tuple[str, ...]:
        return next(iter(self.chains.values())).states

    @property
    def expected_fraud(self) -> float:
        """Expected share of sessions that are fraudulent."""
        return self.bad_user * self.bad_session


def shipped() -> list[str]:
    """Name the session logs that come with the simulator."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def is_session_log(which: str) -> bool:
    """Tell whether a scenario, by name or path, is a session log: a shipped one, or a TOML file with [roles]."""
    if which in shipped():
        return True
    try:
        with Path(which).open("rb") as file:
            return which.endswith(".toml") and "roles" in tomllib.load(file)
    except (OSError, ValueError):
        return False  # the listening scenarios' reader says what is wrong with the file


def load_session_log(which: str, chains: Path | None = None, **changes: int | None) -> SessionLogScenario:
    """Read a shipped session log by name, or a TOML file by path. Raises ScenarioError, naming file and key.

    `chains`, a file of chains by role, stands for the file's own; `changes` that are not None win over the file.
    """
    path = FOLDER / f"{which}.toml" if which in shipped() else Path(which)
    table = _read_toml(path)
    table |= {key: value for key, value in changes.items() if value is not None}
    own = table.pop("chains", {})
    rows = own if chains is None else _read_toml(chains)
    source = path.name if chains is None else chains.name
    states = table.pop("states", None)
    known = [f.name for f in fields(SessionLogScenario) if f.name not in ("name", "chains")]
    if unknown := [key for key in table if key not in known]:
        raise ScenarioError(
            f"{path.name}: unknown keys {', '.join(unknown)}; known: {', '.join([*known, 'states', 'chains'])}"
        )
    for key in ("roles", "fraud"):
        _check_shares(path.name, key, table.get(key))
    _check_numbers(path.name, table)
    names = [*table["roles"], *table["fraud"]]
    if len(set(names)) < len(names):
        raise ScenarioError(f"{path.name}: a name is both in roles and in fraud: {', '.join(names)}")
    built = _chains(source, names, rows, None if chains is not None else states)
    return SessionLogScenario(**({"name": path.stem} | table), chains=built)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"not TOML: {error}"
        raise ScenarioError(f"{path.name}: {reason}") from None


def _check_shares(name: str, key: str, shares: object) -> None:
    if not isinstance(shares, dict) or not shares:
        raise ScenarioError(f"{name}: {key} is missing: expected a table of shares by name, which sum to 1")
    for role, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ScenarioError(f"{name}: {key}.{role} is {share!r}, expected a share from 0 to 1")
    if abs(sum(shares.values()) - 1) > SHARE_TOLERANCE:
        raise ScenarioError(f"{name}: {key} sums to {sum(shares.values()):g}, expected 1")


def _check_numbers(name: str, table: Mapping[str, Any]) -> None:
    for key in (*_COUNTS, "seed"):
        value = table.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < (0 if key == "seed" else 1):
            raise ScenarioError(f"{name}: {key} is {value!r}, expected a whole number, at least {int(key != 'seed')}")
    for key in _RATES:
        value = table.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ScenarioError(f"{name}: {key} is {value!r}, expected a share from 0 to 1")


def _chains(name: str, roles: list[str], rows: object, states: object) -> dict[str, Chain]:
    """Build the chains of the roles; without `states` these are the ones the rows name, in order."""
    if not isinstance(rows, dict) or (missing := [role for role in roles if role not in rows]):
        missing = roles if not isinstance(rows, dict) else missing
        raise ScenarioError(f"{name}: no chain for {', '.join(missing)}: expected rows like  start = {{ login = 1.0 }}")
    for role in roles:
        _check_rows(name, role, rows[role])
    named = [s for role in roles for state, row in rows[role].items() for s in (state, *row)]
    if states is not None and not (isinstance(states, list) and all(isinstance(s, str) for s in states)):
        raise ScenarioError(f"{name}: states is {states!r}, expected a list of names")
    inner = list(dict.fromkeys(s for s in (named if states is None else states) if s not in (START, END)))
    if len(inner) + 2 > MAX_STATES:
        raise ScenarioError(f"{name}: {len(inner) + 2} states, expected at most {MAX_STATES}")
    try:
        return {role: from_rows((START, END, *inner), rows[role]) for role in roles}
    except ChainError as error:
        role = next(role for role in roles if _fails((START, END, *inner), rows[role]))
        raise ScenarioError(f"{name}: {role}: {error}") from None


def _check_rows(name: str, role: str, rows: object) -> None:
    if not isinstance(rows, dict) or START not in rows:
        raise ScenarioError(f"{name}: {role} has no row {START!r}: expected  start = {{ login = 1.0 }}")
    for state, row in rows.items():
        if not isinstance(row, dict):
            raise ScenarioError(f"{name}: {role}: row {state!r} is {row!r}, expected a table of probabilities")
        for following, value in row.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ScenarioError(f"{name}: {role}: row {state!r}: {following} is {value!r}, expected a probability")


def _fails(states: tuple[str, ...], rows: Mapping[str, Mapping[str, float]]) -> bool:
    try:
        from_rows(states, rows)
    except ChainError:
        return True
    return False
