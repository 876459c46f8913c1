"""The model card of the fusion: its manifest as text for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from models.fusion.evidence import GROUP


def render_card(manifest: dict[str, Any]) -> str:
    """Render the model card of a manifest as Markdown."""
    trained, groups = manifest["trained_on"], manifest["groups"]
    stacked = ", ".join(f"{name} {version}" for name, version in manifest["fitted_with"].items())
    lines = [
        f"# Model card: {manifest['name']}",
        "",
        "Gives an account-day one probability that it is a bot's, from what every detector says of it. Each score",
        "becomes a tail: −log10 of the share of honest account-days that have as much. A logistic regression for each",
        "set of detectors that is known weighs the tails by rank, the strongest first. It is",
        f"calibrated at a prevalence of {manifest['prevalence']:.1%}. A second one goes from an account's days to the",
        "account, a third one gives a group of accounts its probability.",
        "",
        "## Use",
        "- **For**: the order in which an analyst looks at accounts (docs/guides/user-days.md).",
        "- **Not for**: closing an account or withholding a royalty without a person.",
        "",
        "## Data",
        f"Synthetic: {trained['worlds']}, seed {trained['seed']}: {trained['account_days']:,} account-days of",
        f"{trained['accounts']:,} accounts, {trained['bots']:,} of them bots'. No detector that is stacked was",
        "trained on these worlds. A day is positive with a paid stream; a bot's days without one are left out. The",
        "weights are fitted on honest days as the shipped detectors score them, and on bots' days as detectors score",
        "them that were trained without the family: new ones are not known either. Numbers are of accounts and",
        f"campaigns that the weights were not fitted on. Stacked: {stacked}.",
        f"In the worlds of odd people these are far commoner ({trained['odd_days']:,} account-days): weights and",
        "thresholds are fitted on them too, the probability is not.",
        "",
        "## What is known",
        f"Threshold: at most {manifest['max_false_alarms']:.1%} of the honest account-days, out of fold, and at most",
        f"{manifest['max_of_a_kind']:.1%} of the days of each kind of honest listener, at the upper end of its 95 %",
        "interval over people. `week` is the mean tail of the windows of 7 and of 28 days, which hold the same days.",
        "No weight is under 0. `–`: too few bots would be found to suspect anybody. New: bots of families that the",
        "detectors did not know.",
        "",
        "| known | weights by rank | threshold | false alarms per 100 honest days | kind with most | recall of days "
        "| of accounts | of new accounts |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for pattern in manifest["patterns"]:
        test, alarms = pattern["test"], pattern["test"]["false_alarms_per_100"]
        weights = ", ".join(f"{value:.2f}" for value in pattern["weights"])
        lines.append(
            f"| {', '.join(pattern['known']) or 'nothing'} | {weights} | {_share(pattern['threshold'])} "
            f"| {alarms['value']:.2f} [{alarms['low']:.2f}, {alarms['high']:.2f}] | {_worst(test)} "
            f"| {_share(test['recall_of_days'])} | {_share(test['recall_of_accounts'])} "
            f"| {_share(test['recall_of_new_accounts'])} |"
        )
    lines += [
        "",
        "## Kinds of source",
        "The same of sources that lack fields, whose days no trees can score: a threshold for each, with groups of",
        "accounts and, as in an audit of one person, without. Sessions are known where the source tells enough.",
        "",
        "| source | known | threshold | false alarms per 100 days | kind with most | recall of days | of accounts |",
        "|---|---|---|---|---|---|---|",
    ]
    for source, known, entry in _of_sources(manifest["patterns"]):
        lines.append(
            f"| {source} | {known} | {_share(entry['threshold'])} | {entry['false_alarms_per_100']['value']:.2f} "
            f"| {_worst(entry)} | {_share(entry['recall_of_days'])} | {_share(entry['recall_of_accounts'])} |"
        )
    lines += [
        "",
        "## Families",
        "Share of a family's accounts that are flagged on a day with a paid stream. Seen: by the shipped detectors.",
        "Left out: by detectors, groups and weights that did not know the family; mechanism left out: the weights did",
        "not know the families of its mechanism either. The [arena](../../../docs/studies/arena.md) does so on others.",
        "",
        "| family | accounts | seen | left out | mechanism left out |",
        "|---|---|---|---|---|",
    ]
    for name, entry in manifest["families"].items():
        shares = " | ".join(_share(entry[view]) for view in ("seen", "left_out", "mechanism_out"))
        lines.append(f"| {name} | {entry['accounts']} | {shares} |")
    lines += [
        "",
        "## What one detector sees alone",
        f"Bots' accounts that it flags by itself at {manifest['max_false_alarms']:.1%} of the honest account-days, and",
        "how many of them the stack flags. New: by detectors that did not know the family.",
        "",
        "| evidence | flagged alone | of them by the stack | new: flagged alone | of them by the stack |",
        "|---|---|---|---|---|",
    ]
    for name, entry in manifest["alone"].items():
        cells = " | ".join(str(entry[view][key]) for view in ("seen", "new") for key in ("flagged", "kept"))
        lines.append(f"| {name} | {cells} |")
    lines += [
        "",
        "## Honest listeners",
        "Days of all worlds, with all evidence. The threshold was chosen on them; people of whom none was used are",
        "in the [audit](../../../docs/guides/audit.md).",
        "",
        "| cohort | account-days | flagged |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {e['days']:,} | {e['flagged']} |" for name, e in manifest["false_alarms_by_cohort"].items()]
    lines += [
        "",
        "## Groups of accounts",
        "Slopes: " + ", ".join(f"{name} {value:.2f}" for name, value in groups["slopes"].items()) + ".",
        "",
        "| kind | groups | members that are bots' | honest members |",
        "|---|---|---|---|",
    ]
    lines += [f"| {kind} | {e['groups']} | {e['bots']} | {e['people']} |" for kind, e in groups["found"].items()]
    return "\n".join(lines) + "\n"


def _of_sources(patterns: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield by kind of source the largest sets of what it tells, with groups and without, and what comes of each."""
    for source in dict.fromkeys(name for pattern in patterns for name in pattern["sources"]):
        for with_groups in (True, False):
            fitting = [p for p in patterns if source in p["sources"] and (GROUP in p["known"]) == with_groups]
            for pattern in sorted(fitting, key=lambda p: -len(p["known"]))[:1]:
                yield source, ", ".join(pattern["known"]), pattern["sources"][source]


def _worst(test: dict[str, Any]) -> str:
    """Format the kind of honest listener with most false alarms."""
    worst = test["worst_kind"]
    return f"{worst['name']} {worst['per_100']:.2f}" if worst and worst["per_100"] else "–"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
