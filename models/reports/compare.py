"""Compare champion and challenger on the sessions that both scored: where they differ, and which one is right.

Labels from truth and from verdicts are never mixed: the comparison uses one of them and names it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.errors import ModelError
from models.labels.truth import label_sessions
from models.labels.verdicts import label_by_verdicts, read_verdicts
from models.metrics.intervals import Share
from models.metrics.paired import CHALLENGER, CHAMPION, ModelOutput, compare_models
from models.tables.sessions import read_sessions
from runtime.lake import committed_files
from runtime.parquet import read_parquet
from runtime.world import World, WorldError

_SESSION = ["session_key", "user_id", "started_at", "ended_at", "scored_at", "streams", "score", "is_flagged",
            "is_filtered", "reasons", "model_version"]  # fmt: skip
_SHADOW = {"score": "challenger_score", "would_flag": "would_flag", "would_filter": "would_filter",
           "reasons": "challenger_reasons"}  # fmt: skip


class LabelSource(StrEnum):
    """Where the labels come from that say which model is right; AUTO is truth, or else verdicts, or else nobody."""

    AUTO = "auto"
    TRUTH = "truth"
    VERDICTS = "verdicts"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class PairedSessions:
    """Sessions that both models scored: one row per session, with the columns of the champion and the challenger."""

    rows: pd.DataFrame
    champion: str
    challenger: str
    waiting: int
    """Number of sessions that the champion has scored and the challenger has not."""
    other: int
    """Number of sessions that another champion scored; they are left out."""


def read_paired_sessions(world: World, challenger: str) -> PairedSessions:
    """Join the sessions of the newest champion with the output of a challenger. Raises WorldError, ModelError."""
    sessions = read_sessions(world.unit.table("sessions"), _SESSION)
    files = committed_files(world.unit.shadow(challenger))
    if not files:
        raise ModelError(
            f"{challenger} has scored nothing in world {world.name} yet: it begins at the job's next start, "
            "playproof down  and  playproof up"
        )
    columns = ["session_key", *_SHADOW]
    shadow = pa.concat_tables([read_parquet(file, columns) for file in files]).to_pandas()
    champion = str(sessions["model_version"].iloc[int(sessions["scored_at"].argmax())])
    scored = sessions[sessions["model_version"] == champion]
    rows = scored.merge(shadow.rename(columns=_SHADOW), on="session_key", how="inner", validate="one_to_one")
    return PairedSessions(rows, champion, challenger, len(scored) - len(rows), len(sessions) - len(scored))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion and challenger on one world."""

    world: str
    pairs: PairedSessions
    counts: dict[str, dict[str, int]]
    """For sessions, accounts, streams and filtered sessions: how many each flags, both flag, or one alone flags."""
    agreement: float
    """Share of the sessions with the same flag."""
    rank_correlation: float | None
    """Spearman's, of the two scores; None where all scores of one are equal."""
    labels: LabelSource
    labelled: int
    positives: int
    labelled_disagreements: int
    """Accounts with a label that only one of the two flags."""
    measures: dict[str, dict[str, Share]]
    """See `compare_models`; empty without labels."""
    families: dict[str, dict[str, int]]
    """By family: positive sessions, and how many of them each flags. Only with labels from truth."""
    alone: dict[str, list[dict[str, Any]]]
    """Sessions that only one of the two flags, by that model, its highest scores first."""


def compare_world(world: World, challenger: str, labels: LabelSource = LabelSource.AUTO, seed: int = 0) -> Comparison:
    """Compare champion and challenger on a world. `seed` is that of the bootstrap.

    Raises WorldError where a part of the world is missing, and ModelError where the two have no session in common, or
    where the labels that were asked for are missing.
    """
    pairs = read_paired_sessions(world, challenger)
    if pairs.rows.empty:
        raise ModelError(f"there is no session of world {world.name} that champion and challenger have both scored")
    source, rows = _label(world, pairs.rows, labels)
    known = rows[rows["label"].notna()]
    measures = compare_models(
        known["user_id"], (known["label"] == 1).to_numpy(), known["weight"].to_numpy(float),
        ModelOutput(known["score"].to_numpy(float), known["is_flagged"].to_numpy(bool)),
        ModelOutput(known["challenger_score"].to_numpy(float), known["would_flag"].to_numpy(bool)),
        np.random.default_rng(seed),
    )  # fmt: skip
    differ = rows[rows["is_flagged"] != rows["would_flag"]]
    return Comparison(
        world=world.name,
        pairs=pairs,
        counts=_counts(rows),
        agreement=float((rows["is_flagged"] == rows["would_flag"]).mean()),
        rank_correlation=_rank_correlation(rows),
        labels=source,
        labelled=len(known),
        positives=int((known["label"] == 1).sum()),
        labelled_disagreements=int(differ.loc[differ["label"].notna(), "user_id"].nunique()),
        measures=measures if len(known) else {},
        families=_families(known) if source is LabelSource.TRUTH else {},
        alone={
            CHAMPION: _listed(differ[differ["is_flagged"]], "score", "reasons"),
            CHALLENGER: _listed(differ[differ["would_flag"]], "challenger_score", "challenger_reasons"),
        },
    )


