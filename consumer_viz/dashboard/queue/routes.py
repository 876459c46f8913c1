"""The queue: lists of ranked cases, a preview of the selected one, sums of decisions, export."""

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from consumer_viz.dashboard.access.parameters import Number
from consumer_viz.dashboard.csv_export import csv_file, to_csv
from consumer_viz.dashboard.evidence.summary import headline, summarise
from consumer_viz.dashboard.index.cases import Case
from consumer_viz.dashboard.index.queue_lists import OTHER_ORDERS, TABS
from consumer_viz.dashboard.index.ring_cases import Ring
from consumer_viz.dashboard.layout.render import is_htmx, page, state_of
from consumer_viz.dashboard.state import AppState
from consumer_viz.dashboard.team.routes import team_values
from consumer_viz.dashboard.verdicts.routes import form_values

router = APIRouter()
PAGE_ROWS = 50
MAX_EXPORT_ROWS = 100_000
COLUMNS = ("case_id", "user_id", "drawn_by", "draw_probability", "country", "plan", "sessions", "flagged",
           "streams", "eur", "probability", "risk", "verdict", "reason_code", "analyst", "decided_at",
           "model_version")  # fmt: skip
BLIND_COLUMNS = frozenset({"flagged", "streams", "eur", "probability", "risk", "drawn_by"})
"""Columns that a blind review must not see."""


@router.get("/")
def home() -> Response:
    """Lead to the queue."""
    return RedirectResponse("/queue", 303)


@router.get("/queue")
def queue(request: Request, tab: str = "suspected", offset: Number = 0, order: str = "") -> Response:
    """Show one list of the queue; htmx asks for further rows only."""
    if tab not in TABS:
        raise HTTPException(404, f"The queue has the lists {', '.join(TABS)}.")
    state = state_of(request)
    seq, counts = state.index.stamp, state.cases.counts()
    order = order if order in OTHER_ORDERS and tab == "suspected" else ""
    rows = [(row, _headline(state, row)) for row in state.rings.queue(tab, PAGE_ROWS, offset, order)]
    more = offset + PAGE_ROWS if offset + len(rows) < counts[tab] else None
    if is_htmx(request) and offset:
        return page(request, "queue/rows.html", rows=rows, more=more, tab=tab, order=order)
    return page(
        request, "queue/queue.html", rows=rows, more=more, tab=tab, tabs=_tabs(state, counts, tab), counts=counts,
        seq=seq,
        outcomes=_outcomes(request), order=order,
    )  # fmt: skip


def _tabs(state: AppState, counts: dict[str, int], current: str) -> dict[str, tuple[str, str]]:
    """Return the lists; that of second reviews only where there are any, or may be."""
    has_reviews = state.store.policy.second_review_eur is not None or counts["review"] or current == "review"
    return {name: each for name, each in TABS.items() if name != "review" or has_reviews}


def _headline(state: AppState, row: Case | Ring) -> str:
    return row.reasons[0] if isinstance(row, Ring) else headline(state.accounts, state.honest, row)


@router.get("/queue/rows/{subject}")
def one_row(request: Request, subject: str) -> Response:
    """Show the row of a case or ring as it is now: somebody may have decided or assigned it."""
    state = state_of(request)
    row = state.rings.one(subject) or state.cases.one(subject)
    if row is None:
        raise HTTPException(404, "No such case.")
    return page(request, "queue/rows.html", rows=[(row, _headline(state, row))], more=None, tab="", order="")


@router.get("/queue/sums")
def sums(request: Request) -> Response:
    """Show the sums of decisions at the head of the queue."""
    return page(request, "queue/sums.html", outcomes=_outcomes(request))


def _outcomes(request: Request) -> dict[str, dict[str, object]]:
    return {row["verdict"]: row for row in state_of(request).cases.outcomes()}


@router.get("/queue/panel/{case_id}")
def panel(request: Request, case_id: str) -> Response:
    """Show a preview of a case next to the list."""
    state = state_of(request)
    case = state.cases.one(case_id)
    if case is None:
        raise HTTPException(404, "No such case.")
    summary = summarise(state.accounts, state.honest, case)
    values = form_values("queue") | team_values(state, case_id)
    return page(request, "queue/panel.html", summary=summary, case=case, **values)


@router.get("/queue.csv")
def queue_csv(request: Request, tab: str = "suspected") -> Response:
    """Export a list; what a blind review must not see is left empty."""
    if tab not in TABS:
        raise HTTPException(404, f"The queue has the lists {', '.join(TABS)}.")
    cases = state_of(request).cases.queue(tab, MAX_EXPORT_ROWS)
    rows = ([None if c.is_hidden and name in BLIND_COLUMNS else getattr(c, name) for name in COLUMNS] for c in cases)
    return csv_file(to_csv(COLUMNS, rows), f"playproof-{tab}.csv")
