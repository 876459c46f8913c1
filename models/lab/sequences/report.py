"""The table of the sequence detectors as Markdown."""

from models.lab.sequences.study import ALARMS, AP, AUC, RECALL, SequenceResults


def as_markdown(results: SequenceResults) -> str:
    """Render results: one row per detector, best average precision first."""
    lines = [
        "| detector | score | labels | AUC | average precision | recall at 0.1 % false alarms | false alarms | CPU-s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ranked = sorted(results.measures, key=lambda name: -(results.measures[name][AP]["value"] or 0))
    for name in ranked:
        cells = [_cell(results.measures[name][measure]) for measure in (AUC, AP, RECALL)]
        alarms = results.measures[name][ALARMS]["value"]
        labels = "yes" if results.kinds[name] == "supervised" else "no"
        text = [f"`{name}`", results.descriptions[name], labels, *cells, "–" if alarms is None else f"{alarms:.2%}"]
        lines.append(f"| {' | '.join(text)} | {results.fit_cpu_s[name]:.0f} |")
    return "\n".join(lines)


def summary(results: SequenceResults) -> str:
    """Say in a line what the table was measured on."""
    return (
        f"{results.sessions:,} sessions of {results.accounts:,} accounts; {results.fraud:,} fraudulent ones of "
        f"{results.fraud_accounts:,} accounts, weighted to {results.prevalence:.2%} of sessions"
    )


def _cell(estimate: dict[str, float | None]) -> str:
    value, low, high = estimate["value"], estimate["low"], estimate["high"]
    return "too few" if value is None or low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
