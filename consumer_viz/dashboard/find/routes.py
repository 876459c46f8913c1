"""Search: one box for everything, a page of what was found, the accounts of a device or an address."""

from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from consumer_viz.dashboard.evidence.references import case_of_reference
from consumer_viz.dashboard.index.search import KINDS, MAX_CHARS
from consumer_viz.dashboard.layout.render import page, state_of

router = APIRouter()


@router.get("/find")
def find(request: Request, q: str = "", kind: str = "") -> Response:
    """Show what was found; the only account with exactly this id is opened at once."""
    state, text = state_of(request), q.strip()[:MAX_CHARS]
    kind = kind if kind in KINDS else ""
    case_id = state.cases.of_account(text) or case_of_reference(state.store, text)
    if case_id and not kind:
        return RedirectResponse(f"/cases/{case_id}", 303)
    hits = state.search.find(text, kind) if text else []
    of_accounts = [row["id"] for part in hits if part.kind == "accounts" for row in part.rows]
    cases = state.catalogue.case_ids(of_accounts)
    links = {(part.kind, row["id"]): _address(cases, part.kind, row["id"]) for part in hits for row in part.rows}
    titles = {name: title for name, (title, _, _) in KINDS.items()}
    return page(
        request, "find/results.html", hits=hits, q=text, kind=kind, links=links, sizes=state.search.sizes(),
        titles=titles,
    )  # fmt: skip


def _address(cases: dict[str, str], kind: str, entity: str) -> str:
    """Return the address of a hit's page; empty for an account of which nothing is scored."""
    if kind == "accounts":
        return f"/cases/{cases[entity]}" if entity in cases else ""
    if kind == "rings":
        return f"/rings/{entity}"
    if kind in ("devices", "addresses"):
        return f"/find/accounts?{urlencode({'kind': kind, 'id': entity})}"
    return f"/music/{kind}?{urlencode({'id': entity})}"


@router.get("/find/accounts")
def accounts(request: Request, kind: str = "", id: str = "") -> Response:
    """Show the accounts that used a device or an address."""
    if kind not in ("devices", "addresses"):
        raise HTTPException(404, "Accounts are listed of devices and of addresses.")
    cases = state_of(request).search.accounts_of(kind, id)
    return page(request, "find/accounts.html", cases=cases, kind=kind, entity=id)
