"""The model card of the shop's model: its manifest in words and tables."""

from typing import Any

from contracts.shop import FRAUD_FAMILIES
from models.training.card import format_share_entry, shares_table

_INTRO = """# Model card: {name}

Gives a shop's session the probability that it is fraud: gradient-boosted trees of MLlib (StringIndexer, OneHotEncoder,
VectorAssembler, GBTClassifier) in a saved PipelineModel, on {n_features} features of the session. `prediction` is 1
where the probability is over {review:.4f}, a threshold that the saved model itself has.

## Use
- **For**: showing how a saved PipelineModel scores a stream; ranking the sessions of a simulated shop.
- **Not for**: refusing an order or closing an account; a real shop, unless it is trained on that shop's data.

## Data
Simulated sessions; what is fraud is the simulator's truth, which is in no message, no static table and no feature. The
simulator decides how hard fraud is to find, so a real shop will see other numbers. Most fraud here is easy: card
testing takes seconds, and takeovers ship far from home. Made by, with seed {seed}:

    {command}

The blocks differ in time **and** in customers **and** in campaigns; nothing is resampled.

| block | sessions | fraud | customers | campaigns | from | to |
|---|---|---|---|---|---|---|
"""


def render_card(manifest: dict[str, Any]) -> str:
    """Render the card of a manifest as Markdown."""
    trained, test = manifest["trained_on"], manifest["test"]
    head = _INTRO.format(
        name=manifest["name"],
        n_features=len(manifest["features"]),
        review=manifest["thresholds"]["review"],
        seed=trained["seed"],
        command=trained["command"],
    )
    blocks = [
        f"| {name} | {b['sessions']:,} | {b['fraud']:,} | {b['customers']:,} | {b['campaigns']} "
        f"| {b['from'][:16]} | {b['to'][:16]} |"
        for name, b in trained["blocks"].items()
    ]
    importances = ", ".join(f"{name} {100 * share:.0f} %" for name, share in list(manifest["importances"].items())[:8])
    results = (
        "## Results on the test block\n"
        f"Its natural prevalence is {100 * test['prevalence']:.2f} % of {test['sessions']:,} sessions. Intervals: "
        f"95 %, by customer.\nFlagged {test['flagged']:,}: precision {format_share_entry(test['precision'])}, recall "
        f"{format_share_entry(test['recall'])}, average precision {test['average_precision']:.3f}."
    )
    parts = [
        head + "\n".join(blocks),
        "## Threshold\nThe highest F0.5 on the calibration block, so precision counts double; never the test block.",
        results,
        shares_table("Recall by family", "family", test["recall_by_family"], FRAUD_FAMILIES),
        f"## What it looks at\nShare of the trees' gain: {importances}.",
        "## Versions\n" + ", ".join(f"{name} {number}" for name, number in manifest["libraries"].items()),
    ]
    return "\n\n".join(parts) + "\n"
