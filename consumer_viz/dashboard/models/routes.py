"""Which model flags, which one scores in its shadow, how they were judged before, and how they fare here."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from consumer_viz.dashboard.decisions.rates import standing
from consumer_viz.dashboard.layout.render import desk_of, page
from consumer_viz.dashboard.models.shadow import beside
from consumer_viz.dashboard.models.shipped import in_charge
from models.errors import ModelError
from models.registry.roles import FOLDER, Registry
from runtime.progress import noted_job, noted_shadow

router = APIRouter()


@router.get("/models")
def show(request: Request) -> Response:
    """Show champion and challenger: their figures, the scores of this world, and where the two differ in it."""
    desk = desk_of(request)
    registry = Registry(desk.world.root.parent / FOLDER)
    with desk.index.read() as db:
        rows = db.execute(
            "select min(9, cast(score * 10 as integer)) as tenth, sum(is_flagged), count(*) from sessions group by 1"
        ).fetchall()
        versions = db.execute(
            "select model_version, count(*), sum(is_flagged), max(scored_at) from sessions group by 1 order by 4 desc"
        ).fetchall()
        trouble, models, challenger = "", [], None
        try:
            models, challenger = in_charge(registry), registry.roles().challenger
        except ModelError as error:
            trouble = str(error)
        pair = None
        if challenger and versions:
            pair = beside(db, versions[0][0], challenger.version, standing(desk.store.all()))
    tenths = {int(row[0]): (int(row[1]), int(row[2])) for row in rows}
    return page(
        request, "models/models.html", models=models, versions=[tuple(row) for row in versions], trouble=trouble,
        tenths=[(n / 10, *tenths.get(n, (0, 0))) for n in range(10)], job=noted_job(desk.world.unit),
        challenger=challenger, pair=pair, shadow=noted_shadow(desk.world.unit),
    )  # fmt: skip
