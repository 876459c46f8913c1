"""One account, explained to a person who must answer for the decision."""

from datetime import UTC, datetime

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from consumer_viz.dashboard.case.casefile import Casefile, gather
from consumer_viz.dashboard.case.export import pack
from consumer_viz.dashboard.layout.render import desk_of, page
from consumer_viz.dashboard.verdicts.routes import form_values

router = APIRouter()


def _file(request: Request, case_id: str) -> Casefile:
    desk = desk_of(request)
    case = desk.cases.one(case_id)
    if case is None:
        raise HTTPException(404, "No such case: it may belong to an earlier version of this world.")
    return gather(desk, case)


@router.get("/cases/{case_id}")
def show(request: Request, case_id: str) -> Response:
    """Show the whole case."""
    file = _file(request, case_id)
    audit = desk_of(request).store.audit(case_id)
    values = form_values("case") | {"file": file, "summary": file.summary, "case": file.summary.case}
    return page(request, "case/case.html", audit=audit, **values)


@router.get("/cases/{case_id}/pack.zip")
def evidence(request: Request, case_id: str) -> Response:
    """Hand out the evidence pack. A blind case has one once it is decided."""
    file = _file(request, case_id)
    if file.summary.case.is_hidden:
        raise HTTPException(409, "This case is reviewed without its score: the pack is there once it is decided.")
    content = pack(desk_of(request), file, request.state.viewer.name, datetime.now(UTC))
    headers = {"content-disposition": f'attachment; filename="playproof-{file.summary.case.case_id}.zip"'}
    return Response(content, media_type="application/zip", headers=headers)


@router.get("/find")
def find(request: Request, account: str = "") -> Response:
    """Lead from an account's id to its case."""
    found = desk_of(request).cases.of_account(account.strip())
    if found is None:
        raise HTTPException(404, "No session of this account has been scored.")
    return RedirectResponse(f"/cases/{found}", 303)
