"""Format a comparison of two models as text and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from models.metrics.flags import MIN_ROWS
from models.metrics.paired import CHALLENGER, CHAMPION, DIFFERENCE
from models.reports.compare import Comparison, LabelSource

_UNITS = {
    "sessions": "sessions flagged",
    "accounts": "accounts flagged",
    "streams": "streams in them",
    "filtered": "sessions filtered",
}
_COUNTS = (CHAMPION, CHALLENGER, "both", "only_champion", "only_challenger")
_LABELS = {
    LabelSource.TRUTH: "truth",
    LabelSource.VERDICTS: "verdicts, each weighted by the inverse of the probability of its draw",
}


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison for JSON, with all sessions that only one of the two flags."""
    pairs = comparison.pairs
    return {
        "champion": pairs.champion,
        "challenger": pairs.challenger,
        "scored_by_both": len(pairs.rows),
        "waiting": pairs.waiting,
        "of_other_champions": pairs.other,
        "world": comparison.world,
        "counts": comparison.counts,
        "agreement": comparison.agreement,
        "rank_correlation": comparison.rank_correlation,
        "labels": comparison.labels,
        "labelled": comparison.labelled,
        "positives": comparison.positives,
        "labelled_disagreements": comparison.labelled_disagreements,
        "families": comparison.families,
        "alone": comparison.alone,
        "measures": {
            name: {model: asdict(share) for model, share in by_model.items()}
            for name, by_model in comparison.measures.items()
        },
    }


def format_lines(comparison: Comparison, max_sessions: int) -> Iterator[str]:
    """Yield the comparison as lines of text, with at most `max_sessions` sessions that only one of the two flags."""
    pairs = comparison.pairs
    yield f"world {comparison.world}: champion {pairs.champion}, challenger {pairs.challenger}"
    yield (
        f"scored by both    {len(pairs.rows):,} sessions; the challenger has {pairs.waiting:,} to go; "
        f"{pairs.other:,} of other champions are left out"
    )
    rank = "none" if comparison.rank_correlation is None else f"{comparison.rank_correlation:.3f}"
    yield f"same flag         {100 * comparison.agreement:.2f} % of sessions; rank correlation of the scores {rank}"
    yield ""
    yield _row("", ["champion", "challenger", "both", "only champion", "only challenger"])
    for name, head in _UNITS.items():
        yield _row(head, [f"{comparison.counts[name][who]:,}" for who in _COUNTS])
    yield ""
    yield from _who_is_right(comparison)
    yield ""
    yield from _promoting(comparison)
    for model in (CHALLENGER, CHAMPION):
        alone = comparison.alone[model]
        if max_sessions and alone:
            yield ""
            count = min(max_sessions, len(alone))
            yield f"only the {model} flags, its highest scores first ({count} of {len(alone):,}):"
        for session in alone[:max_sessions]:
            label = {None: "?", 1.0: "bot", 0.0: "honest"}[session["label"]]
            yield (
                f"  {session['session_key']}  champion {session['champion_score']:.3f}, challenger "
                f"{session['challenger_score']:.3f}, {label}: {', '.join(session['reasons'])}"
            )


def _row(head: str, cells: list[str]) -> str:
    return f"{head:<18}" + "".join(f"{cell:>17}" for cell in cells).rstrip()


def _who_is_right(comparison: Comparison) -> Iterator[str]:
    if not comparison.labelled:
        yield "who is right      nobody says: this world has neither truth nor verdicts on these accounts"
        return
    yield (
        f"labelled by       {_LABELS[comparison.labels]}: {comparison.labelled:,} sessions, "
        f"{comparison.positives:,} of them positive; 95 % intervals by account"
    )
    if min(comparison.positives, comparison.labelled - comparison.positives) < MIN_ROWS:
        yield f"                  under {MIN_ROWS} positive or negative sessions: too few to decide on"
    yield f"{'':<18}{'champion':<26}{'challenger':<26}difference"
    for name, by_model in comparison.measures.items():
        difference = by_model[DIFFERENCE]
        text = (
            "none"
            if difference.value is None
            else f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
        )
        doubt = "" if difference.is_proven else "  not proven"
        yield f"{name:<18}{by_model[CHAMPION]!s:<26}{by_model[CHALLENGER]!s:<26}{text}{doubt}"
    for family, flags in comparison.families.items():
        yield f"{family:<18}{flags[CHAMPION]:,} and {flags[CHALLENGER]:,} of {flags['sessions']:,} sessions found"
    if comparison.labels is LabelSource.VERDICTS:
        alone = comparison.counts["accounts"]["only_champion"] + comparison.counts["accounts"]["only_challenger"]
        yield (
            f"                  analysts saw the champion's flags: of {alone:,} accounts that only one flags, "
            f"{comparison.labelled_disagreements:,} have a verdict"
        )


def _promoting(comparison: Comparison) -> Iterator[str]:
    sessions, accounts, streams = (comparison.counts[name] for name in ("sessions", "accounts", "streams"))
    yield (
        f"promoting would   flag {sessions['only_challenger']:,} sessions more and {sessions['only_champion']:,} "
        f"fewer: {accounts['only_challenger']:,} accounts come into the queue, {accounts['only_champion']:,} leave it"
    )
    yield (
        f"                  the queue holds {accounts[CHALLENGER]:,} accounts instead of {accounts[CHAMPION]:,}, "
        f"with {streams[CHALLENGER]:,} flagged streams instead of {streams[CHAMPION]:,}"
    )
