"""The model card: the manifest, said to a person."""

from typing import Any

from contracts.labels import FAMILIES, HARD_NEGATIVES
from models.metrics.flags import REGULAR

_INTRO = """# Model card: {name}

Scores listening sessions: the probability that a session was made by a bot. {n_features} features of one session;
gradient-boosted trees ({n_estimators} of depth {max_depth}, XGBoost) in a Spark PipelineModel; each score comes with
the features that pushed it up.

## Use
- **For**: ranking sessions for an analyst (flag: score at or over {review:.4f}), and holding back streams from live
  counts until somebody has looked (filter: at or over {filter:.4f}).
- **Not for**: closing an account or withholding a royalty by itself; naming a person or an artist as a fraudster;
  services other than the simulated one without new training and new thresholds.

## Ethics
A false flag cuts an artist's pay and accuses a listener. A flag is a suspicion, not proof: a person decides, with the
reasons in view, and a random sample of what was not flagged is reviewed as well, or recall cannot be known. Honest
listening that looks like a bot (below) is where the errors fall; watch those lines first.

## Data
{data} Blocks differ in time **and** accounts **and** campaigns; nothing is resampled. Each session is compared with its
account's own history as the job would have known it that day; half of the training accounts are shown without any.

| block | sessions | positive | mixed | accounts | campaigns | from | to |
|---|---|---|---|---|---|---|---|
"""

_FROM_TRUTH = """Synthetic: {world}, training seed {seed}; {sessions:,} sessions. How hard the bots are to tell is the
simulator's choice, so read these numbers as a comparison, not as what a real service would see. Labels are what the
simulator made, never a rule over features; a session with some but under half of its streams paid for is `mixed` and
left out."""
_FROM_VERDICTS = """{world}, training seed {seed}; {sessions:,} sessions. **Labels are verdicts of analysts**, not
truth: {confirmed:,} confirmed and {dismissed:,} dismissed accounts, {labelled:,} sessions of theirs; what nobody
decided is left out (`mixed` below). Drawn for review: {draws}. A session weighs the inverse of how likely its account
was drawn (at most {largest_weight:.1f}), in training and in every share below."""


def render(manifest: dict[str, Any]) -> str:
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
        head + "\n".join(blocks),
        _thresholds(manifest),
        _results(test, manifest.get("without_own_history")),
        shares_table(
            "Recall by family (at the review threshold)", "family", test["review"]["recall_by_family"], FAMILY
        ),
        shares_table(
            "False alarms among honest sessions (at the review threshold)",
            "cohort",
            test["review"]["false_alarms_by_cohort"],
            {REGULAR: "no hard negative"} | HARD_NEGATIVES,
        ),
        _baselines(manifest),
        "## Versions\n" + ", ".join(f"{name} {number}" for name, number in manifest["libraries"].items()),
    ]
    return "\n\n".join(parts) + "\n"


FAMILY = {name: family.meaning for name, family in FAMILIES.items()}
"""What each family does."""


def _data(manifest: dict[str, Any]) -> str:
    """Say where sessions and labels come from; manifests before there was a choice have labels from truth."""
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


def _thresholds(manifest: dict[str, Any]) -> str:
    chosen, values = manifest["thresholds_chosen"], manifest["thresholds"]
    proof = (
        "even its lower end is at .99 or over"
        if chosen["is_filter_proven"]
        else "**not proven**: too few flags for its lower end to reach .99"
    )
    return (
        f"## Thresholds\nChosen on the {chosen['on']} block, never on the test block.\n"
        f"- Review {values['review']:.4f}: {chosen['review']}, so precision counts double.\n"
        f"- Filter {values['filter']:.4f}: lowest score with precision of at least .99, there "
        f"{share_text(chosen['filter_precision'])}; {proof}."
    )


def _results(test: dict[str, Any], fresh: dict[str, Any] | None) -> str:
    review, filtered = test["review"], test["filter"]
    honest = review["sessions"] - review["mixed"] - review["positives"]
    rows = [
        "## Results on the test block",
        f"At its natural prevalence, {100 * review['prevalence']:.2f} % of {honest + review['positives']:,} labelled "
        f"sessions; 95 % intervals by account. Average precision {review['average_precision']:.3f}.",
        "",
        "| threshold | flagged | precision | recall | false flags in 1,000 honest sessions |",
        "|---|---|---|---|---|",
    ]
    for name, at in (("review", review), ("filter", filtered)):
        rows.append(
            f"| {name} | {at['flagged']:,} | {share_text(at['precision'])} | {share_text(at['recall'])} "
            f"| {_false_in_1000(at)} |"
        )
    rows += [
        "",
        f"Mixed sessions: {review['mixed']:,}, of them flagged {review['mixed_flagged']:,}, in none of the above.",
    ]
    if fresh is not None:
        rows += [
            "",
            "Without own histories, as in a world where no table of them was made yet: average precision "
            f"{fresh['average_precision']:.3f}, at the review threshold precision {share_text(fresh['precision'])} and "
            f"recall {share_text(fresh['recall'])}.",
        ]
    return "\n".join(rows)


def _false_in_1000(at: dict[str, Any]) -> str:
    """Say how many of 1,000 honest sessions are flagged, from the shares alone: they are weighted where labels are.

    >>> _false_in_1000({"precision": {"value": 0.5}, "recall": {"value": 1.0}, "prevalence": 0.01})
    '10.10'
    """
    precision, recall, prevalence = at["precision"]["value"], at["recall"]["value"], at["prevalence"]
    if precision is None:
        return "0.00"
    if not precision or recall is None:
        return "–"
    return f"{1000 * recall * prevalence * (1 / precision - 1) / (1 - prevalence):.2f}"


def shares_table(title: str, key: str, shares: dict[str, Any], meanings: dict[str, str], unit: str = "sessions") -> str:
    """Render shares by name, with what each name means and the number of `unit` behind it."""
    rows = [f"## {title}", f"| {key} | meaning | {unit} | share |", "|---|---|---|---|"]
    rows += [f"| {name} | {meanings.get(name, '')} | {s['n']:,} | {share_text(s)} |" for name, s in shares.items()]
    return "\n".join(rows)


def _baselines(manifest: dict[str, Any]) -> str:
    values = ", ".join(f"{name} {value:.3f}" for name, value in manifest["baselines"].items())
    top = ", ".join(f"{name} {100 * share:.0f} %" for name, share in list(manifest["gain"].items())[:8])
    return f"## Beside trivial scores\nAverage precision on the test block: {values}.\n\nShare of the gain: {top}."


def share_text(share: dict[str, Any]) -> str:
    """Say a share with its interval, or why there is none."""
    if share["value"] is None:
        return "none in this block"
    if share.get("too_few"):
        return f"too few (n = {share['n']})"
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"
