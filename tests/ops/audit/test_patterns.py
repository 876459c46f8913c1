"""The audit by kind of source: honest accounts are counted, bots' sessions, days and windows are found, for each."""

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.measurable import SOURCE_PATTERNS
from models.reports.false_alarms import RULES, SCORER
from ops.audit.cohorts import EVERYBODY, audit_cohorts, format_cohorts
from ops.audit.patterns import DETECTORS, PatternAlarms, audit_patterns, format_patterns, format_worst_cohorts
from producer.simulator.build import build
from producer.simulator.scenario import load_scenario
from runtime.world import World, WorldError

KINDS = ("complete", "timestamps")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("data") / "made")
    families = {"loop30": {"weight": 1.0}, "payout_stop": {"weight": 1.0}}
    build(load_scenario("field", users=120, days=9, seed=4, prevalence=0.3, families=families), world)
    return world


@pytest.fixture(scope="module")
def results(world: World) -> dict[tuple[str, str], PatternAlarms]:
    entries = audit_patterns(
        world, lambda _: None, patterns={name: SOURCE_PATTERNS[name] for name in KINDS}, by_cohort=True
    )
    return {(entry.pattern, entry.detector): entry for entry in entries}


def test_every_detector_has_alarms_with_their_interval_and_a_recall(
    results: dict[tuple[str, str], PatternAlarms],
) -> None:
    assert set(results) == {(name, detector) for name in KINDS for detector in DETECTORS}
    assert all(entry.per_100 is None or entry.low <= entry.per_100 <= entry.high for entry in results.values())


def test_what_a_source_cannot_tell_costs_recall(results: dict[tuple[str, str], PatternAlarms]) -> None:
    for detector in (SCORER, RULES):
        complete, masked = (results[name, detector].recall for name in KINDS)
        assert complete is not None
        assert complete > (masked or 0.0)
    assert results["timestamps", RULES].recall == 0, "a rule of plays that stop early needs their length"


def test_the_table_has_a_line_per_source_with_recall_beside_the_alarms(
    results: dict[tuple[str, str], PatternAlarms],
) -> None:
    lines = format_patterns(list(results.values()))
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {name}" for name in KINDS]
    assert lines[2].count("%") == len(DETECTORS)


def test_the_kind_with_most_alarms_stands_beside_its_source(results: dict[tuple[str, str], PatternAlarms]) -> None:
    entry = replace(results["complete", SCORER], by_cohort={"child": (0.0, 0.0, 3.0), "venue": (2.0, 0.5, 4.0)})
    assert "venue 2.00 [0.50, 4.00]" in format_worst_cohorts([entry])[2]
    for found in results.values():
        rates = [rate for rate, _, _ in found.by_cohort.values()]
        assert found.per_100 is None or min(rates) <= found.per_100 <= max(rates), "everybody is all kinds together"


def test_the_alarms_of_everybody_are_those_of_all_kinds_of_honest_listeners(world: World) -> None:
    parts = audit_cohorts([world])
    everybody = parts.pop(EVERYBODY)
    assert {"regular"} < set(parts)
    assert sum(part.people for part in parts.values()) == everybody.people < 120, "bots are not among them"
    for name in everybody.detectors:
        assert sum(len(part.alarms_of(name)) for part in parts.values()) == len(everybody.alarms_of(name))
    lines = format_cohorts({EVERYBODY: everybody, **parts})
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| everybody", *(f"| {name}" for name in parts)]


def test_a_world_without_truth_is_refused(tmp_path: Path) -> None:
    imported = World(tmp_path / "me")
    with pytest.raises(WorldError, match="has no truth: --patterns needs a simulated world"):
        audit_patterns(imported, lambda _: None)
    with pytest.raises(WorldError, match="has no truth: --cohorts needs a simulated world"):
        audit_cohorts([imported])
