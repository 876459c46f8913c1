"""The table of rules: complete, said in words, and the same in the docs."""

from pathlib import Path

from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.user_days.rules import GROUPS, RULES, rules_table

PAGE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "user-days.md"


def test_the_docs_carry_the_table_of_rules_as_it_is() -> None:
    said = PAGE.read_text().split("<!-- rules:begin -->\n")[1].split("\n<!-- rules:end -->")[0]
    assert said == rules_table(), (
        'stale: paste  python -c "from models.user_days.rules import rules_table; print(rules_table())"'
    )


def test_every_rule_reads_a_feature_that_user_days_have_and_is_of_a_known_group() -> None:
    assert {rule.feature for rule in RULES} <= set(USER_DAY_FEATURE_NAMES)
    assert {rule.group for rule in RULES if rule.group} == set(GROUPS)


def test_every_rule_has_its_value_in_the_reason_unless_it_has_none() -> None:
    assert [rule.name for rule in RULES if "{value}" not in rule.reason] == ["no_rest", "no_skip", "new_place"]
