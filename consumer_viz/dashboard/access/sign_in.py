"""Sign in with a token: an address with it once, then a cookie; a CSRF token in every form.

The token is made at every start and printed with the address, as Jupyter does. An analyst's name is what they enter:
whoever can read the address is trusted, because the pages are served on this machine's loopback only.
"""

import secrets
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from consumer_viz.dashboard.access.rights import ALL_RIGHTS, LOCAL, ROLES, Right

MAX_NAME_CHARS = 40
MAX_FIELDS = 2000
"""Of a form: one with all members of a ring ticked has over a thousand."""
NEEDS_TOKEN = (
    "This address needs its token: open the whole line that  playproof desk  printed (it ends in ?token=…).\n"
    "The token changes at every start."
)


@dataclass
class Login:
    """One person who signed in. `name` signs their decisions, `csrf` is in their forms."""

    name: str
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    role: str = LOCAL
    is_identified: bool = False
    """Whether a proxy or an identity provider vouches for the name; else it is what the person entered."""

    def may(self, right: Right) -> bool:
        """Say whether the role has a right."""
        return right in (ALL_RIGHTS if self.role == LOCAL else ROLES[self.role])

    @property
    def may_decide(self) -> bool:
        return self.may(Right.DECIDE)

    @property
    def may_review(self) -> bool:
        return self.may(Right.REVIEW)

    @property
    def may_draft_rules(self) -> bool:
        return self.may(Right.DRAFT_RULES)

    @property
    def may_run_rules(self) -> bool:
        return self.may(Right.RUN_RULES)


class SignIn(Protocol):
    """A way to know who asks."""

    open_paths: tuple[str, ...]
    """Paths that answer before anybody signed in."""

    def admit(self, request: Request) -> Login | Response:
        """Return the login of a request, or the answer where it has none."""
        ...

    def router(self) -> APIRouter:
        """Return the routes of the sign-in itself."""
        ...


class Logins:
    """Logins by the random value of their cookie."""

    def __init__(self) -> None:
        self._logins: dict[str, Login] = {}
        self._lock = threading.Lock()

    def add(self, login: Login) -> str:
        """Keep a login; return the value of its cookie."""
        cookie = secrets.token_urlsafe(24)
        with self._lock:
            self._logins[cookie] = login
        return cookie

    def get(self, cookie: str | None) -> Login | None:
        """Return the login that a cookie belongs to."""
        return self._logins.get(cookie) if cookie else None

    def remove(self, cookies: Collection[str]) -> None:
        """Forget logins."""
        with self._lock:
            for cookie in cookies:
                self._logins.pop(cookie, None)


class TokenSignIn:
    """Admits whoever brings the token, and gives them a cookie."""

    open_paths: tuple[str, ...] = ()

    def __init__(self, default_name: str, token: str | None = None, cookie: str = "playproof") -> None:
        self.token = token or secrets.token_urlsafe(24)
        self.cookie = cookie
        self._default_name = default_name
        self._logins = Logins()

    def admit(self, request: Request) -> Login | Response:
        """Return the login of a request's cookie; a token in the address becomes a cookie."""
        login = self._logins.get(request.cookies.get(self.cookie))
        token = request.query_params.get("token")
        if token is None or request.method != "GET":
            return login or PlainTextResponse(NEEDS_TOKEN, 403)
        is_right = login is not None or secrets.compare_digest(token.encode(), self.token.encode())
        if not is_right:
            return PlainTextResponse(NEEDS_TOKEN, 403)
        rest = urlencode([(k, v) for k, v in request.query_params.multi_items() if k != "token"])
        answer = RedirectResponse(own_path(request.url.path) + (f"?{rest}" if rest else ""), 303)
        if login is None:
            cookie = self._logins.add(Login(self._default_name))
            answer.set_cookie(self.cookie, cookie, httponly=True, secure=True, samesite="strict")
        return answer

    def router(self) -> APIRouter:
        """Return no route: every address takes the token."""
        return APIRouter()


def own_path(path: str) -> str:
    """Return a path of these pages: one that begins with two strokes would lead to another site.

    >>> own_path("//evil.example"), own_path("/queue")
    ('/evil.example', '/queue')
    """
    return "/" + path.lstrip("/\\")


async def check_csrf(request: Request) -> None:
    """Refuse a POST whose form lacks its login's CSRF token: a dependency of every route. Raises HTTPException."""
    if request.method in ("GET", "HEAD"):
        return
    form = await request.form(max_fields=MAX_FIELDS)
    token, login = form.get("csrf"), request.state.login
    if not isinstance(token, str) or not secrets.compare_digest(token.encode(), login.csrf.encode()):
        raise HTTPException(403, "The form is too old or not ours: reload the page and try again.")
