"""The web application: routes, static files, the checks before them, the event stream."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from consumer_viz.dashboard.access.middleware import AccessMiddleware
from consumer_viz.dashboard.access.rights import check_right
from consumer_viz.dashboard.access.routes import router as access_router
from consumer_viz.dashboard.access.sign_in import check_csrf
from consumer_viz.dashboard.case.routes import router as case_router
from consumer_viz.dashboard.events.event_stream import EventStream
from consumer_viz.dashboard.events.routes import router as events_router
from consumer_viz.dashboard.find.routes import router as find_router
from consumer_viz.dashboard.health.routes import router as health_router
from consumer_viz.dashboard.layout.render import PAGES_FOLDER, page
from consumer_viz.dashboard.live.routes import router as live_router
from consumer_viz.dashboard.models.routes import router as models_router
from consumer_viz.dashboard.music.routes import router as music_router
from consumer_viz.dashboard.quality.routes import router as quality_router
from consumer_viz.dashboard.queue.routes import router as queue_router
from consumer_viz.dashboard.rings.routes import router as rings_router
from consumer_viz.dashboard.rules.routes import router as rules_router
from consumer_viz.dashboard.state import AppState
from consumer_viz.dashboard.team.routes import router as team_router
from consumer_viz.dashboard.verdicts.routes import router as verdicts_router

ROUTERS = (
    access_router,
    events_router,
    queue_router,
    case_router,
    find_router,
    music_router,
    rings_router,
    verdicts_router,
    team_router,
    live_router,
    quality_router,
    rules_router,
    models_router,
    health_router,
)
STATIC_ENDINGS = frozenset({".css", ".js", ".svg"})
"""Files that a browser may ask for; the Python files and templates of a page are in the same folder."""


class _PageFiles(StaticFiles):
    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        return super().lookup_path(path) if Path(path).suffix in STATIC_ENDINGS else ("", None)


def create_app(state: AppState, public_address: str = "") -> FastAPI:
    """Make the application of one world. The caller starts and stops the state.

    `public_address`: under which a reverse proxy serves the pages.
    """
    event_stream = EventStream(state)

    @asynccontextmanager
    async def send_events(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(event_stream.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    app = FastAPI(
        title="Playproof", lifespan=send_events, docs_url=None, redoc_url=None, openapi_url=None,
        dependencies=[Depends(check_right), Depends(check_csrf)],
    )  # fmt: skip
    app.state.shared, app.state.event_stream = state, event_stream
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(state.sign_in.router())
    app.mount("/static", _PageFiles(directory=PAGES_FOLDER))
    app.add_middleware(
        AccessMiddleware,
        sign_in=state.sign_in,
        open_paths=state.sign_in.open_paths,
        public_address=public_address,
    )
    app.add_exception_handler(StarletteHTTPException, _show_refusal)
    app.add_exception_handler(RequestValidationError, _show_refusal)
    for fault in (sqlite3.OperationalError, Exception):
        app.add_exception_handler(fault, _show_fault)
    return app


async def _show_refusal(request: Request, error: Exception) -> Response:
    """Show what was wrong with a request."""
    if isinstance(error, HTTPException | StarletteHTTPException):
        status, message = error.status_code, str(error.detail)
    else:
        status, message = 422, "The address or the form does not belong to these pages."
    return _error_page(request, status, message)


async def _show_fault(request: Request, error: Exception) -> Response:
    """Show that the fault is ours; the server prints its trace."""
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return _error_page(
            request, 503, "Another program is writing the verdicts just now. Nothing was saved: try again."
        )
    message = "This page has a fault. The terminal of playproof desk shows the error; the other pages still work."
    return _error_page(request, 500, message)


def _error_page(request: Request, status: int, message: str) -> Response:
    if not hasattr(request.state, "login"):  # a file under /static/ is answered before anybody signs in
        return PlainTextResponse(message, status)
    return page(request, "layout/error.html", status, message=message, code=status)
