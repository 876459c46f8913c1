"""The report as one HTML page with its figures inside: nothing to load, nothing to run."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from models.user_days.report import figures
from models.user_days.report.evaluation import ALL, UserDayEvaluation

TOP = 25
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }
td.day { white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
img { max-width: 100%; } pre { background: #f5f5f5; padding: .8rem; overflow-x: auto; font-size: 12px; }
"""


def render(title: str, summary: Sequence[str], ranked: pd.DataFrame, evaluation: UserDayEvaluation | None) -> str:
    """Render the page. `ranked`: flags with priority, in order; `evaluation` where truth exists."""
    rng = np.random.default_rng(0)
    drawn = [figures.flags_by_day(ranked), figures.rules_fired(ranked), figures.two_scores(ranked, rng)]
    parts = [_figure(one) for one in drawn]
    if evaluation is not None:
        whole = evaluation.reports[ALL]
        parts.append("<h2>Against the simulator's truth</h2>")
        parts.append(_figure(figures.shares("Recall by family", whole.recall_by_family, figures.RULES_ONLY)))
        alarms = whole.false_alarms_by_cohort
        parts.append(_figure(figures.shares("False alarms by kind of honest listener", alarms, figures.BOTH)))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p>Every line below is a <strong>suspicion with its reasons</strong>. Nothing was done to any account: a person decides,
and a false flag cuts an artist's pay.</p>
<pre>{escape(chr(10).join(summary))}</pre>
<h2>First in the queue</h2>
{_queue(ranked[ranked["is_flagged"]].head(TOP))}
<h2>Figures</h2>
{"".join(parts)}
</body></html>
"""


def _queue(rows: pd.DataFrame) -> str:
    head = "<th>account</th><th>day</th><th class=number>score</th><th class=number>streams</th>"
    head += "<th class=number>EUR at risk</th><th>why it is suspected</th>"
    lines = []
    for row in rows.to_dict("records"):
        why = "<br>".join(escape(reason) for reason in row["reasons"])
        lines.append(
            f"<tr><td>{escape(str(row['user_id']))}</td><td class=day>{pd.Timestamp(row['local_date']):%Y-%m-%d}</td>"
            f"<td class=number>{row['score']:.2f}</td><td class=number>{row['streams']:,}</td>"
            f"<td class=number>{row['money_at_risk_eur']:.2f}</td><td>{why}</td></tr>"
        )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _figure(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    axes = figure.axes[0]
    inside = base64.b64encode(buffer.getvalue()).decode()
    return f'<p><img alt="{escape(axes.get_title())}" src="data:image/png;base64,{inside}"></p>'
