"""The queue: ranked cases, a preview beside them, export."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from consumer_viz.dashboard.csv_export import csv_file, to_csv
from consumer_viz.dashboard.evidence.summary import headline, summarise
from consumer_viz.dashboard.index.cases import TABS, Case
from consumer_viz.dashboard.layout.render import desk_of, is_htmx, page
from consumer_viz.dashboard.state import Desk
from consumer_viz.dashboard.verdicts.routes import form_values

router = APIRouter()
ROWS = 50
MOST_ROWS = 100_000
COLUMNS = ("case_id", "user_id", "drawn_by", "draw_probability", "country", "plan", "sessions", "flagged",
           "streams", "eur", "probability", "risk", "verdict", "reason_code", "analyst", "decided_at",
           "model_version")  # fmt: skip
HIDDEN = frozenset({"flagged", "streams", "eur", "probability", "risk", "drawn_by"})


def rows_of(desk: Desk, tab: str, offset: int = 0) -> list[tuple[Case, str]]:
    """Return a page of cases with the words of their rows."""
    return [(case, headline(desk.cases, case)) for case in desk.cases.queue(tab, ROWS, offset)]


@router.get("/")
def home() -> Response:
    """Lead to the queue."""
    return RedirectResponse("/queue", 303)


@router.get("/queue")
def queue(request: Request, tab: str = "suspected", offset: int = 0) -> Response:
    """Show one list of the queue; htmx asks for further rows alone."""
    if tab not in TABS or offset < 0:
        raise HTTPException(404, f"The queue has the lists {', '.join(TABS)}.")
    desk = desk_of(request)
    seq, counts = desk.index.stamp, desk.cases.counts()
    rows = rows_of(desk, tab, offset)
    more = offset + ROWS if offset + len(rows) < counts[tab] else None
    if is_htmx(request) and offset:
        return page(request, "queue/rows.html", rows=rows, more=more, tab=tab)
    outcome = {line["verdict"]: line for line in desk.cases.outcome()}
    shown: dict[str, Any] = {"rows": rows, "more": more, "tab": tab, "tabs": TABS, "counts": counts, "seq": seq}
    return page(request, "queue/queue.html", outcome=outcome, **shown)


@router.get("/queue/panel/{case_id}")
def panel(request: Request, case_id: str) -> Response:
    """Show a case beside the list."""
    desk = desk_of(request)
    case = desk.cases.one(case_id)
    if case is None:
        raise HTTPException(404, "No such case.")
    summary = summarise(desk.cases, desk.usual, case)
    return page(request, "queue/panel.html", summary=summary, case=case, **form_values("queue"))


@router.get("/queue.csv")
def queue_csv(request: Request, tab: str = "suspected") -> Response:
    """Export a list; what a blind review must not see is left empty."""
    if tab not in TABS:
        raise HTTPException(404, f"The queue has the lists {', '.join(TABS)}.")
    cases = desk_of(request).cases.queue(tab, MOST_ROWS)
    rows = ([None if c.is_hidden and name in HIDDEN else getattr(c, name) for name in COLUMNS] for c in cases)
    return csv_file(to_csv(COLUMNS, rows), f"playproof-{tab}.csv")
