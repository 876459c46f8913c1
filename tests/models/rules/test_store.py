"""Versions, states, who may, exemptions; and what of them topic `rules` holds."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from contracts.rules import RULES
from contracts.topics import TOPICS
from models.rules.errors import RuleError, RuleTextError
from models.rules.lifecycle import Version
from models.rules.rule_set import RuleSet, messages_of, rule_set_of
from models.rules.store import RuleStore

TEXT = "share_30_35 > 0.8 and streams >= 100"
TITLE = "stops most tracks at 31 s"


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture
def store(tmp_path: Path) -> RuleStore:
    return RuleStore(tmp_path / "rules.sqlite", Clock())


def drafted(store: RuleStore, text: str = TEXT, person: str = "ana") -> Version:
    version = store.draft("short-loop", TITLE, "session", text, person)
    store.add_test("short-loop", version.version, person, {"rows": 1})
    return version


def states(store: RuleStore) -> dict[int, str]:
    return {v.version: v.state for v in store.versions("short-loop")}


def sent(store: RuleStore) -> RuleSet:
    return rule_set_of(orjson.dumps(message) for message in messages_of(store).values())


def test_a_rule_goes_from_draft_by_its_back_test_and_the_shadow_to_active_by_another_person(store: RuleStore) -> None:
    store.draft("short-loop", TITLE, "session", TEXT, "ana")
    with pytest.raises(RuleError, match="no back-test yet"):
        store.step("short-loop", 1, "shadow", "ana", {"ana"})
    with pytest.raises(RuleError, match="is draft, and cannot go to active: it can go to shadow or archived"):
        store.step("short-loop", 1, "active", "ben", {"ana", "ben"})
    store.add_test("short-loop", 1, "ana", {"rows": 100})
    assert store.last_test("short-loop", 1) == {"rows": 100, "person": "ana", "at": "2026-03-01T12:00:05.000Z"}
    store.step("short-loop", 1, "shadow", "ana", {"ana", "ben"})
    with pytest.raises(RuleError, match=r"by ana: another person makes it active \(ben\)"):
        store.step("short-loop", 1, "active", "ana", {"ana", "ben"})
    store.step("short-loop", 1, "active", "ben", {"ana", "ben"}, "looks right")
    version = store.version("short-loop")
    assert (version.state, version.author, version.approver, version.note) == ("active", "ana", "ben", "looks right")
    assert [(s.state, s.person) for s in store.steps("short-loop")] == [
        ("draft", "ana"), ("shadow", "ana"), ("active", "ben"),
    ]  # fmt: skip
    assert RuleStore(store.path).version("short-loop") == version


def test_who_is_alone_may_approve_their_own_rule(store: RuleStore) -> None:
    drafted(store)
    for state in ("shadow", "active"):
        store.step("short-loop", 1, state, "ana", {"ana"})
    assert store.version("short-loop").approver == "ana"


def test_a_new_version_runs_next_to_the_active_one_and_replaces_it_when_it_becomes_active(store: RuleStore) -> None:
    drafted(store)
    for state in ("shadow", "active"):
        store.step("short-loop", 1, state, "ana", set())
    drafted(store, "share_30_35 > 0.5", "ben")
    drafted(store, "share_30_35 > 0.6", "ben")
    assert states(store) == {1: "active", 2: "archived", 3: "draft"}
    store.step("short-loop", 3, "shadow", "ben", set())
    assert [(r.version, r.state) for r in sent(store).rules] == [(1, "active"), (3, "shadow")]
    store.step("short-loop", 3, "active", "ben", set())
    assert states(store) == {1: "archived", 2: "archived", 3: "active"}
    (rule,) = sent(store).rules
    assert (rule.version, rule.expression, rule.title) == (3, "share_30_35 > 0.6", TITLE)
    store.step("short-loop", 3, "archived", "ben", set())
    assert sent(store).rules == ()
    with pytest.raises(RuleError, match="draft a new version"):
        store.step("short-loop", 3, "active", "ben", set())


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda s: s.draft("Short Loop", TITLE, "session", TEXT, "ana"), "small letters"),
        (lambda s: s.draft("short-loop", " ", "session", TEXT, "ana"), "what the rule finds"),
        (lambda s: s.draft("short-loop", TITLE, "day", "plays_day > 1", "ana"), "give a rule over day another name"),
        (lambda s: s.draft("short-loop", TITLE, "session", TEXT, "ana", seen=0), "saved version 1 .* in between"),
        (lambda s: s.version("other"), "rules of this world: short-loop"),
        (lambda s: s.step("short-loop", 9, "shadow", "ana", set()), "no version 9"),
        (lambda s: s.step("short-loop", 1, "archived", "ana", set(), "x" * 1001), "shorten it"),
        (lambda s: s.exempt("label", "l1", "2026-04-01", "why", "ana"), "account, track"),
        (lambda s: s.exempt("account", "a b", "2026-04-01", "why", "ana"), "by its id"),
        (lambda s: s.exempt("account", "a", "soon", "why", "ana"), "last day"),
        (lambda s: s.exempt("account", "a", "2026-02-28", "why", "ana"), "is over, in UTC it is 2026-03-01"),
        (lambda s: s.exempt("account", "a", "2026-04-01", "", "ana"), "say why"),
        (lambda s: s.end_exemption("account", "a", "ana"), "no exemption"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_changes_nothing(
    store: RuleStore, attempt: Callable[[RuleStore], object], message: str
) -> None:
    drafted(store)
    before = store.sequences()
    with pytest.raises(RuleError, match=message):
        attempt(store)
    assert store.sequences() == before


def test_a_wrong_text_is_no_draft(store: RuleStore) -> None:
    with pytest.raises(RuleTextError, match="line 1, column 1"):
        store.draft("short-loop", TITLE, "session", "stream > 1", "ana")
    assert not store.path.exists()


def test_people_who_save_at_the_same_time_each_get_a_version(tmp_path: Path) -> None:
    def draft(person: str) -> None:
        RuleStore(tmp_path / "rules.sqlite").draft("short-loop", TITLE, "session", TEXT, person)

    people = [f"person-{n}" for n in range(6)]
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(draft, people))
    versions = RuleStore(tmp_path / "rules.sqlite").versions()
    assert [v.version for v in versions] == [1, 2, 3, 4, 5, 6]
    assert sorted(v.author for v in versions) == people
    assert [v.state for v in versions] == ["archived"] * 5 + ["draft"]


def test_a_file_that_is_cut_while_it_is_in_use_is_refused_by_every_call_with_the_cure(store: RuleStore) -> None:
    drafted(store)
    with closing(sqlite3.connect(store.path)) as db:
        db.execute("pragma journal_mode = delete")  # one file, complete
    store.path.write_bytes(store.path.read_bytes()[:10_000])
    for call in (store.versions, store.sequences, store.exemptions, store.people, lambda: drafted(store)):
        with pytest.raises(RuleError, match=r"rules\.sqlite cannot be read .*: restore it from a copy"):
            call()


def test_an_exemption_is_in_force_up_to_its_day_and_can_be_ended(store: RuleStore) -> None:
    store.exempt("account", "u1", "2026-03-05", "a  venue", "ana")
    (exemption,) = store.exemptions()
    assert (exemption.is_in_force("2026-03-05"), exemption.is_in_force("2026-03-06")) == (True, False)
    assert exemption.why == "a venue"
    assert sent(store).exempt == (("account", "u1", "2026-03-05"),)
    store.end_exemption("account", "u1", "ben")
    (exemption,) = store.exemptions()
    assert (exemption.until, exemption.person) == ("2026-02-28", "ben")


def test_messages_have_the_columns_of_the_contract(store: RuleStore) -> None:
    drafted(store)
    store.exempt("track", "t1", "2026-03-05", "sleep sounds", "ana")
    messages = messages_of(store)
    assert list(messages) == ["short-loop", "allow:track:t1"]
    assert {tuple(message) for message in messages.values()} == {tuple(c.name for c in RULES)}
    assert TOPICS["rules"].config["cleanup.policy"] == "compact"


def test_broken_messages_are_named_and_the_others_run(store: RuleStore) -> None:
    drafted(store)
    for state in ("shadow", "active"):
        store.step("short-loop", 1, state, "ana", set())
    good = messages_of(store)["short-loop"]
    older = good | {"sequence": good["sequence"] - 1, "running": []}
    wrong_text = good | {"rule_id": "wrong", "running": [good["running"][0] | {"expression": "stream > 1"}]}
    no_state = good | {"rule_id": "no-state", "running": [{"version": 1}, 7]}
    no_grain = good | {"rule_id": "no-grain", "grain": "hour"}
    bad = [b"", b"\xff", b"[1]", orjson.dumps({"rule_id": "x"}), orjson.dumps(good | {"kind": "other"})]
    rules = rule_set_of([*bad, *map(orjson.dumps, (good, older, wrong_text, no_state, no_grain))])
    assert [(r.rule_id, r.version) for r in rules.rules] == [("short-loop", 1)]
    assert len(rules.refused) == len(bad) + 4
    assert "wrong: line 1, column 1: there is no 'stream': did you mean 'streams'?" in rules.refused
    assert RuleSet.from_dict(orjson.loads(orjson.dumps(rules.as_dict()))) == rules


def test_a_file_that_is_no_record_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "rules.sqlite").write_text("no database, but a text that is long enough to be looked at" * 20)
    with pytest.raises(RuleError, match="restore it from a copy"):
        RuleStore(tmp_path / "rules.sqlite")


def test_rows_of_the_record_are_never_changed(store: RuleStore) -> None:
    drafted(store)
    with sqlite3.connect(store.path) as db, pytest.raises(sqlite3.IntegrityError, match="append only"):
        db.execute("update versions set expression = 'plays > 0'")
