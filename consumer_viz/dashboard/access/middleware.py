"""What every request passes first: host, size, origin, token or cookie; and the headers of every answer.

The headers allow our own files only: no script, style or picture of another site.
"""

from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumer_viz.dashboard.access.sign_in import Door

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer a plain form says its origin is null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names in a request's Host: another one means that a foreign name was made to point here."""
LARGEST_FORM = 64 * 1024
ASK = (
    "This address needs its token: open the whole line that  playproof desk  printed (it ends in ?token=…).\n"
    "The token changes at every start."
)


class Guard:
    """ASGI middleware before everything: host, size, token or cookie; adds the headers to every answer."""

    def __init__(self, app: ASGIApp, door: Door, cookie: str) -> None:
        self._app, self._door, self._cookie = app, door, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        request = Request(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["cache-control"] = "max-age=3600" if request.url.path.startswith("/static/") else "no-store"
            await send(message)

        refusal = self._refuse(request) or self._admit(request)
        await (refusal or self._app)(scope, receive, with_headers)

    def _refuse(self, request: Request) -> ASGIApp | None:
        host = request.headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name not in HOSTS:
            return PlainTextResponse("This page answers on 127.0.0.1 only.", 421)
        if request.method == "POST":
            size = request.headers.get("content-length", "")
            if not size.isdigit() or int(size) > LARGEST_FORM:
                return PlainTextResponse(f"A form may have {LARGEST_FORM // 1024} KB.", 413)
            origin = request.headers.get("origin")
            if origin not in (None, f"http://{host}", f"https://{host}"):
                return PlainTextResponse("A form of another site is not taken.", 403)
        return None

    def _admit(self, request: Request) -> ASGIApp | None:
        if request.url.path.startswith("/static/"):
            return None
        viewer = self._door.viewer(request.cookies.get(self._cookie))
        token = request.query_params.get("token")
        if token is not None and request.method == "GET":
            key = self._door.enter(token) if viewer is None else None
            if viewer is None and key is None:
                return PlainTextResponse(ASK, 403)
            rest = urlencode([(k, v) for k, v in request.query_params.multi_items() if k != "token"])
            answer = RedirectResponse(request.url.path + (f"?{rest}" if rest else ""), 303)
            if key:
                answer.set_cookie(self._cookie, key, httponly=True, secure=True, samesite="strict")
            return answer
        if viewer is None:
            return PlainTextResponse(ASK, 403)
        request.scope.setdefault("state", {})["viewer"] = viewer
        return None
