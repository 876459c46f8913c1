"""What a rule would have flagged: how much, whom, next to the model, and how often rightly where somebody knows.

Counts of people are of accounts: an account's sessions are alike, so an interval over sessions would be too narrow.
Truth is used here, after the rule was evaluated, and stays in the report.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.labels import HONEST
from contracts.verdicts import CONFIRM
from models.errors import ModelError
from models.labels.verdicts import read_verdicts
from models.metrics.flags import REGULAR
from models.metrics.intervals import wilson
from models.rules.evaluate import evaluate
from models.rules.history import History, read_history
from models.rules.parse import Expression
from runtime.arrays import Bools
from runtime.parquet import read_parquet
from runtime.world import World

SHOWN_ACCOUNTS = 10


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `n` accounts, with its 95 % interval (Wilson); the share is None for n = 0."""

    hits: int
    n: int
    share: float | None
    low: float
    high: float


def rate(hits: int, n: int) -> Rate:
    """Return a share of accounts with its interval.

    >>> rate(0, 0)
    Rate(hits=0, n=0, share=None, low=0.0, high=1.0)
    """
    low, high = wilson(hits, n)
    return Rate(hits, n, hits / n if n else None, float(low), float(high))


@dataclass(frozen=True, slots=True)
class BackTest:
    """Result of a back-test. Rows are sessions, user-days, or windows of 7 or 28 days."""

    grain: str
    rows: int
    hits: int
    unknown: int
    """Rows of which the rule could not be known: they are no hits."""
    accounts: Rate
    """Accounts with a hit, of all accounts with a row."""
    streams: int | None
    """Streams of the rows hit; None of weeks, which overlap."""
    both: int | None
    """Rows that the rule and the model flag; None where the table says nothing of a model."""
    only_rule: int | None
    only_model: int | None
    verdicts: Rate | None
    """Of the accounts hit that have a verdict: those that were confirmed. None where there are no verdicts."""
    truth: Rate | None
    """Of the accounts hit: those that a bot runs on, by the simulator. None where there is no truth."""
    by_family: dict[str, Rate] = field(default_factory=dict)
    """Of the accounts of each family of bots: those hit."""
    by_cohort: dict[str, Rate] = field(default_factory=dict)
    """Of the honest accounts of each cohort: those hit."""
    examples: tuple[str, ...] = ()
    """Accounts with the most rows hit."""
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the result for JSON."""
        return asdict(self)


def back_test(world: World, expression: Expression) -> BackTest:
    """Test a rule on everything that the world has of what it looks at. Raises RuleError where that is nothing."""
    began = time.perf_counter()
    history = read_history(world, expression.grain, expression.names)
    truth = evaluate(expression.condition, history.columns, len(history))
    hit = truth.true
    rows_hit = np.bincount(history.user[hit], minlength=len(history.users))
    is_hit = rows_hit > 0
    model = history.is_flagged
    cohorts = _truth_of(world, history.users)
    return BackTest(
        grain=expression.grain,
        rows=len(history),
        hits=int(hit.sum()),
        unknown=int(truth.unknown.sum()),
        accounts=rate(int(is_hit.sum()), len(history.users)),
        streams=None if np.isnan(history.streams).all() else int(np.nansum(history.streams[hit])),
        both=None if model is None else int((hit & model).sum()),
        only_rule=None if model is None else int((hit & ~model).sum()),
        only_model=None if model is None else int((~hit & model).sum()),
        verdicts=_by_verdict(world, history, is_hit),
        truth=None if cohorts is None else rate(int((is_hit & cohorts["is_bot"]).sum()), int(is_hit.sum())),
        by_family=_by(cohorts, "family", is_hit),
        by_cohort=_by(cohorts, "cohort", is_hit),
        examples=tuple(history.users.take(pa.array(_most(rows_hit))).to_pylist()),
        seconds=time.perf_counter() - began,
    )


def _most(rows_hit: np.ndarray[Any, Any]) -> list[int]:
    order = np.argsort(-rows_hit, kind="stable")[:SHOWN_ACCOUNTS]
    return [int(place) for place in order if rows_hit[place]]


def _by_verdict(world: World, history: History, is_hit: Bools) -> Rate | None:
    try:
        verdicts = read_verdicts(world.verdicts).drop_duplicates("user_id", keep="last")
    except ModelError:
        return None  # nobody has decided anything yet
    hit = set(history.users.filter(pa.array(is_hit)).to_pylist())
    known = verdicts[verdicts["user_id"].isin(hit)]
    return rate(int((known["verdict"] == CONFIRM).sum()), len(known))


def _truth_of(world: World, users: pa.Array) -> Mapping[str, Any] | None:
    """Return family, cohort and whether a bot runs on it, for each account; None in a world without truth."""
    file = world.truth("users.parquet")
    if not file.exists():
        return None
    table = read_parquet(file, ["user_id", "family", "cohort"]).to_pandas()
    of_user = table.drop_duplicates("user_id").set_index("user_id").reindex(users.to_pylist())
    family = of_user["family"].fillna(HONEST)
    is_bot = (family != HONEST).to_numpy()
    cohort = of_user["cohort"].fillna(REGULAR).where(~is_bot, None)
    return {"is_bot": is_bot, "family": family.where(is_bot, None), "cohort": cohort}


def _by(truth: Mapping[str, Any] | None, column: str, is_hit: Bools) -> dict[str, Rate]:
    """Return the share of accounts hit by a column of the truth, the largest first."""
    if truth is None:
        return {}
    hits = pd.Series(is_hit).groupby(truth[column].to_numpy()).agg(["sum", "size"])
    rates = {str(name): rate(int(row["sum"]), int(row["size"])) for name, row in hits.iterrows()}
    return dict(sorted(rates.items(), key=lambda item: (-(item[1].share or 0.0), item[0])))
