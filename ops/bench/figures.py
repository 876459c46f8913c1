"""Compute a contender's figures from its steps: rows per second, with and without the warm-up, and per CPU-second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WARM_UP = 0.2
"""Share of the rows that is left out of the warm figures: Spark is far from its pace until the JIT has compiled."""
BASELINE = "minimal_spark"
COMPARED = ("scoring_without_model", "scoring", "job")


@dataclass(frozen=True, slots=True)
class Step:
    """A query finished some messages, by topic, at a moment (epoch s)."""

    ended_at: float
    query: str
    messages: dict[str, int]


@dataclass(frozen=True, slots=True)
class RowsDone:
    """How many rows were done by which moment (epoch s), growing; `ended_at` is the end of the last micro-batch."""

    began_at: float
    ended_at: float
    done: list[tuple[float, float]]

    @property
    def rows(self) -> float:
        return self.done[-1][1]

    @property
    def rows_per_s(self) -> float:
        return self.rows / (self.ended_at - self.began_at)

    def warm_from(self) -> tuple[float, float] | None:
        """Return the first moment at which the warm-up was over, and the rows done by then; None if none was left."""
        warm = next(((moment, rows) for moment, rows in self.done if rows >= WARM_UP * self.rows), self.done[-1])
        return warm if warm[1] < self.rows else None


def rows_done(began_at: float, steps: Sequence[Step], rows_per_message: Mapping[str, float]) -> RowsDone:
    """Add up steps. A row is done once every query that reads its topic is done with it.

    >>> steps = [Step(2.0, "a", {"plays": 5}), Step(3.0, "b", {"plays": 3}), Step(4.0, "b", {"plays": 2})]
    >>> rows_done(1.0, steps, {"plays": 200.0}).done
    [(2.0, 0.0), (3.0, 600.0), (4.0, 1000.0)]
    """
    steps = sorted(steps, key=lambda step: step.ended_at)
    messages_done: dict[str, dict[str, int]] = {}
    for step in steps:
        for topic in step.messages:
            messages_done.setdefault(topic, {})[step.query] = 0
    done = []
    for step in steps:
        for topic, messages in step.messages.items():
            messages_done[topic][step.query] += messages
        rows = sum(min(by_query.values()) * rows_per_message[topic] for topic, by_query in messages_done.items())
        done.append((step.ended_at, rows))
    return RowsDone(began_at, steps[-1].ended_at, done)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one contender. Warm figures are None where the warm-up was the whole run."""

    rows_per_s: float | None
    """Warm: rows after the warm-up, over the time from its end."""
    rows_per_s_all: float
    rows_per_cpu_s: float | None
    """Warm: rows after the warm-up, over the CPU-seconds of the process tree from its end."""
    cpu_s: float
    """CPU-seconds of the process tree, from its start to its end."""
    peak_rss_mb: float
    seconds: float
    """From the start of the first micro-batch to the end of the last."""
    rows_accounted: int | None
    """Rows counted in what it wrote."""
    broker_cpu_s: float
    other_cpu_s: float
    """CPU-seconds of all else on the machine in the same time: where this is not small, the rates mean little."""


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return part / whole to three digits; None where either is not known."""
    return None if part is None or not whole else round(part / whole, 3)


def ratios(contenders: Mapping[str, Figures]) -> dict[str, float | None]:
    """Compare with the baseline: warm rows per second, and warm rows per CPU-second, which other load disturbs less."""
    base = contenders[BASELINE]
    by_name: dict[str, float | None] = {}
    for name in COMPARED:
        if name in contenders:
            by_name[f"{name}_to_{BASELINE}"] = ratio(contenders[name].rows_per_s, base.rows_per_s)
            by_name[f"{name}_to_{BASELINE}_per_cpu_s"] = ratio(contenders[name].rows_per_cpu_s, base.rows_per_cpu_s)
    return by_name


def steps_from(facts: Mapping[str, Any]) -> list[Step]:
    """Read the steps from the facts that a contender wrote."""
    return [Step(s["ended_at"], s["query"], s["messages"]) for s in facts["steps"]]


def unread_messages(facts: Mapping[str, Any], messages: Mapping[str, int]) -> list[str]:
    """Return what a contender's queries did not read of the topics, a phrase each; empty if they read everything."""
    read: dict[tuple[str, str], int] = {}
    for step in steps_from(facts):
        for topic, count in step.messages.items():
            read[step.query, topic] = read.get((step.query, topic), 0) + count
    return [
        f"{query} read {count:,} of {messages[topic]:,} messages of {topic}"
        for (query, topic), count in read.items()
        if count != messages[topic]
    ]
