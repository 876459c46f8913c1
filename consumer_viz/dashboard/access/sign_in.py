"""Sign in: an address with a token once, then a cookie; a CSRF token in every form.

The token is made at every start and printed with the address, as Jupyter does. An analyst's name is what they enter:
whoever can read the address is trusted, because the pages are served on this machine's loopback only.
"""

import secrets
import threading
from dataclasses import dataclass, field

from fastapi import HTTPException, Request

MAX_FIELDS = 2000
"""Of a form: one with all members of a ring ticked has over a thousand."""


@dataclass
class Login:
    """One browser that came with the token. `name` signs its decisions, `csrf` is in its forms."""

    name: str
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class SignIn:
    """Holds the token and the logins that were made with it."""

    def __init__(self, default_name: str, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._default_name = default_name
        self._logins: dict[str, Login] = {}
        self._lock = threading.Lock()

    def new_cookie(self, token: str) -> str | None:
        """Return the value of a new login's cookie; None for a wrong token."""
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return None
        cookie = secrets.token_urlsafe(24)
        with self._lock:
            self._logins[cookie] = Login(self._default_name)
        return cookie

    def login(self, cookie: str | None) -> Login | None:
        """Return the login that a cookie belongs to."""
        return self._logins.get(cookie) if cookie else None


async def check_csrf(request: Request) -> None:
    """Refuse a POST whose form lacks its login's CSRF token: a dependency of every route. Raises HTTPException."""
    if request.method in ("GET", "HEAD"):
        return
    form = await request.form(max_fields=MAX_FIELDS)
    token, login = form.get("csrf"), request.state.login
    if not isinstance(token, str) or not secrets.compare_digest(token.encode(), login.csrf.encode()):
        raise HTTPException(403, "The form is too old or not ours: reload the page and try again.")
