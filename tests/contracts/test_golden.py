"""The golden samples and the contracts say the same: fields, order, types, vocabularies."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.events import FIELDS
from contracts.features import FEATURE_NAMES, TOP_REASONS
from contracts.shop import COLUMNS, TS, column_names
from contracts.shop import TOPICS as SHOP_TOPICS
from contracts.topics import SCORES, TOPICS
from ops.reconcile.row_rules import check_rows
from ops.tools.data_dictionary import ROW_COLUMNS
from runtime.event_text import parse_time

GOLDEN = Path(__file__).resolve().parents[2] / "contracts" / "golden"
JSON_TYPES = {"string": str, "int": int, "bigint": int, "double": float, "boolean": bool, "timestamp": str}


def sample(topic: str) -> Any:
    return json.loads((GOLDEN / f"{topic}.json").read_text())


def test_every_topic_has_a_sample_and_every_sample_a_topic() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(TOPICS)


@pytest.mark.parametrize("topic", FIELDS)
def test_event_samples_have_every_field_in_order_as_strings_but_ts(topic: str) -> None:
    for row in sample(topic):
        assert list(row) == [field.name for field in FIELDS[topic]]
        assert {name for name, value in row.items() if not isinstance(value, str)} == {"ts"}
        assert type(row["ts"]) is int


@pytest.mark.parametrize("topic", FIELDS)
def test_event_samples_pass_the_row_rules_and_their_vocabularies(topic: str) -> None:
    rows = sample(topic)
    is_good, _ = check_rows(topic, rows, np.array([parse_time(row["event_time"]) for row in rows]))
    assert is_good.all()
    for row in rows:
        for field in FIELDS[topic]:
            assert not field.values or row[field.name] in field.values


@pytest.mark.parametrize("topic", SHOP_TOPICS)
def test_samples_of_the_shop_have_every_column_in_order_as_strings_of_its_vocabulary(topic: str) -> None:
    for row in sample(topic):
        assert list(row) == [*column_names(topic), TS]
        assert {name for name, value in row.items() if not isinstance(value, str)} == {TS}
        assert type(row[TS]) is int
        assert all(row[column.name] in column.values for column in COLUMNS[topic] if column.values)


@pytest.mark.parametrize("topic", ROW_COLUMNS)
def test_other_samples_have_every_field_in_order_and_of_the_columns_type(topic: str) -> None:
    row, columns = sample(topic), {column.name: column for column in ROW_COLUMNS[topic]}
    assert tuple(row) == TOPICS[topic].row_fields
    for name, value in row.items():
        if columns[name].type.startswith("array"):
            assert isinstance(value, list)
            continue
        assert type(value) is JSON_TYPES[columns[name].type], name
        if columns[name].type == "timestamp":
            datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S.%fZ")


def test_the_sample_score_carries_reasons_that_are_features_strongest_first() -> None:
    reasons = sample(SCORES)["reasons"]
    assert 0 < len(reasons) <= TOP_REASONS
    assert all(list(r) == ["feature", "value", "contribution"] and r["feature"] in FEATURE_NAMES for r in reasons)
    assert [r["contribution"] for r in reasons] == sorted((r["contribution"] for r in reasons), reverse=True)
