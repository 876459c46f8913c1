"""The model card of the session scorer: its manifest in words and tables."""

from collections.abc import Mapping
from typing import Any

from contracts.labels import FAMILIES, HARD_NEGATIVES
from models.metrics.flags import REGULAR
from models.training.source_patterns import MAX_OF_A_KIND, MAX_WITHOUT_DEVICES

FAMILY_MEANINGS = {name: family.meaning for name, family in FAMILIES.items()}
COHORT_MEANINGS = {REGULAR: "no hard negative"} | HARD_NEGATIVES

_INTRO = """# Model card: {name}

Gives a listening session the probability that a bot made it: {n_estimators} gradient-boosted trees of depth {max_depth}
(XGBoost), in a Spark PipelineModel, on {n_features} features of the session. Each flag comes with the features that
raised it most.

## Use
- **For**: ranking sessions for an analyst (flag: a score of {review:.4f} or more), and leaving streams out of the live
  counts until a person has looked at them (filter: a score of {filter:.4f} or more).
- **Not for**: closing an account or withholding a royalty without a person; naming a person or an artist as a
  fraudster; a real service, unless it is trained on that service's data and the thresholds are chosen again.

## Ethics
A false flag cuts an artist's pay and accuses a listener. A flag is a suspicion, not proof: a person decides, and sees
the reasons. A random sample of the sessions that were not flagged is reviewed too; without it recall is unknown. Most
errors are on honest listening that looks like a bot: read the table of false alarms below first.

## Data
{data} The blocks differ in time **and** in accounts **and** in campaigns; nothing is resampled. Each session is
compared with its account's own history, as the job knew it on that day. For half of the training accounts the history
is left out.

| block | sessions | positive | mixed | accounts | campaigns | from | to |
|---|---|---|---|---|---|---|---|
"""

_FROM_TRUTH = """Synthetic: {world}, training seed {seed}; {sessions:,} sessions. The simulator decides how hard a bot
is to find, so use these numbers to compare; a real service will see others. A label says what the simulator made, and
is never a rule over features. A session is `mixed`, and left out, where some of its streams, but under half, were paid
for."""
_FROM_VERDICTS = """{world}, training seed {seed}; {sessions:,} sessions. **Labels are verdicts of analysts**, not
truth: {confirmed:,} confirmed and {dismissed:,} dismissed accounts with {labelled:,} sessions. Sessions of other
accounts have no label and are left out (`mixed` below). Drawn for review: {draws}. The weight of a session is the
inverse of the probability that its account was drawn (at most {largest_weight:.1f}), in training and in every share
below."""


def render_card(manifest: dict[str, Any]) -> str:
    """Render the card of a manifest as Markdown."""
    trained, test = manifest["trained_on"], manifest["test"]
    head = _INTRO.format(
        name=manifest["name"],
        n_features=len(manifest["features"]),
        data=_data(manifest),
        **manifest["trees"],
        **manifest["thresholds"],
    )
    blocks = [
        f"| {name} | {b['sessions']:,} | {b['positives']:,} | {b['mixed']:,} | {b['accounts']:,} | {b['campaigns']} "
        f"| {b['from'][:16]} | {b['to'][:16]} |"
        for name, b in trained["blocks"].items()
    ]
    parts = [
        head + "\n".join(blocks) + _odd(trained),
        _thresholds(manifest),
        _results(test, manifest.get("without_own_history")),
        shares_table(
            "Recall by family (at the review threshold)", "family", test["review"]["recall_by_family"], FAMILY_MEANINGS
        ),
        shares_table(
            "False alarms among honest sessions (at the review threshold)",
            "cohort",
            test["review"]["false_alarms_by_cohort"],
            COHORT_MEANINGS,
        ),
        *([_patterns(manifest["source_patterns"])] if manifest.get("source_patterns") else []),
        _baselines(manifest),
        "## Versions\n" + ", ".join(f"{name} {number}" for name, number in manifest["libraries"].items()),
    ]
    return "\n\n".join(parts) + "\n"


def _data(manifest: dict[str, Any]) -> str:
    """Describe where sessions and labels come from; an old manifest without entry `labels` has labels from truth."""
    trained, labels = manifest["trained_on"], manifest.get("labels", {"source": "truth"})
    if labels["source"] == "truth":
        return _FROM_TRUTH.format(**trained)
    draws = ", ".join(
        f"{d['accounts']:,} by {name}, {d['confirmed']:,} confirmed" for name, d in labels["by_draw"].items()
    )
    return _FROM_VERDICTS.format(
        **trained, **labels["accounts"], labelled=labels["sessions"], draws=draws,
        largest_weight=labels["largest_weight"],
    )  # fmt: skip


def _odd(trained: Mapping[str, Any]) -> str:
    odd = trained.get("odd")
    if not odd:
        return ""
    return (
        f"\n\nAnd {odd['sessions']:,} sessions of {odd['accounts']:,} accounts of worlds with many odd people of "
        f"every kind, {odd['positives']:,} of them positive. Three quarters of the accounts are trained on, a session "
        f"counting half. Of the honest ones of the others each kind may have a flag on {MAX_OF_A_KIND:.1%} of its "
        f"days, {MAX_WITHOUT_DEVICES:.1%} where a source does not tell devices. No figure comes from them."
    )


