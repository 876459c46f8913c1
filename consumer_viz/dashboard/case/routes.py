"""One account, explained to a person who must answer for the decision."""

from datetime import UTC, datetime

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from consumer_viz.dashboard.case.casefile import CaseFile, build_casefile
from consumer_viz.dashboard.case.export import export_case
from consumer_viz.dashboard.evidence.references import reference_of
from consumer_viz.dashboard.layout.render import page, state_of
from consumer_viz.dashboard.team.routes import team_values
from consumer_viz.dashboard.verdicts.routes import form_values

router = APIRouter()


def _casefile(request: Request, case_id: str) -> CaseFile:
    state = state_of(request)
    case = state.cases.one(case_id)
    if case is None:
        raise HTTPException(404, "No such case: it may belong to an earlier version of this world.")
    return build_casefile(state, case)


@router.get("/cases/{case_id}")
def show(request: Request, case_id: str) -> Response:
    """Show the whole case."""
    file = _casefile(request, case_id)
    store = state_of(request).store
    attempts, actions = store.attempts(case_id), store.actions(case_id)
    values = (
        form_values("case")
        | team_values(state_of(request), case_id)
        | {"file": file, "summary": file.summary, "case": file.summary.case}
    )
    return page(request, "case/case.html", attempts=attempts, actions=actions, **values)


@router.get("/cases/{case_id}/pack.zip")
def evidence_pack(request: Request, case_id: str, reader: str = "") -> Response:
    """Export the case as a zip; `reader=artist`: one that names nobody. A blind case has none until it is decided."""
    file = _casefile(request, case_id)
    if file.summary.case.is_hidden:
        raise HTTPException(409, "This case is reviewed without its score. Decide it first, then export it.")
    for_artist = reader == "artist"
    content = export_case(state_of(request), file, request.state.login.name, datetime.now(UTC), for_artist=for_artist)
    reference = reference_of(state_of(request).store, case_id) or "case"
    name = f"playproof-{f'{reference}-for-artist' if for_artist else case_id}.zip"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/zip", headers=headers)
