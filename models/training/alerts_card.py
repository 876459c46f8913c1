"""The model card of the alerts model, from its manifest."""

from collections.abc import Mapping
from typing import Any

from models.training.alert_trees import OF_ACCOUNT


def render_card(manifest: Mapping[str, Any]) -> str:
    """Render the model card as Markdown."""
    trained, test = manifest["trained_on"], manifest["test"]
    blocks = trained["blocks"]
    n, of_account = len(manifest["features"]), len({*manifest["features"]} & {*OF_ACCOUNT})
    lines = [
        f"# Model card: {manifest['name']}",
        "",
        "Gradient-boosted trees that score open sessions of the stream after 8, 16, 32, … rows and when they fall",
        "silent. A session at or over the threshold gets an alert. The score of the closed session is another model's;",
        "an alert that it does not bear out is withdrawn.",
        "",
        f"- **Trained on** {trained['world']}, seed {trained['seed']}, by `playproof model train-alerts`;",
        "  accounts of a campaign are all in one block. `make train-alerts` makes the worlds of the model that ships;",
        "  the `DATASHEET.md` of a world says how it was made.",
        *_calibrated(manifest),
        f"- **Threshold** {manifest['threshold']:.4f}: on the calibration block at most "
        f"{1000 * manifest['max_false_alerts']:.0f} of 1,000 honest sessions has an alert",
        f"  at any look, by the upper end of the interval in each world (in all: {_share(manifest['calibration'])}).",
        f"- **Test block**: false alerts per 1,000 honest sessions {_share(test['false_per_1000_honest_sessions'])};",
        f"  {test['recall']:.0%} of the bots' sessions have an alert before they close.",
        f"- **Features**: {n - of_account} of a session's own rows; {of_account} of the account: its static row, its",
        "  own history, and the suspicion that looks at its sessions before left behind. The threshold holds too where",
        "  neither row nor history is known of any account.",
        "- **Not for** decisions about a person without a look at the closed session. The worlds are simulated.",
        "",
        "| block | accounts | sessions | of bots | looks |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {of['accounts']:,} | {of['sessions']:,} | {of['bot_sessions']:,} | {of['looks']:,} |"
            for name, of in blocks.items()
        ),
        "",
        "| family | sessions of the test block | with an alert |",
        "|---|---|---|",
        *(f"| {name} | {of['sessions']:,} | {of['share']:.0%} |" for name, of in test["by_family"].items()),
        "",
        "| source lacks what | false alerts per 1,000 honest sessions | bots' sessions with an alert |",
        "|---|---|---|",
        *(_source(entry) for entry in manifest["source_patterns"]),
        "",
    ]
    return "\n".join(lines)


def _calibrated(manifest: Mapping[str, Any]) -> list[str]:
    if "calibrated_on" not in manifest:
        return []
    worlds, seed = (manifest["calibrated_on"][name] for name in ("worlds", "seed"))
    return [
        f"- **Calibrated and tested on** world{'s' if len(worlds) > 1 else ''} {' and '.join(worlds)}, seed {seed}, of",
        "  which the trees saw nothing: thresholds on three quarters of the accounts, the tables below on the others.",
    ]


def _source(entry: Mapping[str, Any]) -> str:
    if entry["review"] is None:
        return f"| {entry['name']} | no alerts: too little is known | |"
    test = entry["test"]
    return f"| {entry['name']} | {_share(test['false_per_1000_honest_sessions'])} | {test['recall']:.0%} |"


def _share(share: Mapping[str, Any]) -> str:
    value = "none" if share["value"] is None else f"{share['value']:.2f}"
    return f"{value} [{share['low']:.2f}, {share['high']:.2f}]"