def _thresholds(manifest: dict[str, Any]) -> str:
    chosen, values = manifest["thresholds_chosen"], manifest["thresholds"]
    proof = (
        "its lower end is .99 or more too"
        if chosen["is_filter_proven"]
        else "**not proven**: with so few flags its lower end does not reach .99"
    )
    return (
        f"## Thresholds\nChosen on the {chosen['on']} block, never on the test block.\n"
        f"- Review {values['review']:.4f}: {chosen['review']}, so precision counts double"
        f"{_bound(chosen)}.\n"
        f"- Filter {values['filter']:.4f}: the lowest score with a precision of at least .99. On that block it is "
        f"{format_share_entry(chosen['filter_precision'])}; {proof}."
    )


def _bound(chosen: dict[str, Any]) -> str:
    share = chosen.get("max_false_alarms")
    if not share:
        return ""
    return f"; higher where over {100 * share:g} % of honest account-days could have a flag (upper end of the interval)"


def _results(test: dict[str, Any], fresh: dict[str, Any] | None) -> str:
    review, filtered = test["review"], test["filter"]
    honest = review["sessions"] - review["mixed"] - review["positives"]
    rows = [
        "## Results on the test block",
        f"Its natural prevalence is {100 * review['prevalence']:.2f} % of {honest + review['positives']:,} labelled "
        f"sessions. Intervals: 95 %, by account. Average precision {review['average_precision']:.3f}.",
        "",
        "| threshold | flagged | precision | recall | false flags per 1,000 honest sessions |",
        "|---|---|---|---|---|",
    ]
    for name, at in (("review", review), ("filter", filtered)):
        rows.append(
            f"| {name} | {at['flagged']:,} | {format_share_entry(at['precision'])} "
            f"| {format_share_entry(at['recall'])} | {_false_flags_per_1000(at)} |"
        )
    rows += [
        "",
        f"Mixed sessions: {review['mixed']:,}, of which {review['mixed_flagged']:,} flagged; they count nowhere above.",
    ]
    if fresh is not None:
        rows += [
            "",
            "Without own histories, as in a world where no table of them was made yet: average precision "
            f"{fresh['average_precision']:.3f}; at the review threshold precision "
            f"{format_share_entry(fresh['precision'])} and recall {format_share_entry(fresh['recall'])}.",
        ]
    return "\n".join(rows)


def _patterns(patterns: list[dict[str, Any]]) -> str:
    """Render a table of the kinds of source: what each lacks, its threshold, and what that does on the test block."""
    rows = [
        "## Sources that lack fields",
        "What the features of missing fields contribute is left out of a score, and each kind of source has its own",
        "threshold, chosen on sessions with the same fields masked. `_no_zone`: without a time zone. `–`: a score says",
        "too little there, and nothing is flagged. False alarms: honest account-days with a flagged session. Their",
        "intervals count days, and the days of one account are alike, so they are too narrow.",
        "",
        "| source | features unknown | review | false alarms per 100 account-days | recall | average precision |",
        "|---|---|---|---|---|---|",
    ]
    for entry in patterns:
        test = entry["test"]
        alarms = test["false_alarms_per_100"]
        review = "–" if entry["review"] is None else f"{entry['review']:.3f}"
        share, precision = (
            "none" if value is None else f"{value:.3f}" for value in (test["recall"], test["average_precision"])
        )
        rows.append(
            f"| {entry['name']} | {len(entry['unknown'])} | {review} | {alarms['value']:.2f} "
            f"[{alarms['low']:.2f}, {alarms['high']:.2f}] | {share} | {precision} |"
        )
    return "\n".join(rows)


def _false_flags_per_1000(at: dict[str, Any]) -> str:
    """Format how many of 1,000 honest sessions are flagged, computed from the shares: only they have the weights.

    >>> _false_flags_per_1000({"precision": {"value": 0.5}, "recall": {"value": 1.0}, "prevalence": 0.01})
    '10.10'
    """
    precision, recall, prevalence = at["precision"]["value"], at["recall"]["value"], at["prevalence"]
    if precision is None:
        return "0.00"
    if not precision or recall is None:
        return "–"
    return f"{1000 * recall * prevalence * (1 / precision - 1) / (1 - prevalence):.2f}"


def shares_table(title: str, key: str, shares: dict[str, Any], meanings: dict[str, str], unit: str = "sessions") -> str:
    """Render a Markdown table of shares by name, with the meaning of each name and the number of `unit` behind it."""
    rows = [f"## {title}", f"| {key} | meaning | {unit} | share |", "|---|---|---|---|"]
    rows += [
        f"| {name} | {meanings.get(name, '')} | {entry['n']:,} | {format_share_entry(entry)} |"
        for name, entry in shares.items()
    ]
    return "\n".join(rows)


def _baselines(manifest: dict[str, Any]) -> str:
    values = ", ".join(f"{name} {value:.3f}" for name, value in manifest["baselines"].items())
    top = ", ".join(f"{name} {100 * share:.0f} %" for name, share in list(manifest["gain"].items())[:8])
    return (
        f"## Compared with trivial scores\nAverage precision on the test block: {values}.\n\n"
        f"## What it looks at\nShare of the trees' total gain: {top}."
    )


def format_share_entry(entry: dict[str, Any]) -> str:
    """Format a manifest's share with its interval, or why there is none.

    >>> format_share_entry({"value": 0.5, "low": 0.4, "high": 0.6, "n": 90})
    '0.500 [0.400, 0.600]'
    """
    if entry["value"] is None:
        return "none in this block"
    if entry.get("too_few"):
        return f"too few (n = {entry['n']})"
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"
