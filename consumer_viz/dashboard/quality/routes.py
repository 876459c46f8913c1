"""How good the flags are, by the verdicts of analysts."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from consumer_viz.dashboard.decisions.handling import handle_times
from consumer_viz.dashboard.decisions.rates import latest_verdicts
from consumer_viz.dashboard.layout.render import page, state_of
from consumer_viz.dashboard.quality import figures

router = APIRouter()


@router.get("/quality")
def show(request: Request) -> Response:
    """Show precision by model and reason, agreement, the blind share, and what the random sample showed."""
    state = state_of(request)
    decisions = state.store.all()
    decided = latest_verdicts(decisions)
    with state.store.reading() as db:
        times = handle_times(db)
        held = {row[0] for row in db.execute("select distinct case_id from actions where cause = 'threshold'")}
    return page(
        request, "quality/quality.html", decided=decided, by_model=figures.by_model(decided),
        by_reason=figures.by_reason(state.index, decided), by_draw=figures.by_draw(decided),
        missed=figures.missed_accounts(decided), agreement=figures.agreement(decisions),
        by_code=figures.by_code(decided), outcomes={row["verdict"]: row for row in state.cases.outcomes()},
        unsent=len(state.store.unsent()), unsent_actions=len(state.store.unsent_actions()),
        held_automatically=len(held), automatic=figures.automatic_holds(decided, held),
        second=figures.second_reviews(decisions), handle_times=times,
    )  # fmt: skip
