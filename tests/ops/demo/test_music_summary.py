"""The demo's summary holds what happened, and names what a demo must not show."""

import json
from typing import Any

import pytest

from ops.demo.music_summary import DISPOSITIONS, DemoSummary, summarise


def reconciliation(**changed: int) -> dict[str, Any]:
    """Return a reconciliation in which all is well but what is `changed` in plays."""
    good = {"sent": 100, "in_sessions": 97, "late": 1, "duplicate": 1, "rejected": 1, "open": 0, "lost": 0}
    return {"topics": {"plays": good | changed, "activity": dict(good)}, "is_exact": True}


def evaluation(**changed: Any) -> dict[str, Any]:
    share = {"value": 0.9, "low": 0.8, "high": 1.0, "n": 40, "too_few": False}
    good = {
        "sessions": 50,
        "flagged": 8,
        "mixed_flagged": 2,
        "precision": share,
        "recall": share | {"value": 0.5},
        "flagged_by_family": {"farm": 5, "loop30": 3},
    }
    return good | changed


def summary(**changed: Any) -> DemoSummary:
    return summarise(reconciliation(), evaluation(**changed), replay_s=10.0, seconds=60.04)


def test_a_summary_has_the_keys_that_others_read() -> None:
    found = json.loads(json.dumps(summary().as_dict()))
    assert set(found) == {
        "topics", "sessions", "flagged", "precision", "recall", "flagged_by_family", "rows_per_s", "seconds",
    }  # fmt: skip
    assert found["topics"]["activity"] == dict(zip(DISPOSITIONS, (100, 97, 1, 1, 1, 0, 0), strict=True))
    assert (found["flagged"], found["precision"], found["recall"]) == (10, 0.9, 0.5)
    assert (found["rows_per_s"], found["seconds"]) == (20.0, 60.0)


def test_a_good_run_has_no_fault_and_its_lines_hold_the_figures() -> None:
    good = summary()
    assert good.faults() == []
    text = "\n".join(good.lines())
    assert "100 plays and 100 activity rows became 50 scored sessions in 60 s." in text
    assert "precision 0.90, recall 0.50" in text
    assert "farm 5, loop30 3" in text


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (summarise(reconciliation(lost=3), evaluation(), 1, 1), "3 rows of plays were lost"),
        (summarise(reconciliation(open=2), evaluation(), 1, 1), "2 rows of plays are still open"),
        (summary(flagged=0, mixed_flagged=0, flagged_by_family={"farm": 0}), "no session was flagged"),
        (summary(flagged_by_family={"farm": 5, "loop30": 0, "masked": 0}), "nothing of loop30, masked was flagged"),
    ],
)
def test_lost_or_open_rows_and_unflagged_families_are_faults(found: DemoSummary, fault: str) -> None:
    assert found.faults() == [fault]


def test_a_share_of_nothing_is_not_measurable() -> None:
    empty = summary(precision={"value": None, "low": 0.0, "high": 1.0, "n": 0, "too_few": True})
    assert "precision not measurable" in "\n".join(empty.lines())
