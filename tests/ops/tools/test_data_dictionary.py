"""The data dictionary in git is the one the contracts render; nothing is without a meaning."""

from pathlib import Path

from contracts import events, shop, tables
from contracts.column import Column
from contracts.events import Field
from contracts.topics import TOPICS
from ops.tools.data_dictionary import HEADERS, ROW_COLUMNS, TRUTH, render

ROOT = Path(__file__).resolve().parents[3]


def test_the_dictionary_in_git_is_the_rendered_one() -> None:
    stale = "stale: run  playproof tools data-dictionary > data/README.md"
    assert (ROOT / "data" / "README.md").read_text() == render(), stale


def test_every_header_has_a_meaning() -> None:
    constants = {value for name, value in vars(events).items() if name.startswith("HEADER_")}
    assert set(HEADERS) == constants


def test_every_column_and_field_has_a_meaning_and_a_name_of_its_own() -> None:
    groups: tuple[tuple[Column | Field, ...], ...] = (
        *tables.STATIC.values(),
        *tables.LAKE.values(),
        *TRUTH.values(),
        *events.FIELDS.values(),
    )
    for columns in groups:
        names = [column.name for column in columns]
        assert len(names) == len(set(names))
        assert all(column.meaning for column in columns)


def test_every_topic_is_described_by_fields_or_by_a_table() -> None:
    assert set(TOPICS) == {*events.FIELDS, *shop.TOPICS, *ROW_COLUMNS}


def test_truth_is_in_no_message_no_static_table_and_no_lake_table() -> None:
    known_only_to_truth = {"family", "campaign_id", "is_paid", "cohort", "label", "streams_bought"}
    groups: tuple[tuple[Column | Field, ...], ...] = (
        *events.FIELDS.values(),
        *tables.STATIC.values(),
        *tables.LAKE.values(),
    )
    for columns in groups:
        assert known_only_to_truth.isdisjoint(column.name for column in columns)
