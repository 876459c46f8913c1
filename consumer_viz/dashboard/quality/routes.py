"""What verdicts say of the flags."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from consumer_viz.dashboard.decisions.rates import standing
from consumer_viz.dashboard.layout.render import desk_of, page
from consumer_viz.dashboard.quality import figures

router = APIRouter()


@router.get("/quality")
def show(request: Request) -> Response:
    """Show precision by model and reason, agreement, the blind share, and what the random sample found."""
    desk = desk_of(request)
    decisions = desk.store.all()
    decided = standing(decisions)
    return page(
        request, "quality/quality.html", decided=decided, by_model=figures.by_model(decided),
        by_reason=figures.by_reason(desk, decided), by_draw=figures.by_draw(decided), missed=figures.missed(decided),
        agreement=figures.agreement(decisions), by_code=figures.by_code(decided),
        outcome={line["verdict"]: line for line in desk.cases.outcome()}, unsent=len(desk.store.unsent()),
    )  # fmt: skip
