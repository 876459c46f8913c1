"""The model card of the trees of the account windows."""

from typing import Any

from models.account_windows.thresholds import MAX_FALSE_ALARMS, MAX_OF_A_KIND
from models.account_windows.trees import least_precision
from models.user_days.calibration import PREVALENCE


def render_card(manifest: dict[str, Any]) -> str:
    """Render the model card of a manifest as Markdown."""
    trained = manifest["trained_on"]
    lines = [
        f"# Model card: {manifest['name']}",
        "",
        "Gives a window of 7 or 28 days of an account the log-odds that a bot listened in it: gradient-boosted trees",
        f"(XGBoost, depth {manifest['parameters']['max_depth']}, {manifest['parameters']['rounds']} rounds) on "
        f"{len(manifest['features'])} features.",
        "",
        "## Use",
        "- **For**: ranking accounts for an analyst by what adds up over weeks, and by what other accounts do too.",
        "- **Not for**: closing an account or withholding a royalty without a person.",
        "",
        "## Data",
        f"Synthetic: {trained['world']}, seed {trained['seed']}; {trained['windows']:,} windows. Blocks differ in",
        "accounts and campaigns, not in time. A window is positive with a paid stream in it. Every window also comes",
        "masked, as the kinds of source that lack fields.",
        "",
        "| block | windows | positive |",
        "|---|---|---|",
        *(f"| {name} | {b['windows']:,} | {b['positives']:,} |" for name, b in trained["blocks"].items()),
        "",
        *_odd_lines(trained.get("odd_windows", 0)),
        "## Kinds of source",
        f"Threshold: at most {MAX_FALSE_ALARMS:.1%} of the honest windows of the calibration block. Measured on the",
        "test block.",
        f"Precision: with {PREVALENCE:.1%} of the windows bots'; in brackets at the upper end of the false alarms,",
        "which the table `account_windows` has as probability. The intervals count windows, and those of one account",
        "are alike, so they are too narrow. `–`: the recall is too low to flag any.",
        "`_no_zone`: without a time zone. `_unscored`: no session was scored. `_alone`: too few accounts to compare",
        "with. Kinds that lack the same features are one.",
        "",
        "| source | features unknown | threshold | false alarms per 100 windows | recall | AUC | precision |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in manifest["source_patterns"]:
        test, alarms = entry["test"], entry["test"]["false_alarms_per_100"]
        threshold = "–" if entry["review"] is None else f"{entry['review']:.2f}"
        lines.append(
            f"| {entry['name']} | {len(entry['unknown'])} | {threshold} | {alarms['value']:.2f} [{alarms['low']:.2f}, "
            f"{alarms['high']:.2f}] | {test['recall']:.3f} | {test['auc']:.3f} "
            f"| {entry['precision']:.2f} [{least_precision(test):.2f}] |"
        )
    lines += [
        "",
        "## Recall by family",
        "Of windows of the test block, all fields known.",
        "",
        "| family | windows | share |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {e['windows']:,} | {e['share']:.3f} |" for name, e in manifest["recall_by_family"].items()]
    versions = ", ".join(f"{name} {number}" for name, number in manifest["libraries"].items())
    return "\n".join([*lines, "", f"## Versions\n{versions}"]) + "\n"


def _odd_lines(windows: int) -> list[str]:
    if not windows:
        return []
    return [
        f"And {windows:,} windows of a world with many odd people of every kind: half of the accounts are trained on;",
        f"of the honest windows of the others each kind may have {MAX_OF_A_KIND:.1%} over the thresholds below.",
        "",
    ]
