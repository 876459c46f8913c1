"""What the fusion is fitted on: the account-days of simulated worlds, the groups in them, and their truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.account_windows.trees import load_window_trees
from models.fusion.evidence import EVIDENCE, GROUP, collect_evidence, session_threshold, window_threshold
from models.fusion.tails import fit_tail
from models.fusion.training.groups import FoundGroups

NO_GROUPS = pd.DataFrame({"user_ids": [], "probability": []})


@dataclass(frozen=True, slots=True)
class ScoresWithout:
    """Scores of some families' accounts, and of honest ones, by detectors that were trained on neither."""

    families: frozenset[str]
    sessions: pd.DataFrame
    """user_id, started_at, score."""
    days: pd.DataFrame
    """user_id, local_date, trees_score."""
    windows: pd.DataFrame
    """user_id, last_day, days, log_odds."""


@dataclass(frozen=True, slots=True)
class MaskedScores:
    """Scores of accounts by the shipped detectors, as a kind of source that lacks fields tells of them."""

    sessions: pd.DataFrame | None
    """None where too little is known to score any."""
    windows: pd.DataFrame
    session_threshold: float | None
    window_threshold: float | None
    """Log-odds."""


@dataclass(frozen=True, slots=True)
class FusionWorld:
    """One world. Rows of `evidence` and `days` are account-days in the same order."""

    days: pd.DataFrame
    """user_id, local_date, paid_streams, family (of the account), campaign_id, cohort."""
    evidence: pd.DataFrame
    """EVIDENCE without that of groups, by the shipped detectors."""
    left_out: pd.DataFrame | None
    """The same as tails, by detectors that saw neither the account nor its family; None where there are none."""
    masked: dict[str, pd.DataFrame]
    """The same as `evidence`, as sources that lack fields would tell it, by kind of source."""
    found: FoundGroups


def assemble_world(
    days: pd.DataFrame,
    sessions: pd.DataFrame,
    windows: pd.DataFrame,
    timezones: pd.Series,
    accounts: pd.DataFrame,
    found: FoundGroups,
    without: Sequence[ScoresWithout] = (),
    masked: Mapping[str, MaskedScores] | None = None,
) -> FusionWorld:
    """Collect the evidence of one world, scored by the shipped detectors, and what `ops.fusion` adds.

    `days`: user_id, local_date, paid_streams, trees_score. `sessions`: user_id, started_at, score. `windows`: the
    features, scored. `accounts`: user_id, family, campaign_id, cohort.
    """
    flags = days[["user_id", "local_date", "trees_score"]]
    evidence = collect_evidence(
        flags, NO_GROUPS, timezones, sessions, windows, session_threshold(()),
        window_threshold(load_window_trees(), windows, ()),
    )  # fmt: skip
    known = accounts.set_index("user_id")
    labelled = days[["user_id", "local_date", "paid_streams"]].assign(
        **{name: days["user_id"].map(known[name]).to_numpy() for name in ("family", "campaign_id", "cohort")}
    )
    of_masks = {name: _masked_evidence(flags, scores, timezones) for name, scores in (masked or {}).items()}
    return FusionWorld(labelled, evidence, _left_out_tails(labelled, without, timezones), of_masks, found)


def _left_out_tails(days: pd.DataFrame, without: Sequence[ScoresWithout], timezones: pd.Series) -> pd.DataFrame | None:
    """Return tails by row of `days` for bots' days, each by detectors without its family; NaN for other rows."""
    tails = pd.DataFrame(np.nan, index=days.index, columns=list(EVIDENCE))
    for scores in without:
        flags = days[["user_id", "local_date"]].merge(scores.days, on=["user_id", "local_date"], how="left")
        found = collect_evidence(flags, NO_GROUPS, timezones, scores.sessions, scores.windows, 0.0, 0.0)
        honest = (days["family"] == HONEST).to_numpy() & days["user_id"].isin(scores.days["user_id"]).to_numpy()
        of_family = days["family"].isin(scores.families).to_numpy()
        for name in EVIDENCE:
            if name != GROUP:
                values = found[name].to_numpy()
                tails.loc[of_family, name] = fit_tail(values[honest]).of(values[of_family])
    return tails if without else None


def _masked_evidence(flags: pd.DataFrame, scores: MaskedScores, timezones: pd.Series) -> pd.DataFrame:
    """Return EVIDENCE but for groups, as a kind of source tells it, which no trees of a day can score."""
    return collect_evidence(
        flags.assign(trees_score=np.nan), NO_GROUPS, timezones, scores.sessions, scores.windows,
        scores.session_threshold, scores.window_threshold,
    )  # fmt: skip
