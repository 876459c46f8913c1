"""What the pages of rules show: versions with what they hit, the job's rules, the allow-list, a back-test."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from consumer_viz.dashboard.state import AppState
from contracts.rules import ACTIVE, ARCHIVED, DRAFT, SHADOW, STEPS
from models.rules.lifecycle import Exemption, Version
from models.rules.store import Step, known_people
from runtime.monitoring.rules import rules_record

ORDER = (ACTIVE, SHADOW, DRAFT, ARCHIVED)
STEP_TEXT = {SHADOW: "Run in the shadow", ACTIVE: "Make active", ARCHIVED: "Archive"}
BACK_TO_SHADOW = "Back to the shadow"


@dataclass(frozen=True, slots=True)
class Hits:
    """What a version has hit in the running job."""

    sessions: int = 0
    accounts: int = 0
    allowed: int = 0
    """Sessions that the allow-list let pass."""
    with_model: int = 0
    """Sessions that the model flags too."""


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version with what it hits, and the steps that this person may take."""

    version: Version
    hits: Hits
    steps: tuple[tuple[str, str], ...]
    """(state, text of the button)."""
    is_in_job: bool
    """Whether the job's newest micro-batch evaluated it in this state."""
    waits_for: str
    """Why this person cannot make it active; empty where they can."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule in full."""

    rule_id: str
    versions: tuple[ShownVersion, ...]
    """The newest first."""
    steps: tuple[Step, ...]
    test: dict[str, Any] | None
    """The newest back-test of the newest version."""


def shown_versions(state: AppState, person: str, rule_id: str | None = None) -> list[ShownVersion]:
    """Return the versions of all rules or of one, what runs first, then the newest."""
    hits = _hits(state)
    in_job = {(row[0], row[1], row[2]) for row in rules_record(state.world.unit).get("rules", ())}
    people = known_people(state.world, state.rules) | {person}
    versions = sorted(state.rules.versions(rule_id), key=lambda v: (ORDER.index(v.state), v.rule_id, -v.version))
    return [
        ShownVersion(
            version,
            hits.get((version.rule_id, version.version), Hits()),
            _steps(version),
            (version.rule_id, version.version, version.state) in in_job,
            _waits_for(version, person, people),
        )
        for version in versions
    ]


def build_rulefile(state: AppState, person: str, rule_id: str) -> RuleFile:
    """Collect all of a rule. Raises RuleError where there is none."""
    newest = state.rules.version(rule_id)
    shown = sorted(shown_versions(state, person, rule_id), key=lambda s: -s.version.version)
    test = state.rules.last_test(rule_id, newest.version)
    return RuleFile(rule_id, tuple(shown), tuple(reversed(state.rules.steps(rule_id))), test)


def _steps(version: Version) -> tuple[tuple[str, str], ...]:
    texts = STEP_TEXT | ({SHADOW: BACK_TO_SHADOW} if version.state == ACTIVE else {})
    is_ready = version.state != DRAFT or version.is_tested
    return tuple((state, texts[state]) for state in STEPS[version.state] if state != SHADOW or is_ready)


def _waits_for(version: Version, person: str, people: Iterable[str]) -> str:
    others = sorted(set(people) - {version.author})
    if version.state == SHADOW and person == version.author and others:
        return f"You wrote it, so another person makes it active: {', '.join(others[:3])}."
    return ""


def is_alone(state: AppState, person: str) -> bool:
    """Whether nobody else has worked in this world."""
    return not known_people(state.world, state.rules) - {person}


def exemptions(state: AppState) -> list[tuple[Exemption, bool, int]]:
    """Return (exemption, whether it is in force, sessions that it let pass), those in force first."""
    today = state.store.now_text()[:10]
    with state.index.read() as db:
        passed = dict(_rows(db, "select allowed_by, count(*) from rule_hits where allowed_by is not null group by 1"))
    rows = [(e, e.is_in_force(today), int(passed.get(e.key, 0))) for e in state.rules.exemptions()]
    return sorted(rows, key=lambda row: (not row[1], row[0].key))


def _hits(state: AppState) -> dict[tuple[str, int], Hits]:
    query = """select rule_id, version, count(*), count(distinct user_id), sum(allowed_by is not null), sum(is_flagged)
        from rule_hits group by 1, 2"""
    with state.index.read() as db:
        return {(row[0], row[1]): Hits(*row[2:]) for row in _rows(db, query)}


def _rows(db: sqlite3.Connection, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(query)]
