"""A comparison said to a person, and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from models.metrics.flags import MIN_ROWS
from models.metrics.paired import CHALLENGER, CHAMPION, DIFFERENCE
from models.reports.compare import Comparison, Judge

_UNITS = {
    "sessions": "sessions flagged",
    "accounts": "accounts flagged",
    "streams": "streams in them",
    "filtered": "sessions filtered",
}
_COUNTS = (CHAMPION, CHALLENGER, "both", "only_champion", "only_challenger")
_JUDGES = {Judge.TRUTH: "truth", Judge.VERDICTS: "verdicts, each weighted by how unlikely it was drawn"}


def as_dict(found: Comparison) -> dict[str, Any]:
    """Return the comparison for JSON, the sessions that only one flags included."""
    pairs = found.pairs
    told = {"champion": pairs.champion, "challenger": pairs.challenger, "scored_by_both": len(pairs.rows),
            "waiting": pairs.waiting, "of_other_champions": pairs.other}  # fmt: skip
    rest = {name: getattr(found, name) for name in found.__dataclass_fields__ if name not in ("pairs", "measures")}
    measures = {name: {who: asdict(one) for who, one in by.items()} for name, by in found.measures.items()}
    return told | rest | {"measures": measures}


def lines(found: Comparison, shown: int) -> Iterator[str]:
    """Say it, a line a fact; of the sessions that only one flags, at most `shown` each."""
    pairs = found.pairs
    yield f"world {found.world}: champion {pairs.champion}, challenger {pairs.challenger}"
    yield (
        f"scored by both    {len(pairs.rows):,} sessions; the challenger has {pairs.waiting:,} to go; "
        f"{pairs.other:,} of other champions left out"
    )
    rank = "none" if found.rank_correlation is None else f"{found.rank_correlation:.3f}"
    yield f"same flag         {100 * found.agreement:.2f} % of sessions; rank correlation of the scores {rank}"
    yield ""
    yield _row("", ["champion", "challenger", "both", "only champion", "only challenger"])
    for name, words in _UNITS.items():
        yield _row(words, [f"{found.counts[name][who]:,}" for who in _COUNTS])
    yield ""
    yield from _who_is_right(found)
    yield ""
    yield from _promoting(found)
    for who in (CHALLENGER, CHAMPION):
        if shown and found.alone[who]:
            yield ""
            yield (
                f"only the {who} flags, its highest scores first ({min(shown, len(found.alone[who]))} of "
                f"{len(found.alone[who]):,}):"
            )
        for one in found.alone[who][:shown]:
            truth = {None: "?", 1.0: "bot", 0.0: "honest"}[one["label"]]
            yield (
                f"  {one['session_key']}  champion {one['champion_score']:.3f}, challenger "
                f"{one['challenger_score']:.3f}, {truth}: {', '.join(one['reasons'])}"
            )


def _row(head: str, cells: list[str]) -> str:
    return f"{head:<18}" + "".join(f"{cell:>17}" for cell in cells).rstrip()


def _who_is_right(found: Comparison) -> Iterator[str]:
    if not found.labelled:
        yield "who is right      nobody says: this world has neither truth nor verdicts on these accounts"
        return
    yield (
        f"judged by         {_JUDGES[found.judge]}: {found.labelled:,} sessions, {found.positives:,} of them positive; "
        "95 % intervals by account"
    )
    if min(found.positives, found.labelled - found.positives) < MIN_ROWS:
        yield f"                  under {MIN_ROWS} positive or negative sessions: too few to go by"
    yield f"{'':<18}{'champion':<26}{'challenger':<26}difference"
    for name, by in found.measures.items():
        difference = by[DIFFERENCE]
        told = (
            "none"
            if difference.value is None
            else f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
        )
        doubt = "" if difference.is_proven else "  not proven"
        yield f"{name:<18}{by[CHAMPION]!s:<26}{by[CHALLENGER]!s:<26}{told}{doubt}"
    for family, flags in found.families.items():
        yield f"{family:<18}{flags[CHAMPION]:,} and {flags[CHALLENGER]:,} of {flags['sessions']:,} sessions found"
    if found.judge is Judge.VERDICTS:
        alone = found.counts["accounts"]["only_champion"] + found.counts["accounts"]["only_challenger"]
        yield (
            f"                  analysts saw the champion's flags: of {alone:,} accounts that only one flags, "
            f"{found.judged_alone:,} have a verdict"
        )


def _promoting(found: Comparison) -> Iterator[str]:
    sessions, accounts, streams = (found.counts[name] for name in ("sessions", "accounts", "streams"))
    yield (
        f"promoting would   flag {sessions['only_challenger']:,} sessions more and {sessions['only_champion']:,} "
        f"fewer: {accounts['only_challenger']:,} accounts come into the queue, {accounts['only_champion']:,} leave it"
    )
    yield (
        f"                  the queue holds {accounts[CHALLENGER]:,} accounts instead of {accounts[CHAMPION]:,}, "
        f"with {streams[CHALLENGER]:,} flagged streams instead of {streams[CHAMPION]:,}"
    )
