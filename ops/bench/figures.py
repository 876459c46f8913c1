"""From what a contender did to its figures: rows per second, with and without the warm-up, and per CPU-second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WARM_UP = 0.2
"""Share of the rows that is left out of the warm figures: Spark is far from its pace until the JIT has compiled."""
BASELINE = "minimal_spark"
COMPARED = ("scoring_without_model", "scoring", "job")


@dataclass(frozen=True, slots=True)
class Step:
    """A query was done with some messages, by topic, at a moment (epoch s)."""

    ended_at: float
    query: str
    messages: dict[str, int]


@dataclass(frozen=True, slots=True)
class Course:
    """When how many rows were done: by moment, growing; `ended_at` is the end of the last micro-batch."""

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


def course_of(began_at: float, steps: Sequence[Step], rows_per_message: Mapping[str, float]) -> Course:
    """Add up steps. A row is done once every query that reads its topic is done with it.

    >>> steps = [Step(2.0, "a", {"plays": 5}), Step(3.0, "b", {"plays": 3}), Step(4.0, "b", {"plays": 2})]
    >>> course_of(1.0, steps, {"plays": 200.0}).done
    [(2.0, 0.0), (3.0, 600.0), (4.0, 1000.0)]
    """
    steps = sorted(steps, key=lambda step: step.ended_at)
    taken: dict[str, dict[str, int]] = {}
    for step in steps:
        for topic in step.messages:
            taken.setdefault(topic, {})[step.query] = 0
    done = []
    for step in steps:
        for topic, messages in step.messages.items():
            taken[topic][step.query] += messages
        rows = sum(min(by_query.values()) * rows_per_message[topic] for topic, by_query in taken.items())
        done.append((step.ended_at, rows))
    return Course(began_at, steps[-1].ended_at, done)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a contender showed. Warm figures are None where the warm-up was everything."""

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
    """Rows found in what it wrote."""
    broker_cpu_s: float
    other_cpu_s: float
    """CPU-seconds of all else on the machine meanwhile: where this is not small, the rates mean little."""


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return part / whole to three digits; None where either is not known."""
    return None if part is None or not whole else round(part / whole, 3)


def ratios(contenders: Mapping[str, Figures]) -> dict[str, float | None]:
    """Compare with the baseline: warm rows a second, and warm rows a CPU-second, which other load disturbs less."""
    base = contenders[BASELINE]
    found: dict[str, float | None] = {}
    for name in COMPARED:
        if name in contenders:
            found[f"{name}_to_{BASELINE}"] = ratio(contenders[name].rows_per_s, base.rows_per_s)
            found[f"{name}_to_{BASELINE}_per_cpu_s"] = ratio(contenders[name].rows_per_cpu_s, base.rows_per_cpu_s)
    return found


def steps_from(facts: Mapping[str, Any]) -> list[Step]:
    """Read the steps that a contender wrote down."""
    return [Step(s["ended_at"], s["query"], s["messages"]) for s in facts["steps"]]


def missed(facts: Mapping[str, Any], messages: Mapping[str, int]) -> list[str]:
    """Return what a contender's queries did not read of the topics; nothing if all did all."""
    read: dict[tuple[str, str], int] = {}
    for step in steps_from(facts):
        for topic, count in step.messages.items():
            read[step.query, topic] = read.get((step.query, topic), 0) + count
    return [
        f"{query} read {count:,} of {messages[topic]:,} messages of {topic}"
        for (query, topic), count in read.items()
        if count != messages[topic]
    ]
