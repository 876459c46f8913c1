"""The lab's tables as Markdown, from results.json alone."""

from typing import Any

Json = dict[str, Any]


def render_tables(results: Json) -> str:
    """Render all tables of a run as Markdown."""
    return "\n\n".join(
        [
            sizes(results),
            techniques(results),
            families(results),
            cohorts(results),
            use(results),
            prevalence(results),
            ablation(results),
            fusion(results),
            stability(results),
        ]
    )


def format_entry(entry: Json | None) -> str:
    """Format a number with its interval.

    >>> format_entry({"value": 0.5, "low": 0.4, "high": 0.62})
    '.50 [.40, .62]'
    >>> format_entry({"value": None})
    'too few'
    """
    if entry is None:
        return "–"  # not run
    if entry["value"] is None:
        return "too few"
    value, low, high = (f"{entry[key]:.2f}".replace("0.", ".", 1) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def format_value(number: float | None, form: str = ".2f") -> str:
    """Format a number; an en dash where there is none."""
    return "–" if number is None else f"{number:{form}}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def sizes(results: Json) -> str:
    sizes = results["sizes"]
    return (
        f"Made by `{results['command']}` (seed {results['seed']}): {sizes['honest_account_days']:,} honest and "
        f"{sizes['positive_account_days']:,} positive account-days tested in {sizes['folds']} folds, about "
        f"{sizes['training_rows_a_fold']:,} account-days to train on in each; bots are weighted back to "
        f"{100 * results['prevalence']:g} % of account-days. Intervals: 95 %, by account."
    )


def techniques(results: Json) -> str:
    rows = []
    for name in results["ranking"]["order"]:
        t = results["techniques"][name]
        out = t.get("left_out", {})
        rows.append(
            [
                f"`{name}`", t["words"], t["kind"], format_entry(t["seen"]["ap"]), format_entry(out.get("ap")),
                format_entry(t["seen"]["recall_at_fpr_0001"]), format_entry(out.get("recall_at_fpr_0001")),
                format_value(_percent(t["seen"]["false_alarm_rate"]["value"])), f"{t['us_per_row']:.0f}",
            ]
        )  # fmt: skip
    head = [
        "technique", "what it is", "learns from", "AP seen", "AP left out", "recall seen", "recall left out",
        "false alarms on test days, %", "µs per row",
    ]  # fmt: skip
    ceiling = format_entry(results["ceiling"])
    note = (
        "AP: average precision. Recall: at the threshold that flags 0.1 % of honest training days. Both are means "
        f"over families. Ceiling (trees that know the test week): AP {ceiling}."
    )
    return "### Techniques\n" + _table(head, rows) + "\n\n" + note


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _chosen(results: Json) -> list[str]:
    """The winner, the fusion, and the best of each way to learn."""
    order, techniques = results["ranking"]["order"], results["techniques"]
    chosen = {results["winner"]["technique"], results["fusion"].get("technique", order[0])}
    for kind in ("supervised", "honest", "unlabelled", "rules", "trivial"):
        chosen |= set([name for name in order if techniques[name]["kind"] == kind][:1])
    return [name for name in order if name in chosen]


def families(results: Json) -> str:
    shown, techniques = _chosen(results), results["techniques"]
    families = sorted({f for name in shown for f in techniques[name]["seen"]["families"]})
    rows = []
    for family in families:
        cells = []
        for name in shown:
            pair = []
            for view in ("seen", "left_out"):
                entry = techniques[name].get(view, {}).get("families", {}).get(family, {}).get("recall_at_fpr_0001", {})
                pair.append(format_value(entry.get("value")))
            cells.append(f"{pair[0]} ({pair[1]})")
        n = next(iter(techniques[shown[0]]["seen"]["families"][family].values()))["n"]
        rows.append([family, str(n), *cells])
    return "### Recall by family: seen (left out)\n" + _table(
        ["family", "account-days", *(f"`{n}`" for n in shown)], rows
    )


def cohorts(results: Json) -> str:
    shown, techniques = _chosen(results), results["techniques"]
    cohorts = sorted({c for name in shown for c in techniques[name]["false_alarms_by_cohort"]})
    rows = []
    for cohort in cohorts:
        entries = [techniques[name]["false_alarms_by_cohort"].get(cohort, {"value": None, "n": 0}) for name in shown]
        cells = ["too few" if e["value"] is None else f"{1000 * e['value']:.0f}" for e in entries]
        rows.append([cohort, f"{max(e['n'] for e in entries):,}", *cells])
    return "### Flagged days per 1,000, by kind of honest listener\n" + _table(
        ["cohort", "account-days", *(f"`{n}`" for n in shown)], rows
    )


def use(results: Json) -> str:
    rows = []
    for name in _chosen(results):
        t = results["techniques"][name]
        every = t["detection"].get("all", {})
        before, whole = every.get("euros_before_caught"), every.get("euros_in_week")
        rows.append(
            [
                f"`{name}`", format_value(t["precision_at_capacity"]), format_value(every.get("caught_within_week")),
                format_value(every.get("days_to_flag"), ".1f"), format_value(before), format_value(whole),
                format_value(t["brier"], ".4f"),
            ]
        )  # fmt: skip
    head = [
        "technique", "precision at capacity", "accounts caught within the week", "days to the flag",
        "euros per account before", "euros in the week", "Brier",
    ]  # fmt: skip
    winner = results["techniques"][results["winner"]["technique"]]["detection"]
    by_family = [
        [
            family, format_value(e["caught_within_week"]), format_value(e["days_to_flag"], ".1f"),
            format_value(e["euros_before_caught"]),
            format_value(e["euros_in_week"]),
        ]
        for family, e in winner.items()
        if family != "all"
    ]  # fmt: skip
    name = results["winner"]["technique"]
    return (
        "### In use\n"
        + _table(head, rows)
        + f"\n\nBy family, `{name}`:\n\n"
        + _table(
            ["family", "caught within the week", "days to the flag", "euros before", "euros in the week"], by_family
        )
    )


def prevalence(results: Json) -> str:
    shares = list(next(iter(results["techniques"].values()))["ap_pooled_by_stream_share"])
    rows = [
        [f"`{name}`", *(format_value(results["techniques"][name]["ap_pooled_by_stream_share"][s]) for s in shares)]
        for name in _chosen(results)
    ]
    head = ["technique", *(f"{100 * float(share):g} %" for share in shares)]
    return "### Average precision as bots' share of streams grows\n" + _table(head, rows)


def ablation(results: Json) -> str:
    entries = results["ablation"]
    groups = [name.removeprefix("only ") for name in entries if name.startswith("only ")]
    rows = [[g, format_entry(entries[f"only {g}"]["ap"]), format_entry(entries[f"without {g}"]["ap"])] for g in groups]
    return "### Groups of features (AP of XGBoost)\n" + _table(["group", "alone", "all but it"], rows)


def fusion(results: Json) -> str:
    """Say what the fusion gains over each technique, and in words whether that is anything at all."""
    gain = results["fusion"].get("gain", {})
    if not gain:
        return "### Fusion\nNone was run."
    rows = [
        [f"`{name}`", *(format_entry(of[name]["ap"]) for of in gain.values())] for name in next(iter(gain.values()))
    ]
    head = ["over", *("AP seen" if view == "seen" else "AP left out" for view in gain)]
    name = results["fusion"]["technique"]
    return f"### Gain of `{name}` over each technique alone\n" + verdict(results) + "\n\n" + _table(head, rows)


def verdict(results: Json) -> str:
    """Say whether the fusion beats the best single technique of each view: only where the whole interval is over 0."""
    fusion_name, lines = results["fusion"]["technique"], []
    for view, gains in results["fusion"]["gain"].items():
        known = {name: of["ap"] for name, of in gains.items() if of["ap"]["value"] is not None}
        if not known:
            continue
        best = min(known, key=lambda name: known[name]["value"])
        entry = known[best]
        if entry["low"] > 0:
            what = "gains over"
        elif entry["high"] < 0:
            what = "loses to"
        else:
            what = "has no proven gain over"
        where = "Families seen" if view == "seen" else "Families left out"
        lines.append(f"{where}: `{fusion_name}` {what} the best single technique, `{best}`: {format_entry(entry)}.")
    return " ".join(lines)


def stability(results: Json) -> str:
    taus = [("other draws of accounts", results["ranking"]["tau_over_resamples"].get("mean"))]
    taus.append(("families left out", results["ranking"]["tau_seen_left_out"]))
    worlds = results.get("other_worlds", {})
    for world, of in worlds.items():
        taus.append((f"world {world}, by itself", of["tau"]))
        taus.append((f"world {world}, trained here", of["tau_shifted"]))
    rows = [[what, format_value(tau)] for what, tau in taus if tau is not None]
    parts = ["### Is the ranking stable?\n" + _table(["the ranking here against that of", "Kendall's tau"], rows)]
    for world, of in worlds.items():
        rows = [
            [
                f"`{name}`",
                format_entry(t["seen"]["ap"]),
                format_entry(of["shifted"][name]["ap"]),
                format_entry(of["own"][name]["ap"]),
            ]
            for name, t in results["techniques"].items()
            if name in of["shifted"]
        ]
        head = ["technique", "here", "trained here, tested there", "there"]
        parts.append(f"### World {world} (AP)\n" + _table(head, rows))
    return "\n\n".join(parts)
