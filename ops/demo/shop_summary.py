"""The result of the shop's demo: its figures, what is wrong with them, and the lines that a person reads."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models.metrics.intervals import wilson
from ops.demo.parts import row_faults

REPORTS = {"fraud_counts": ("frauds", 10), "quantities": ("quantity", 30), "top_products": ("quantity", 60)}
"""The job's reports: table and query -> its column of numbers, and the seconds from one to the next."""
WATCHED_S = 180
"""How long reports are watched after the last row: they come by the clock, also in silence."""
MIN_SHARE_OF_REPORTS = 0.75
"""Of the reports that the clock allows in that time: a busy machine may miss one."""


@dataclass(frozen=True, slots=True)
class ShopSummary:
    """The figures of `summary.json`."""

    topics: dict[str, dict[str, int]]
    """Topic -> disposition -> rows, as the reconciliation prints them."""
    sessions: int
    flagged: int
    """Sessions with prediction 1."""
    frauds: int
    """Sessions that the truth calls fraud."""
    flagged_frauds: int
    frauds_by_family: dict[str, tuple[int, int]]
    """Family -> sessions flagged, and sessions in all."""
    reports: dict[str, int]
    """Reports in the WATCHED_S after the last row, by table."""
    last_frauds: int | None
    """The newest count of frauds of the last 2 minutes."""
    quantity: int | None
    """Products in sessions that are not flagged."""
    top_products: list[dict[str, Any]]
    predictions: list[dict[str, Any]]
    """The sessions most likely to be fraud."""
    successes_by_hand: list[int]
    """Successful payments of each batch, counted from the files."""
    successes_of_line: list[int]
    """The same as the plot draws them."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def faults(self) -> list[str]:
        """Return what is not as a demo must show it, a phrase each; empty where all is well."""
        faults = row_faults(self.topics)
        faults += [] if self.flagged_frauds else ["no fraud was flagged"]
        for name, (_, every_s) in REPORTS.items():
            due = WATCHED_S // every_s
            if self.reports[name] < MIN_SHARE_OF_REPORTS * due:
                faults.append(f"report {name} came {self.reports[name]} times in {WATCHED_S} s: {due} were due")
        if self.successes_by_hand != self.successes_of_line:
            faults.append("the line of successful payments differs from a count by hand")
        return faults

    def lines(self) -> list[str]:
        """Return the lines that a person reads."""
        (browsing, browsing_rows), (transactions, transaction_rows) = self.topics.items()
        families = ", ".join(f"{name} {found} of {all_}" for name, (found, all_) in self.frauds_by_family.items())
        counts = ", ".join(f"{name} {count}" for name, count in self.reports.items())
        top = ", ".join(f"{p['name']} ({p['quantity']})" for p in self.top_products[:3])
        precision, recall = (_format_share(self.flagged_frauds, n) for n in (self.flagged, self.frauds))
        is_same = self.successes_by_hand == self.successes_of_line
        return [
            f"{browsing_rows['sent']:,} rows of {browsing} and {transaction_rows['sent']:,} of {transactions} became "
            f"{self.sessions:,} scored sessions in {self.seconds:.0f} s.",
            *(_format_topic(topic, rows) for topic, rows in self.topics.items()),
            f"{self.flagged:,} sessions were flagged: precision {precision}, recall {recall} against the simulator's "
            "truth.",
            f"Flagged by kind of fraud: {families}. Fraud is {self.frauds:,} of the {self.sessions:,} sessions, far "
            "more than in a real shop.",
            f"Reports in the {WATCHED_S} s after the last row: {counts}; the newest count of frauds in 2 minutes is "
            f"{self.last_frauds}.",
            f"{self.quantity or 0:,} products are in sessions not flagged; the most frequent: {top or 'none'}.",
            f"Successful payments: {sum(self.successes_of_line):,} in {len(self.successes_of_line)} batches; the line "
            f"{'equals' if is_same else 'DIFFERS FROM'} a count by hand.",
            "The data is synthetic, and a flag is a suspicion, not a proof.",
        ]


def _format_topic(topic: str, rows: Mapping[str, int]) -> str:
    parts = ", ".join(f"{rows[name]:,} {name.replace('_', ' ')}" for name in rows if name != "sent")
    return f"Of {rows['sent']:,} rows sent to {topic}: {parts}."


def _format_share(hits: int, n: int) -> str:
    """Write a share with its 95 % interval.

    >>> _format_share(90, 100)
    '0.90 (0.83–0.94)'
    """
    if not n:
        return "not measurable"
    low, high = wilson(hits, n)
    return f"{hits / n:.2f} ({low:.2f}–{high:.2f})"


def prediction_rows(predictions: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Return the predictions as rows of a table: session, customer, probability of fraud, prediction."""
    return [
        (p["session_id"], p["customer_id"], f"{p['probability']:.3f}", f"{p['prediction']:.0f}") for p in predictions
    ]