def _label(world: World, rows: pd.DataFrame, source: LabelSource) -> tuple[LabelSource, pd.DataFrame]:
    """Label the sessions (1, 0, NaN); return the source that was used, and the sessions with label, weight, family."""
    if source in (LabelSource.AUTO, LabelSource.TRUTH):
        try:
            return LabelSource.TRUTH, label_sessions(rows, world).assign(weight=1.0)
        except WorldError:
            if source is LabelSource.TRUTH:
                raise
    if source in (LabelSource.AUTO, LabelSource.VERDICTS):
        try:
            return LabelSource.VERDICTS, label_by_verdicts(rows, read_verdicts(world.verdicts))
        except ModelError:
            if source is LabelSource.VERDICTS:
                raise
    return LabelSource.NOBODY, rows.assign(label=np.nan, weight=1.0, family=None)


def _counts(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    one, other = rows["is_flagged"].to_numpy(bool), rows["would_flag"].to_numpy(bool)
    accounts = rows.groupby("user_id")[["is_flagged", "would_flag"]].any()
    each = np.ones(len(rows), dtype=np.int64)
    streams = rows["streams"].fillna(0).to_numpy().astype(np.int64)
    return {
        "sessions": _overlap(one, other, each),
        "accounts": _overlap(
            accounts["is_flagged"].to_numpy(bool), accounts["would_flag"].to_numpy(bool), each[: len(accounts)]
        ),
        "streams": _overlap(one, other, streams),
        "filtered": _overlap(rows["is_filtered"].to_numpy(bool), rows["would_filter"].to_numpy(bool), each),
    }


def _overlap(one: np.ndarray, other: np.ndarray, size: np.ndarray) -> dict[str, int]:
    """Add up `size` over the rows that each flags, that both flag, and that one alone flags.

    >>> _overlap(np.array([True, True]), np.array([True, False]), np.array([1, 5]))
    {'champion': 6, 'challenger': 1, 'both': 1, 'only_champion': 5, 'only_challenger': 0}
    """
    parts = {CHAMPION: one, CHALLENGER: other, "both": one & other,
             "only_champion": one & ~other, "only_challenger": other & ~one}  # fmt: skip
    return {name: int(size[part].sum()) for name, part in parts.items()}


def _rank_correlation(rows: pd.DataFrame) -> float | None:
    one, other = rows["score"].rank(), rows["challenger_score"].rank()
    return float(one.corr(other)) if one.nunique() > 1 and other.nunique() > 1 else None


def _families(known: pd.DataFrame) -> dict[str, dict[str, int]]:
    bots = known[known["label"] == 1].groupby("family")
    return {
        str(name): {
            "sessions": len(rows), CHAMPION: int(rows["is_flagged"].sum()), CHALLENGER: int(rows["would_flag"].sum()),
        }
        for name, rows in bots
    }  # fmt: skip


def _listed(rows: pd.DataFrame, score: str, reasons: str) -> list[dict[str, Any]]:
    ranked = rows.sort_values([score, "session_key"], ascending=[False, True])
    return [
        {
            "session_key": row["session_key"], "user_id": row["user_id"], "champion_score": row["score"],
            "challenger_score": row["challenger_score"], "label": None if np.isnan(row["label"]) else row["label"],
            "reasons": [r["feature"] for r in row[reasons]] if row[reasons] is not None else [],
        }
        for row in ranked.to_dict("records")
    ]  # fmt: skip
