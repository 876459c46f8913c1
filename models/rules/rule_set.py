"""What runs at one moment: the messages of topic `rules`, checked one by one.

A message that is broken, or a version whose text is, is left out and named; the others run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from contracts.rules import ACTIVE, ALLOW, EXEMPT, MAX_RUNNING, RULE, RUNNING
from models.rules.errors import RuleError
from models.rules.lifecycle import Exemption, Version
from models.rules.lifecycle import running as running_versions
from models.rules.parse import Expression, parse
from models.rules.store import RuleStore

MAX_REFUSALS = 20
"""Refusals that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class RunningRule:
    """A version that is evaluated."""

    rule_id: str
    version: int
    state: str
    title: str
    grain: str
    expression: str

    def parsed(self) -> Expression:
        """Return its expression; it was read before."""
        return parse(self.expression, self.grain)

    @property
    def is_active(self) -> bool:
        return self.state == ACTIVE


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What runs: versions, and who is exempt until which day. `refused`: why others do not run."""

    rules: tuple[RunningRule, ...] = ()
    exempt: tuple[tuple[str, str, str], ...] = ()
    """(kind, subject, until)."""
    refused: tuple[str, ...] = field(default=(), compare=False)

    def of_grain(self, grain: str) -> tuple[RunningRule, ...]:
        """Return the versions that look at sessions, days or weeks."""
        return tuple(rule for rule in self.rules if rule.grain == grain)

    def as_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads."""
        return {
            "rules": [[r.rule_id, r.version, r.state, r.title, r.grain, r.expression] for r in self.rules],
            "exempt": [list(entry) for entry in self.exempt],
            "refused": list(self.refused),
        }

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> "RuleSet":
        """Read what `as_dict` wrote."""
        return RuleSet(
            tuple(RunningRule(*row) for row in value["rules"]),
            tuple((kind, subject, until) for kind, subject, until in value["exempt"]),
            tuple(value["refused"]),
        )


def rule_message(versions: list[Version], sequence: int) -> dict[str, Any]:
    """Return the message of one rule, from all of its versions: the columns of contracts.rules.RULES."""
    newest = max(versions, key=lambda v: (v.changed_at, v.version))
    shown = max(running_versions(versions) or versions, key=lambda v: v.version)
    return {
        "rule_id": newest.rule_id,
        "kind": RULE,
        "sequence": sequence,
        "title": shown.title,
        "grain": newest.grain,
        "running": [
            {
                "version": v.version,
                "state": v.state,
                "expression": v.expression,
                "author": v.author,
                "approver": v.approver,
            }
            for v in running_versions(versions)
        ],
        "subject": "",
        "until": "",
        "changed_by": newest.changed_by,
        "changed_at": newest.changed_at,
    }


def exemption_message(exemption: Exemption) -> dict[str, Any]:
    """Return the message of an exemption."""
    return {
        "rule_id": f"{ALLOW}:{exemption.key}",
        "kind": ALLOW,
        "sequence": exemption.sequence,
        "title": exemption.why,
        "grain": exemption.kind,
        "running": [],
        "subject": exemption.subject,
        "until": exemption.until,
        "changed_by": exemption.person,
        "changed_at": exemption.at,
    }


def messages_of(store: RuleStore) -> dict[str, dict[str, Any]]:
    """Return the messages that topic `rules` should hold, by key."""
    sequences = store.sequences()
    by_rule: dict[str, list[Version]] = {}
    for version in store.versions():
        by_rule.setdefault(version.rule_id, []).append(version)
    rules = {rule_id: rule_message(versions, sequences[rule_id]) for rule_id, versions in by_rule.items()}
    return rules | {f"{ALLOW}:{e.key}": exemption_message(e) for e in store.exemptions()}


def rule_set_of(values: Iterable[bytes]) -> RuleSet:
    """Read the messages of topic `rules`, in any order: of a key, the one with the largest sequence counts."""
    newest: dict[str, dict[str, Any]] = {}
    refused: list[str] = []
    for value in values:
        try:
            message = _checked(value)
        except RuleError as error:
            refused.append(str(error))
            continue
        before = newest.get(message["rule_id"])
        if before is None or message["sequence"] >= before["sequence"]:
            newest[message["rule_id"]] = message
    rules: list[RunningRule] = []
    exempt: list[tuple[str, str, str]] = []
    for message in newest.values():
        if message["kind"] == ALLOW:
            exempt.append((message["grain"], message["subject"], message["until"]))
            continue
        for version in message["running"]:
            try:
                rules.append(_running(message, version))
            except RuleError as error:
                refused.append(f"{message['rule_id']}: {error}")
    rules.sort(key=lambda rule: (not rule.is_active, rule.rule_id, rule.version))
    refused += [f"{r.rule_id} v{r.version}: {MAX_RUNNING} versions run already" for r in rules[MAX_RUNNING:]]
    if len(refused) > MAX_REFUSALS:
        refused[MAX_REFUSALS:] = [f"and {len(refused) - MAX_REFUSALS} more"]
    return RuleSet(tuple(rules[:MAX_RUNNING]), tuple(sorted(exempt)), tuple(refused))


_FIELDS = {"rule_id": str, "kind": str, "sequence": int, "title": str, "grain": str, "running": list, "subject": str,
           "until": str}  # fmt: skip


def _checked(value: bytes) -> dict[str, Any]:
    """Return a message whose fields have their types. Raises RuleError for any other."""
    try:
        message = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise RuleError("a message of topic rules is no JSON") from None
    if not isinstance(message, dict):
        raise RuleError("a message of topic rules is no JSON object")
    wrong = [name for name, kind in _FIELDS.items() if type(message.get(name)) is not kind]
    if wrong:
        raise RuleError(f"the message of rule {str(message.get('rule_id'))[:60]!r} lacks a good {', '.join(wrong)}")
    if message["kind"] not in (RULE, ALLOW) or (message["kind"] == ALLOW and message["grain"] not in EXEMPT):
        raise RuleError(f"the message of rule {message['rule_id'][:60]!r} is of no known kind")
    return message


def _running(message: Mapping[str, Any], version: Any) -> RunningRule:
    """Return a version that can run. Raises RuleError for any other."""
    if not isinstance(version, dict) or version.get("state") not in RUNNING:
        raise RuleError("a version of it is in no state that runs")
    number, text = version.get("version"), version.get("expression")
    if type(number) is not int or not 0 < number < 2**31 or not isinstance(text, str):
        raise RuleError("a version of it lacks its number or its text")
    parse(text, message["grain"])
    return RunningRule(
        message["rule_id"][:60], number, version["state"], message["title"][:200], message["grain"], text
    )
