"""Checks that every request passes first: host, size, origin, token or cookie; and the headers of every answer.

The headers allow our own files only: no script, style or picture of another site.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
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


class AccessMiddleware:
    """ASGI middleware before every route. It lets a request pass or answers it, and adds the headers."""

    def __init__(
        self, app: ASGIApp, sign_in: SignIn, open_paths: Collection[str] = (), public_address: str = ""
    ) -> None:
        """`open_paths`: answered before anybody signed in. `public_address`: under which a proxy serves the pages."""
        self._app, self._sign_in, self._open_paths = app, sign_in, open_paths
        public = urlsplit(public_address)
        self._public_host, self._public_origin = public.netloc, f"{public.scheme}://{public.netloc}"

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
        is_public = bool(self._public_host) and host == self._public_host
        if name not in HOSTS and not is_public:
            return PlainTextResponse("This page answers on 127.0.0.1 only.", 421)
        if request.method == "POST":
            size = request.headers.get("content-length", "")
            if not size.isdigit() or int(size) > MAX_FORM_BYTES:
                return PlainTextResponse(f"A form may have {MAX_FORM_BYTES // 1024} KB.", 413)
            origin = request.headers.get("origin")
            ours = (self._public_origin,) if is_public else (f"http://{host}", f"https://{host}")
            if origin is not None and origin not in ours:
                return PlainTextResponse("A form of another site is not accepted.", 403)
        return None

    def _authenticate(self, request: Request) -> ASGIApp | None:
        """Put the request's login into its state; return the answer where it has none."""
        path = request.url.path
        if path.startswith("/static/") or path in self._open_paths:
            return None
        admitted = self._sign_in.admit(request)
        if isinstance(admitted, Response):
            return admitted
        request.scope.setdefault("state", {})["login"] = admitted
        return None
