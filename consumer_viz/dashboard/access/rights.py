"""Who may do what: roles, their rights, and the right that each route needs.

A route that is not in ROUTE_RIGHTS answers nobody; a test compares the table with the application's routes. What a form
asks for may need more than its route: settling an appeal needs REVIEW (`decisions.rules`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import HTTPException, Request

from runtime.errors import PlayproofError


class Right(StrEnum):
    """What a role may do; ANYBODY is before somebody signed in."""

    ANYBODY = "anybody"
    READ = "read"
    DECIDE = "decide"
    REVIEW = "review"
    DRAFT_RULES = "draft rules"
    RUN_RULES = "run rules"
    CONFIGURE = "configure"


RIGHT_WORDS = {
    Right.READ: "look at these pages",
    Right.DECIDE: "decide or assign cases",
    Right.REVIEW: "review or settle appeals",
    Right.DRAFT_RULES: "draft or test rules",
    Right.RUN_RULES: "run rules or change the allow-list",
    Right.CONFIGURE: "change deliveries",
}
ROLES: dict[str, frozenset[Right]] = {
    "read-only": frozenset({Right.READ}),
    "analyst": frozenset({Right.READ, Right.DECIDE, Right.DRAFT_RULES}),
    "reviewer": frozenset({Right.READ, Right.DECIDE, Right.REVIEW, Right.DRAFT_RULES, Right.RUN_RULES}),
    "engineer": frozenset({Right.READ, Right.DRAFT_RULES, Right.RUN_RULES, Right.CONFIGURE}),
}
"""Role -> its rights."""
LOCAL = "local"
"""Role of whoever has the token that `playproof desk` prints: everything, as the pages are served on loopback only."""
ALL_RIGHTS = frozenset(Right)

ROUTE_RIGHTS: dict[str, Right] = {
    "GET /sign-in": Right.ANYBODY,
    "GET /sign-in/callback": Right.ANYBODY,
    "GET /": Right.READ,
    "POST /me": Right.READ,
    "GET /events": Right.READ,
    "GET /queue": Right.READ,
    "GET /queue/rows/{subject}": Right.READ,
    "GET /queue/sums": Right.READ,
    "GET /queue/panel/{case_id}": Right.READ,
    "GET /queue.csv": Right.READ,
    "GET /cases/{case_id}": Right.READ,
    "GET /cases/{case_id}/pack.zip": Right.READ,
    "POST /cases/{case_id}/verdict": Right.DECIDE,
    "GET /verdicts.csv": Right.READ,
    "GET /rings/{ring_id}": Right.READ,
    "GET /rings/{ring_id}/panel": Right.READ,
    "GET /rings/{ring_id}/members/{case_id}": Right.READ,
    "POST /rings/{ring_id}/verdict": Right.DECIDE,
    "POST /rings/{ring_id}/undo": Right.DECIDE,
    "POST /leases/{subject}": Right.DECIDE,
    "POST /leases": Right.DECIDE,
    "POST /team/{subject}": Right.DECIDE,
    "GET /find": Right.READ,
    "GET /find/accounts": Right.READ,
    "GET /music/{kind}": Right.READ,
    "GET /music/{kind}/report": Right.READ,
    "GET /music/{kind}/report.csv": Right.READ,
    "GET /live": Right.READ,
    "GET /live/data": Right.READ,
    "GET /quality": Right.READ,
    "GET /rules": Right.READ,
    "GET /rules/{rule_id}": Right.READ,
    "POST /rules": Right.DRAFT_RULES,
    "POST /rules/{rule_id}/test": Right.DRAFT_RULES,
    "POST /rules/{rule_id}/step": Right.RUN_RULES,
    "POST /exemptions": Right.RUN_RULES,
    "GET /models": Right.READ,
    "GET /health": Right.READ,
}
"""Method and path of a route -> the right that it needs."""


class RoleSettingError(PlayproofError):
    """PLAYPROOF_ROLES cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class RoleMap:
    """Which role a person has: by name, by group, or the one of everybody else."""

    by_name: Mapping[str, str]
    by_group: Mapping[str, str]
    of_others: str | None = None

    @classmethod
    def parse(cls, text: str) -> "RoleMap":
        """Read `name=role; @group=role; *=role`. Raises RoleSettingError.

        >>> roles = RoleMap.parse("ana=reviewer; @fraud=analyst; *=read-only")
        >>> roles.role("ana", ()), roles.role("ben", ["fraud"]), roles.role("eve", [])
        ('reviewer', 'analyst', 'read-only')
        """
        by_name: dict[str, str] = {}
        by_group: dict[str, str] = {}
        of_others = None
        for entry in filter(None, (part.strip() for part in text.split(";"))):
            who, is_pair, role = (part.strip() for part in entry.partition("="))
            if not (who and is_pair) or role not in ROLES:
                raise RoleSettingError(
                    f"PLAYPROOF_ROLES: {entry!r} is no entry such as ana=reviewer, @group=analyst or *=read-only; "
                    f"roles are {', '.join(ROLES)}"
                )
            if who == "*":
                of_others = role
            elif who.startswith("@"):
                by_group[who[1:]] = role
            else:
                by_name[who] = role
        return cls(by_name, by_group, of_others)

    def role(self, name: str, groups: Collection[str]) -> str | None:
        """Return a person's role: by name, else the one of most rights among their groups, else that of others."""
        if name in self.by_name:
            return self.by_name[name]
        of_groups = [self.by_group[group] for group in groups if group in self.by_group]
        return max(of_groups, key=lambda role: len(ROLES[role]), default=self.of_others)


async def check_right(request: Request) -> None:
    """Refuse a request whose login lacks the right that the route needs: a dependency of every route."""
    route = f"{request.method} {request.scope['route'].path}"
    right = ROUTE_RIGHTS.get(route)
    if right is None:
        raise HTTPException(403, f"Nobody may use this: {route} has no right in access/rights.py.")
    if right is Right.ANYBODY:
        return
    login = request.state.login
    if not login.may(right):
        raise HTTPException(403, f"Your role, {login.role}, does not allow to {RIGHT_WORDS[right]}.")
