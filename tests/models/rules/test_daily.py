"""Rules over days and weeks in the daily run: who is hit, who passes, what the table holds."""

from datetime import date
from pathlib import Path

from contracts.rules import RULE_DAYS
from models.rules.daily import TABLE, write_rule_days
from models.rules.store import RuleStore
from models.tables.lake_tables import read_table
from runtime.world import World
from tests.models.rules.test_backtest import write_days


def active(store: RuleStore, rule: str, grain: str, text: str, state: str = "active") -> None:
    store.draft(rule, "too much", grain, text, "ana")
    store.add_test(rule, 1, "ana", {})
    for step in ("shadow", "active")[: 1 if state == "shadow" else 2]:
        store.step(rule, 1, step, "ana", set())


def test_days_that_meet_a_rule_are_hits_with_their_values_and_who_is_exempt_passes(
    tmp_path: Path,
) -> None:
    world = World(tmp_path / "w")
    assert write_rule_days(world) == []
    write_days(world, u1=900.0, u2=1200.0, u3=None)
    store = RuleStore(world.rules)
    active(store, "flood", "day", "plays_day >= 800")
    active(store, "many", "day", "plays_day >= 1000", "shadow")
    active(store, "of-weeks", "weeks", "plays_per_day > 1")
    store.exempt("account", "u2", "9999-12-31", "a shop", "ana")
    assert write_rule_days(world) == ["rules             3 over days and weeks: 3 hits, 1 account flagged"]
    rows = read_table(world, TABLE, "playproof days run").to_dict("records")
    assert list(rows[0]) == [column.name for column in RULE_DAYS]
    assert [(r["user_id"], r["rule_id"], r["state"], r["allowed_by"]) for r in rows] == [
        ("u1", "flood", "active", None),
        ("u2", "flood", "active", "account:u2"),
        ("u2", "many", "shadow", "account:u2"),
    ]
    assert rows[0]["last_day"] == date(2026, 3, 1)
    assert list(rows[0]["reasons"]) == ["900 plays in a day"]
    store.step("flood", 1, "archived", "ana", set())
    store.step("many", 1, "archived", "ana", set())
    write_rule_days(world)
    assert read_table(world, TABLE, "playproof days run").empty
