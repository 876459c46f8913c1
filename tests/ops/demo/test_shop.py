"""The shop's demo: a count by hand against the plot's line, and a summary that names what a demo must not show."""

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from consumer_viz.feed.counts import FeedCounts
from consumer_viz.plot.view import run_view
from contracts.domain import SHOP
from contracts.shop import SHOP_TABLES
from ops.demo import shop
from ops.demo.shop_summary import REPORTS, ShopSummary, prediction_rows
from producer.commands.shop import simulate_shop
from producer.replay.pace import Pace
from producer.replay.replay import replay
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.security import KafkaSecurity
from runtime.world import World
from tests.producer.replay.memory_topics import MemoryTopics

NOW = 1_795_000_000
ROWS = {"sent": 400, "in_sessions": 398, "late": 1, "rejected": 1, "open": 0, "lost": 0, "duplicated": 0}
GOOD = ShopSummary(
    topics={"browsing": ROWS, "transactions": {**ROWS, "sent": 60, "in_sessions": 58}},
    sessions=90,
    flagged=10,
    frauds=12,
    flagged_frauds=9,
    frauds_by_family={"card_testing": (6, 8), "takeover": (3, 4)},
    reports={"fraud_counts": 18, "quantities": 6, "top_products": 3},
    last_frauds=0,
    quantity=77,
    top_products=[{"product_id": 4, "name": "Red Shirts 4", "quantity": 5}],
    predictions=[{"session_id": "s", "customer_id": "7", "probability": 0.98, "prediction": 1.0}],
    successes_by_hand=[3, 2],
    successes_of_line=[3, 2],
    seconds=300.0,
)


def test_a_count_by_hand_from_the_files_is_the_line_of_the_plot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics, counts, ts = MemoryTopics(), FeedCounts(domain=SHOP), iter(range(NOW, NOW + 1000))
    topics.install(monkeypatch)
    monkeypatch.setattr("producer.replay.attempt.time.time", lambda: next(ts))
    simulate_shop(world := World(tmp_path / "s"), {}, users=200, days=1, seed=3)
    replay(world, KafkaConnection("nowhere:1", KafkaSecurity.parse("")), Pace(speed=0))
    for topic, messages in topics.messages.items():
        for number, message in messages:
            counts.add_message(topic, message.value, message.headers(number), now=NOW + 1000)
    line = run_view(counts.snapshot(at=NOW + 1000), ZoneInfo("UTC")).line("successes")[0].tolist()
    by_hand = shop.count_successes(world.root / "source")
    assert line == by_hand
    lines = (world.root / "source" / "transactions.csv").read_text().splitlines()
    assert sum(by_hand) == sum(",Success," in line for line in lines) > 100


def test_a_good_run_has_no_fault_and_its_lines_hold_the_figures() -> None:
    assert GOOD.faults() == []
    text = "\n".join(GOOD.lines())
    assert "400 rows of browsing and 60 of transactions became 90 scored sessions in 300 s." in text
    assert "precision 0.90 (0.60–0.98), recall 0.75 (0.47–0.91)" in text
    assert "card_testing 6 of 8, takeover 3 of 4. Fraud is 12 of the 90 sessions" in text
    assert "5 in 2 batches; the line equals a count by hand" in text
    assert "1 late, 1 rejected, 0 open, 0 lost, 0 duplicated" in text
    assert prediction_rows(GOOD.predictions) == [("s", "7", "0.980", "1")]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (replace(GOOD, topics={**GOOD.topics, "browsing": {**ROWS, "lost": 3}}), "3 rows of browsing were lost"),
        (replace(GOOD, topics={**GOOD.topics, "browsing": {**ROWS, "open": 2}}), "2 rows of browsing are still open"),
        (replace(GOOD, flagged_frauds=0), "no fraud was flagged"),
        (
            replace(GOOD, reports={**GOOD.reports, "quantities": 2}),
            "report quantities came 2 times in 180 s: 6 were due",
        ),
        (replace(GOOD, successes_of_line=[3, 1]), "the line of successful payments differs from a count by hand"),
    ],
)
def test_what_a_demo_must_not_show_is_a_fault(changed: ShopSummary, fault: str) -> None:
    assert changed.faults() == [fault]


def test_the_tables_that_the_demo_reads_are_those_that_the_job_writes() -> None:
    for name, (column, _) in REPORTS.items():
        assert column in {each.name for each in SHOP_TABLES[name]}
    columns = {each.name for each in SHOP_TABLES[SHOP.session_table]}
    assert {"session_id", "browsing_rows", "transaction_ids", "probability", "prediction"} <= columns


def test_a_share_of_nothing_is_not_measurable() -> None:
    assert "precision not measurable" in "\n".join(replace(GOOD, flagged=0).lines())
