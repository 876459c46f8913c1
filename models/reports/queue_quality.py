"""How good the analyst's queue is where truth exists: who is first in it, and which honest accounts are among them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.labels.truth import paid_family, read_account_truth
from models.metrics.flags import REGULAR
from models.metrics.intervals import wilson
from runtime.world import World

FIRST = 50
CAPACITY_SHARE = 0.005
"""Share of all accounts that analysts look at, as in the lab (`models/lab/consequences.py`)."""


@dataclass(frozen=True, slots=True)
class QueueHead:
    """The first accounts of a queue, compared with truth."""

    size: int
    bots: int
    honest_by_cohort: dict[str, int]
    found_by_family: dict[str, tuple[int, int]]
    """Accounts of each family among the first, and in the world."""

    @property
    def precision(self) -> float:
        return self.bots / max(self.size, 1)


def measure_head(user_ids: pd.Series, accounts: pd.DataFrame, size: int) -> QueueHead:
    """Compare the first `size` accounts of a queue with truth (user_id, family, campaign_id, cohort).

    An account is a bot's where a campaign pays it.
    """
    known = accounts.set_index("user_id")
    family = paid_family(known)
    first = user_ids.head(size)
    of_first = family.reindex(first)
    honest = known["cohort"].reindex(first[(of_first == HONEST).to_numpy()]).fillna(REGULAR)
    found, total = of_first[of_first != HONEST].value_counts(), family[family != HONEST].value_counts()
    return QueueHead(
        size=len(first),
        bots=int((of_first != HONEST).sum()),
        honest_by_cohort={str(name): int(n) for name, n in honest.value_counts().items()},
        found_by_family={str(name): (int(found.get(name, 0)), int(n)) for name, n in sorted(total.items())},
    )


def format_queue_quality(queue: pd.DataFrame, world: World) -> list[str]:
    """Format how good the head of a queue (`account_risk`) is; no lines where the world has no truth."""
    if not world.truth("users.parquet").exists():
        return []
    accounts = read_account_truth(world)
    capacity = int(np.ceil(CAPACITY_SHARE * len(accounts)))
    heads = [measure_head(queue["user_id"], accounts, size) for size in (FIRST, capacity)]
    bots = sum(total for _, total in heads[0].found_by_family.values())
    lines = [f"queue             {bots:,} accounts of {len(accounts):,} are bots'"]
    for head, what in zip(heads, ("", f"at capacity ({CAPACITY_SHARE:.1%} of the accounts), "), strict=True):
        low, high = wilson(head.bots, head.size)
        lines.append(
            f"  {what}first {head.size}: {head.bots} are bots', precision {head.precision:.2f} "
            f"[{low:.2f}, {high:.2f}]; honest accounts: {_counts(head.honest_by_cohort)}"
        )
    families = ", ".join(f"{name} {found} of {n}" for name, (found, n) in heads[0].found_by_family.items())
    return [*lines, f"  among the first {FIRST}: {families or 'no bot in this world'}"]


def _counts(by_name: Mapping[str, int]) -> str:
    """Format counts, the largest first.

    >>> _counts({"sleep": 1, "regular": 3}), _counts({})
    ('regular 3, sleep 1', 'none')
    """
    return ", ".join(f"{name} {n}" for name, n in sorted(by_name.items(), key=lambda item: -item[1])) or "none"
