"""The application: routes, static files, the guard before them, the ticking hub behind them."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as RawHTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from consumer_viz.dashboard.access.middleware import Guard
from consumer_viz.dashboard.access.routes import router as access_router
from consumer_viz.dashboard.access.sign_in import check_csrf
from consumer_viz.dashboard.case.routes import router as case_router
from consumer_viz.dashboard.events.event_stream import Hub
from consumer_viz.dashboard.events.routes import router as events_router
from consumer_viz.dashboard.health.routes import router as health_router
from consumer_viz.dashboard.layout.render import FOLDER, page
from consumer_viz.dashboard.live.routes import router as live_router
from consumer_viz.dashboard.models.routes import router as models_router
from consumer_viz.dashboard.quality.routes import router as quality_router
from consumer_viz.dashboard.queue.routes import router as queue_router
from consumer_viz.dashboard.state import Desk
from consumer_viz.dashboard.verdicts.routes import router as verdicts_router

ROUTERS = (
    access_router,
    events_router,
    queue_router,
    case_router,
    verdicts_router,
    live_router,
    quality_router,
    models_router,
    health_router,
)


SERVED = frozenset({".css", ".js", ".svg"})
"""Endings of the files that a browser may ask for; a page's Python and templates lie next to them."""


class _PageFiles(StaticFiles):
    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        return super().lookup_path(path) if Path(path).suffix in SERVED else ("", None)


def create_app(desk: Desk, cookie: str = "playproof") -> FastAPI:
    """Make the application of one desk; the desk is started and stopped by whoever made it."""
    hub = Hub(desk)

    @asynccontextmanager
    async def tick(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(hub.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    app = FastAPI(
        title="Playproof", lifespan=tick, docs_url=None, redoc_url=None, openapi_url=None,
        dependencies=[Depends(check_csrf)],
    )  # fmt: skip
    app.state.desk, app.state.hub = desk, hub
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", _PageFiles(directory=FOLDER))
    app.add_middleware(Guard, door=desk.door, cookie=cookie)
    app.add_exception_handler(RawHTTPException, _refusal)
    app.add_exception_handler(RequestValidationError, _refusal)
    app.add_exception_handler(Exception, _fault)
    return app


async def _refusal(request: Request, error: Exception) -> Response:
    """Say what went wrong on a page of ours."""
    if isinstance(error, HTTPException | RawHTTPException):
        status, words = error.status_code, str(error.detail)
    else:
        status, words = 422, "The address or the form is not one of these pages'."
    return page(request, "layout/error.html", status, words=words, code=status)


async def _fault(request: Request, error: Exception) -> Response:
    """Say that the fault is ours; the server prints its trace."""
    words = "This page has a fault. What went wrong stands in the terminal of playproof desk; the other pages go on."
    return page(request, "layout/error.html", 500, words=words, code=500)
