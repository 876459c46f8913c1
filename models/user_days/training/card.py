"""The model card of the user-day trees: their manifest as text for people."""

from typing import Any

from models.training.card import COHORT_MEANINGS, FAMILY_MEANINGS, format_share_entry, shares_table
from models.training.splits import ODD_SHARE, ODD_WEIGHT

MAX_FEATURES = 10
_INTRO = """# Model card: {name}

Gives a user-day (an account on one of its local days) the probability that it was a bot's: {rounds} gradient-boosted
trees of depth {max_depth} (XGBoost) on {n_features} features, calibrated at a prevalence of {prevalence} %. A day is
flagged from a margin of {threshold:.2f}, which at most {max_false_alarms} % of the honest days of the calibration block
reach; each flag comes with what pushed it up and what is usual for honest listeners.

## Use
- **For**: which user-days and accounts an analyst looks at first, next to rules and forest (docs/guides/user-days.md).
- **Not for**: closing an account or withholding a royalty by itself; listening that was imported without all fields
  (rules and forest do that); services other than the simulated one without new training.

## Ethics
A false flag accuses a listener and may cut an artist's pay. A person decides, with the reasons in view; the kinds of
honest listening below are where the errors fall.

## Data
Synthetic: {world} (`make train-days`), seed of split and trees {seed}. Labels are what the simulator made: a day is
positive from ten paid-for streams; with
fewer it is mixed and left out. Blocks differ in time, accounts and campaigns. Bots are oversampled in the world and
weighted back to {prevalence} % of accounts in calibration, threshold and every share below.

| block | user-days | positive | mixed | accounts | campaigns | from | to |
|---|---|---|---|---|---|---|---|
"""


def render(manifest: dict[str, Any]) -> str:
    """Render the card of a manifest as Markdown."""
    trained, test = manifest["trained_on"], manifest["test"]
    head = _INTRO.format(
        name=manifest["name"], rounds=manifest["trees"]["rounds"], max_depth=manifest["trees"]["max_depth"],
        n_features=len(manifest["features"]), max_false_alarms=100 * manifest["max_false_alarms"],
        prevalence=100 * manifest["prevalence"], threshold=manifest["threshold"],
        world=trained["world"], seed=trained["seed"],
    )  # fmt: skip
    blocks = "\n".join(
        f"| {name} | {b['days']:,} | {b['positives']:,} | {b['mixed']:,} | {b['accounts']:,} | {b['campaigns']} "
        f"| {b['from']} | {b['to']} |"
        for name, b in trained["blocks"].items()
    )
    lines = [
        "",
        *_odd_lines(trained.get("odd")),
        "## Results on the test block",
        f"Average precision {test['average_precision']:.3f}. Precision {format_share_entry(test['precision'])}, recall "
        f"{format_share_entry(test['recall'])}. Intervals: 95 %, by account.",
        "",
        shares_table("Recall by family", "family", test["recall_by_family"], FAMILY_MEANINGS, "user-days"),
        "",
        shares_table(
            "False alarms by kind of honest listener",
            "cohort",
            test["false_alarms_by_cohort"],
            COHORT_MEANINGS,
            "user-days",
        ),
        "",
        "## What it looks at",
        "Share of the trees' total gain, the largest:",
        "",
        *(f"- `{name}` {100 * share:.0f} %" for name, share in list(manifest["gain"].items())[:MAX_FEATURES]),
        "",
        "Libraries: " + ", ".join(f"{name} {number}" for name, number in manifest["libraries"].items()) + ".",
    ]
    return head + blocks + "\n" + "\n".join(lines) + "\n"


def _odd_lines(odd: dict[str, Any] | None) -> list[str]:
    if odd is None:
        return []
    return [
        f"And {odd['days']:,} days of {odd['accounts']:,} accounts of worlds with many odd people of every kind, "
        f"{odd['positives']:,} of them positive.",
        f"{ODD_SHARE:.0%} of the accounts are trained on, a day counting {ODD_WEIGHT}. Of the honest ones of the "
        f"others each kind may have {odd['max_of_a_kind']:.1%} of its days over the",
        "threshold. No figure comes from these worlds.",
        "",
    ]
