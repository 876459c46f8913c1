"""Which model flags, how it was judged before it shipped, and what its scores look like here."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from consumer_viz.dashboard.render import desk_of, page
from consumer_viz.dashboard.shipped import shipped
from contracts.progress import noted_job

router = APIRouter()


@router.get("/models")
def show(request: Request) -> Response:
    """Show the shipped model's figures and the scores of this world."""
    desk = desk_of(request)
    with desk.index.read() as db:
        rows = db.execute(
            "select min(9, cast(score * 10 as integer)) as tenth, sum(is_flagged), count(*) from sessions group by 1"
        ).fetchall()
        versions = db.execute(
            "select model_version, count(*), sum(is_flagged), max(scored_at) from sessions group by 1 order by 4 desc"
        ).fetchall()
    tenths = {int(row[0]): (int(row[1]), int(row[2])) for row in rows}
    return page(
        request, "models.html", models=shipped(), versions=[tuple(row) for row in versions],
        tenths=[(n / 10, *tenths.get(n, (0, 0))) for n in range(10)], job=noted_job(desk.world.unit),
    )  # fmt: skip
