"""From the rows of a study to `results.json`: one entry a technique, the winner, the fusion's gain, the ranking."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from models.lab.candidates import CANDIDATES
from models.lab.candidates.fusion import FUSIONS, HEADLINE_FUSION
from models.lab.measures import PREVALENCE, interval
from models.lab.protocol import FALSE_ALARMS
from models.lab.study import ABLATION, CEILING, LEFT_OUT, MECHANISM_OUT, SEEN, StudyResults
from models.lab.totals import ALARMS, AP, MACRO, RECALL
from runtime.arrays import Floats

Json = dict[str, Any]
VIEWS = (SEEN, LEFT_OUT, MECHANISM_OUT)


def ranked(results: StudyResults) -> list[str]:
    """Name the techniques of the ranking that were run, best first by average precision seen."""
    names = [name for (view, name, measure) in results.macro if view == SEEN and measure == AP and name != CEILING]
    values = {name: float(results.macro[SEEN, name, AP][0]) for name in names}
    return sorted(names, key=lambda name: -np.nan_to_num(values[name], nan=-1.0))


def summary(results: StudyResults) -> Json:
    """Return what results.json says of one world."""
    table = pd.DataFrame(results.rows)
    order = ranked(results)
    by_technique = dict(iter(table.groupby("technique", sort=False)))
    return {
        "prevalence": PREVALENCE,
        "false_alarms": FALSE_ALARMS,
        "sizes": results.sizes,
        "techniques": {name: _technique(results, by_technique[name], name) for name in order},
        "ceiling": interval(results.macro[SEEN, CEILING, AP]),
        "winner": _winner(results, order),
        "fusion": fusion_gain(results, order),
        "ablation": _ablation(results),
        "ranking": {
            "order": order,
            "tau_over_resamples": _tau_over_resamples(results, order),
            "tau_seen_left_out": _tau_of_views(results, order, SEEN, LEFT_OUT),
        },
        "reliability": {name: results.reliability.get(name, []) for name in order},
    }


def _technique(results: StudyResults, rows: pd.DataFrame, name: str) -> Json:
    entry: Json = {
        "kind": CANDIDATES[name].kind if name in CANDIDATES else "fusion",
        "words": CANDIDATES[name].description if name in CANDIDATES else FUSIONS[name].description,
        "fitted_on_rows": results.fitted_on.get(name),
    }
    for view in VIEWS:
        of_view = rows[rows["view"] == view]
        if of_view.empty:
            continue
        families = of_view[of_view["measure"].isin([AP, RECALL]) & (of_view["scope"] != MACRO)]
        entry[view] = {
            AP: interval(results.macro[view, name, AP]),
            RECALL: interval(results.macro[view, name, RECALL]),
            ALARMS: _entry(of_view[(of_view["measure"] == ALARMS) & (of_view["scope"] == "honest")].iloc[0]),
            "families": {
                str(family): {str(row["measure"]): _entry(row) for _, row in of.iterrows()}
                for family, of in families.groupby("scope", sort=False)
            },
        }
    seen_rows = rows[rows["view"] == SEEN]
    cohorts = seen_rows[(seen_rows["measure"] == ALARMS) & (seen_rows["scope"] != "honest")]
    entry["false_alarms_by_cohort"] = {str(row["scope"]): _entry(row) for _, row in cohorts.iterrows()}
    for measure in ("precision_at_capacity", "brier", "us_per_row"):
        entry[measure] = _value(seen_rows[seen_rows["measure"] == measure]["value"].iloc[0])
    caught = seen_rows[
        seen_rows["measure"].isin(["caught_within_week", "days_to_flag", "euros_before_caught", "euros_in_week"])
    ]
    entry["detection"] = {
        str(scope): {str(row["measure"]): _value(row["value"]) for _, row in of.iterrows()}
        for scope, of in caught.groupby("scope", sort=False)
    }
    pooled = rows[(rows["view"] == "prevalence")]
    entry["ap_pooled_by_stream_share"] = {str(row["scope"]): _value(row["value"]) for _, row in pooled.iterrows()}
    return entry


def _entry(row: pd.Series) -> Json:
    return {key: _value(row[key]) for key in ("value", "low", "high")} | {"n": int(row["n"])}


def _value(number: Any) -> float | None:
    return None if number is None or np.isnan(number) else float(number)


def _winner(results: StudyResults, order: list[str]) -> Json:
    """The technique with the best average precision over both views: a detector must also catch what it never saw."""
    views = [view for view in (SEEN, LEFT_OUT) if (view, order[0], AP) in results.macro]
    means = {name: float(np.mean([results.macro[view, name, AP][0] for view in views])) for name in order}
    best = max(means, key=lambda name: means[name])
    ceiling = float(results.macro[SEEN, CEILING, AP][0])
    return {
        "technique": best,
        "share_of_ceiling": float(results.macro[SEEN, best, AP][0]) / ceiling if ceiling else None,
        **{view: {m: interval(results.macro[view, best, m]) for m in (AP, RECALL)} for view in views},
    }


def fusion_gain(results: StudyResults, order: list[str]) -> Json:
    """Compare the fusion named before the study with every single technique, on the same resamples of accounts."""
    chosen = HEADLINE_FUSION
    if (SEEN, chosen, AP) not in results.macro:
        return {}
    gains: Json = {}
    for view in (SEEN, LEFT_OUT):
        if (view, chosen, AP) not in results.macro:
            continue
        gains[view] = {
            name: {m: interval(_difference(results, view, chosen, name, m)) for m in (AP, RECALL)}
            for name in order
            if name not in FUSIONS
        }
    return {"technique": chosen, "gain": gains}


def _difference(results: StudyResults, view: str, first: str, second: str, measure: str) -> Floats:
    return np.asarray(results.macro[view, first, measure] - results.macro[view, second, measure])


def _ablation(results: StudyResults) -> Json:
    return {
        name: {AP: interval(values)}
        for (view, name, measure), values in results.macro.items()
        if view == ABLATION and measure == AP
    }


def _tau_over_resamples(results: StudyResults, order: list[str]) -> Json:
    """How stable the ranking is if other accounts had been drawn: Kendall's tau with each resample's ranking."""
    macros = np.array([results.macro[SEEN, name, AP] for name in order])
    taus = [kendalltau(macros[:, 0], macros[:, draw]).statistic for draw in range(1, macros.shape[1])]
    return {"mean": float(np.mean(taus)), "low": float(np.quantile(taus, 0.025))} if taus else {}


def _tau_of_views(results: StudyResults, order: list[str], first: str, second: str) -> float | None:
    if (second, order[0], AP) not in results.macro:
        return None
    values = [[results.macro[view, name, AP][0] for name in order] for view in (first, second)]
    return float(kendalltau(*values).statistic)


def tau_between(first: StudyResults, second: StudyResults) -> float:
    """Return Kendall's tau of two worlds' rankings over the techniques that both have."""
    names = [name for name in ranked(first) if (SEEN, name, AP) in second.macro]
    values = [[of.macro[SEEN, name, AP][0] for name in names] for of in (first, second)]
    return float(kendalltau(*values).statistic)
