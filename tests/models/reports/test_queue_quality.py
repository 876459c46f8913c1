"""How good the head of a queue is, against truth."""

from pathlib import Path

import pandas as pd

from models.reports.queue_quality import format_queue_quality, measure_head
from runtime.world import World

ACCOUNTS = pd.DataFrame(
    {
        "user_id": list("abcdef"),
        "family": ["farm", "farm", "takeover", "honest", "honest", "honest"],
        "campaign_id": ["k", "k", "m", None, None, None],
        "cohort": [None, None, None, "sleep", None, "venue"],
    }
)


def test_honest_accounts_are_counted_by_cohort_and_bots_by_family() -> None:
    head = measure_head(pd.Series(list("adbe")), ACCOUNTS, 4)
    assert (head.size, head.bots, head.precision) == (4, 2, 0.5)
    assert head.honest_by_cohort == {"sleep": 1, "regular": 1}
    assert head.found_by_family == {"farm": (2, 2), "takeover": (0, 1)}


def test_a_queue_that_is_shorter_than_its_head_is_compared_as_it_is() -> None:
    head = measure_head(pd.Series(["c"]), ACCOUNTS, 50)
    assert (head.size, head.precision) == (1, 1.0)


def test_the_lines_name_who_is_accused_wrongly(tmp_path: Path) -> None:
    world, queue = World(tmp_path / "w"), pd.DataFrame({"user_id": list("abf")})
    assert format_queue_quality(queue, world) == []
    world.truth("").mkdir(parents=True)
    ACCOUNTS.to_parquet(world.truth("users.parquet"))
    lines = format_queue_quality(queue, world)
    assert lines[0].endswith("3 accounts of 6 are bots'")
    assert "first 3: 2 are bots', precision 0.67 [0.21, 0.94]; honest accounts: venue 1" in lines[1]
    assert "first 1: 1 are bots'" in lines[2]
    assert lines[3] == "  among the first 50: farm 2 of 2, takeover 0 of 1"
