"""Checks that every request passes first: host, size, origin, token or cookie; and the headers of every answer.

The headers allow our own files only: no script, style or picture of another site.
"""

from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumer_viz.dashboard.access.sign_in import SignIn

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer a plain form would send the origin null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Allowed names in a request's Host. Another name means that somebody made it point to this machine."""
MAX_FORM_BYTES = 64 * 1024
NEEDS_TOKEN = (
    "This address needs its token: open the whole line that  playproof desk  printed (it ends in ?token=…).\n"
    "The token changes at every start."
)


class AccessMiddleware:
    """ASGI middleware before every route. It lets a request pass or answers it, and adds the headers."""

    def __init__(self, app: ASGIApp, sign_in: SignIn, cookie: str) -> None:
        self._app, self._sign_in, self._cookie = app, sign_in, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        request = Request(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["cache-control"] = "max-age=3600" if request.url.path.startswith("/static/") else "no-store"
            await send(message)

        answer = self._refuse(request) or self._authenticate(request)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _refuse(self, request: Request) -> ASGIApp | None:
        """Return the refusal of a request that no browser of ours would send; None for all others."""
        host = request.headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name not in HOSTS:
            return PlainTextResponse("This page answers on 127.0.0.1 only.", 421)
        if request.method == "POST":
            size = request.headers.get("content-length", "")
            if not size.isdigit() or int(size) > MAX_FORM_BYTES:
                return PlainTextResponse(f"A form may have {MAX_FORM_BYTES // 1024} KB.", 413)
            origin = request.headers.get("origin")
            if origin not in (None, f"http://{host}", f"https://{host}"):
                return PlainTextResponse("A form of another site is not accepted.", 403)
        return None

    def _authenticate(self, request: Request) -> ASGIApp | None:
        """Put the request's login into its state; return the answer where it has none, or where it brings the token."""
        if request.url.path.startswith("/static/"):
            return None
        login = self._sign_in.login(request.cookies.get(self._cookie))
        token = request.query_params.get("token")
        if token is not None and request.method == "GET":
            cookie = self._sign_in.new_cookie(token) if login is None else None
            if login is None and cookie is None:
                return PlainTextResponse(NEEDS_TOKEN, 403)
            rest = urlencode([(k, v) for k, v in request.query_params.multi_items() if k != "token"])
            # an address that begins with two strokes would lead to another site
            path = "/" + request.url.path.lstrip("/\\")
            answer = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
            if cookie:
                answer.set_cookie(self._cookie, cookie, httponly=True, secure=True, samesite="strict")
            return answer
        if login is None:
            return PlainTextResponse(NEEDS_TOKEN, 403)
        request.scope.setdefault("state", {})["login"] = login
        return None
