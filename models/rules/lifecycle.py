"""Versions of a rule and their states, and exemptions. Pure functions: no database, no clock.

A version is drafted, back-tested, run in the shadow, active, archived. A new version begins as a draft next to the one
that runs. When it goes to a state that an earlier version of the rule is in, the earlier one is archived.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from contracts.rules import (
    ACTIVE,
    ARCHIVED,
    DRAFT,
    EXEMPT,
    ID_PATTERN,
    MAX_NOTE_CHARS,
    MAX_TITLE_CHARS,
    RUNNING,
    SHADOW,
    STEPS,
)
from models.rules.errors import RuleError
from models.rules.parse import parse


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a rule, with its newest state."""

    rule_id: str
    version: int
    title: str
    grain: str
    expression: str
    author: str
    drafted_at: str
    state: str = DRAFT
    approver: str = ""
    """Who made it active; empty before."""
    changed_by: str = ""
    changed_at: str = ""
    note: str = ""
    """Of the newest step."""
    is_tested: bool = False
    """Whether it has a back-test."""

    @property
    def label(self) -> str:
        """Return the name that a reason has.

        >>> Version("short-loop", 2, "", "session", "", "ana", "").label
        'short-loop v2'
        """
        return f"{self.rule_id} v{self.version}"


def check_draft(rule_id: str, title: str, grain: str, expression: str) -> None:
    """Raise RuleError, or RuleTextError with the place, where a draft cannot be saved."""
    if not re.fullmatch(ID_PATTERN, rule_id):
        raise RuleError(
            f"a rule's name has 2 to 40 small letters, digits and hyphens, a letter first, not {rule_id[:40]!r}"
        )
    if not title.strip() or len(title) > MAX_TITLE_CHARS:
        raise RuleError(f"say in 1 to {MAX_TITLE_CHARS} characters what the rule finds: its reasons show it")
    parse(expression, grain)


def check_step(version: Version, state: str, person: str, people: Collection[str], note: str = "") -> None:
    """Raise RuleError where a version may not go to a state, or not by this person.

    `people`: who works in this world. Where there is somebody else than the author, another one makes a rule active.
    """
    allowed = STEPS.get(version.state, ())
    if state not in allowed:
        then = f"it can go to {' or '.join(allowed)}" if allowed else "draft a new version of it"
        raise RuleError(f"{version.label} is {version.state}, and cannot go to {state}: {then}")
    if len(note) > MAX_NOTE_CHARS:
        raise RuleError(f"the note has {len(note):,} characters, {MAX_NOTE_CHARS:,} are allowed: shorten it")
    if state == SHADOW and version.state == DRAFT and not version.is_tested:
        raise RuleError(f"{version.label} has no back-test yet: run one first")
    if state == ACTIVE and person == version.author and set(people) - {person}:
        raise RuleError(
            f"{version.label} is by {person}: another person makes it active "
            f"({', '.join(sorted(set(people) - {person})[:3])})"
        )


def replaced_by(version: Version, state: str, others: Sequence[Version]) -> list[Version]:
    """Return the versions of the rule that are archived when `version` goes to `state`.

    Of a rule one version is active, one is in the shadow, one is a draft.
    """
    return [
        other
        for other in others
        if other.version != version.version
        and other.state != ARCHIVED
        and (other.state == state or (state == ACTIVE and other.state == SHADOW and other.version < version.version))
    ]


def running(versions: Sequence[Version]) -> list[Version]:
    """Return the versions that are evaluated."""
    return [version for version in versions if version.state in RUNNING]


@dataclass(frozen=True, slots=True)
class Exemption:
    """An account or track that the allow-list lets pass up to a day, and with it."""

    kind: str
    subject: str
    until: str
    """ISO date, UTC; before `at` where it was ended."""
    why: str
    person: str
    at: str
    sequence: int

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.subject}"

    def is_in_force(self, day: str) -> bool:
        return day <= self.until


def check_exemption(kind: str, subject: str, until: str, why: str, today: str) -> str:
    """Return the last day of an exemption as an ISO date (UTC). Raises RuleError for what cannot be exempted."""
    if kind not in EXEMPT:
        raise RuleError(f"the allow-list has one of {', '.join(EXEMPT)}, not {kind!r}")
    if not subject or len(subject) > 200 or subject.split() != [subject]:
        raise RuleError(f"name the {kind} by its id")
    if not why.strip() or len(why) > MAX_NOTE_CHARS:
        raise RuleError(f"say why in 1 to {MAX_NOTE_CHARS} characters: the hits that pass show it")
    try:
        last = date.fromisoformat(until).isoformat()
    except ValueError:
        raise RuleError("choose the last day of the exemption, such as 2026-12-31") from None
    if last < today:
        raise RuleError(f"an exemption ends today or later: {last} is over, in UTC it is {today}")
    return last
