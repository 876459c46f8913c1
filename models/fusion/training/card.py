"""The model card of the fusion: its manifest as text for people."""

from typing import Any


def render_card(manifest: dict[str, Any]) -> str:
    """Render the model card of a manifest as Markdown."""
    trained, groups = manifest["trained_on"], manifest["groups"]
    stacked = ", ".join(f"{name} {version}" for name, version in manifest["fitted_with"].items())
    lines = [
        f"# Model card: {manifest['name']}",
        "",
        "Gives an account-day one probability that it is a bot's, from what every detector says of it: a logistic",
        "regression for each set of detectors that is known, calibrated at a prevalence of",
        f"{manifest['prevalence']:.1%}. A second one goes from an account's days to the account, a third one gives a",
        "group of accounts its probability.",
        "",
        "## Use",
        "- **For**: the order in which an analyst looks at accounts (docs/guides/user-days.md).",
        "- **Not for**: closing an account or withholding a royalty without a person.",
        "",
        "## Data",
        f"Synthetic: {trained['worlds']}, seed {trained['seed']}: {trained['account_days']:,} account-days of",
        f"{trained['accounts']:,} accounts, {trained['bots']:,} of them bots'. No detector that is stacked was trained",
        "on these worlds. A day is positive with a paid stream; a bot's days without one are left out. Every number",
        f"below is of accounts and campaigns that the weights were not fitted on. Stacked: {stacked}.",
        "",
        "## What is known",
        f"Threshold: at most {manifest['max_false_alarms']:.1%} of the honest account-days, out of fold. Rules are",
        "always known; `week` includes the windows of 28 days. Evidence is in log-odds from each detector's own",
        "threshold, and no weight is under 0. `–`: too few bots would be found to suspect anybody.",
        "",
        "| known | weights | threshold | false alarms per 100 honest days | recall of days | of accounts |",
        "|---|---|---|---|---|---|",
    ]
    for pattern in manifest["patterns"]:
        test, alarms = pattern["test"], pattern["test"]["false_alarms_per_100"]
        weights = ", ".join(f"{name} {value:.2f}" for name, value in pattern["weights"].items())
        threshold = "–" if pattern["threshold"] is None else f"{pattern['threshold']:.2f}"
        lines.append(
            f"| {', '.join(pattern['known']) or 'rules only'} | {weights} | {threshold} "
            f"| {alarms['value']:.2f} [{alarms['low']:.2f}, {alarms['high']:.2f}] | {_share(test['recall_of_days'])} "
            f"| {_share(test['recall_of_accounts'])} |"
        )
    lines += [
        "",
        "## Families",
        "Share of a family's accounts that are flagged on a day with a paid stream. Left out: its rows, or those of",
        "its whole mechanism, were not among those that the weights were fitted on. The detectors beneath saw most",
        "families; the [arena](../../../docs/studies/arena.md) leaves families out of those as well.",
        "",
        "| family | accounts | seen | left out | mechanism left out |",
        "|---|---|---|---|---|",
    ]
    for name, entry in manifest["families"].items():
        shares = " | ".join(_share(entry[view]) for view in ("seen", "left_out", "mechanism_out"))
        lines.append(f"| {name} | {entry['accounts']} | {shares} |")
    lines += ["", "## Honest listeners", "", "| cohort | account-days | flagged |", "|---|---|---|"]
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


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
