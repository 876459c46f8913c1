"""Every template of the catalogue, read at its extremes: nothing that a person would stumble over."""

import re
import string

import pytest

from contracts.account_windows import WINDOW_FEATURES
from contracts.features import SESSION_FEATURES, SUSPICION, Feature
from contracts.user_day_features import USER_DAY_FEATURES
from contracts.wording import reasons
from contracts.wording.features import PHRASES, format_phrase
from contracts.wording.quantities import FORMATS, UNKNOWN, count_of, format_quantity, format_score

FEATURES = {feature.name: feature for feature in (*SESSION_FEATURES, SUSPICION, *USER_DAY_FEATURES, *WINDOW_FEATURES)}
EXTREMES = (0.0, 1e-9, 0.004, 0.5, 0.9999, 1.0, 2.0, 59.96, 1e7, -0.5, -3.2, -40.0)
STUMBLES = re.compile(
    r"\bnan\b|\binf\b|None|[{}|]|\b1 (accounts|people|plays|streams|days|devices|tracks|sessions)\b|log-odds|\bbits\b"
    r"|\b(days|h|s|%) \1\b|  |e[+-]\d"
)
"""Numbers that are none, gaps in a template, one of many, units of a statistician, a unit twice."""
SAMPLES = {
    "value": "over 99.9 %", "usual": "usually under 0.1 %", "first": "1 play", "second": "0 streams", "days": "28",
    "phrase": "1 play", "phrases": "1 play, 2 streams", "score": "over 0.99", "accounts": "132 accounts",
    "share": "0 %", "tracks": "1 track", "devices": "1 device", "times": "1.8", "members": "6", "sessions": "7",
    "flagged": "9", "own": "0 %", "condition": "88 % or more", "limit": "at most 36", "model": "session_xgb@0123abcd",
    "sources": "its weeks", "streams": "14 streams",
    "rule": "short-loop v2", "hits": "1 session", "period": "on 2025-03-03", "title": "stops at 31 s",
}  # fmt: skip


def templates() -> dict[str, str]:
    """Return every template of the module, by name."""
    found = {name: text for name, text in vars(reasons).items() if name.isupper() and isinstance(text, str)}
    return found | {f"RULES.{name}": text for name, text in reasons.RULES.items()} | reasons.SOURCES


@pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)
def test_a_feature_reads_well_at_every_extreme(feature: Feature) -> None:
    for value in EXTREMES:
        text = format_phrase(feature, value)
        assert not STUMBLES.search(text), (value, text)
        assert text[:1].strip() == text[:1]
    assert format_phrase(feature, None) == format_phrase(feature, float("nan")) == f"{feature.display_name}: {UNKNOWN}"


def test_every_unit_of_a_feature_has_a_way_to_be_written() -> None:
    assert {feature.unit for feature in FEATURES.values()} <= FORMATS.keys()
    assert PHRASES.keys() <= FEATURES.keys(), "a phrase of a feature that does not exist"


def test_one_thing_is_not_called_many() -> None:
    assert format_phrase(FEATURES["n_devices"], 1.0) == "1 device"
    assert format_phrase(FEATURES["accounts_per_device"], 8.0) == "8 accounts on one device"
    assert count_of(0, "account") == "0 accounts"


def test_a_percentage_is_never_rounded_to_all_or_nothing() -> None:
    assert [format_quantity(x, "share") for x in (0.0, 1e-6, 0.9999, 1.0)] == [
        "0 %", "under 0.1 %", "over 99.9 %", "100 %",
    ]  # fmt: skip
    assert [format_score(x) for x in (0.0, 0.5, 0.9999)] == ["under 0.01", "0.50", "over 0.99"]


@pytest.mark.parametrize("name", templates())
def test_a_template_reads_well_when_it_is_filled(name: str) -> None:
    template = templates()[name]
    fields = {field for _, field, _, _ in string.Formatter().parse(template) if field}
    assert fields <= SAMPLES.keys(), "a field that no code fills in"
    text = template.format(**SAMPLES)
    assert not STUMBLES.search(text), text
    assert not re.search(r"by hand|fraudster|accounts like it|tells only", text), text


def test_a_rule_says_what_the_day_is_compared_with() -> None:
    own, cohort = (usual.format(usual="23") for usual in (reasons.USUAL_OWN, reasons.USUAL_COHORT))
    plays = reasons.RULES["plays"]
    assert plays.format(value="1,252", usual=cohort) == "1,252 plays in a day; similar accounts: usually 23"
    assert plays.format(value="1,252", usual=own) == "1,252 plays in a day; usually 23"
