"""Who may ask: a tokened address once, then a cookie; a CSRF token in every form.

The token is made at every start and printed with the address, as Jupyter does. The name of an analyst is what they
say it is: whoever can read the address is trusted, on this machine's loopback.
"""

import secrets
import threading
from dataclasses import dataclass, field

from fastapi import HTTPException, Request


@dataclass
class Viewer:
    """One browser that came with the token."""

    name: str
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class Door:
    """Knows the token and who came in with it."""

    def __init__(self, default_name: str, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._default_name = default_name
        self._viewers: dict[str, Viewer] = {}
        self._lock = threading.Lock()

    def enter(self, token: str) -> str | None:
        """Return a new cookie's value for the right token."""
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return None
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._viewers[key] = Viewer(self._default_name)
        return key

    def viewer(self, key: str | None) -> Viewer | None:
        """Return who holds a cookie."""
        return self._viewers.get(key) if key else None


async def check_csrf(request: Request) -> None:
    """Refuse a POST whose form does not carry its viewer's token. A dependency of every route."""
    if request.method in ("GET", "HEAD"):
        return
    form = await request.form()
    given, viewer = form.get("csrf"), request.state.viewer
    if not isinstance(given, str) or not secrets.compare_digest(given.encode(), viewer.csrf.encode()):
        raise HTTPException(403, "The form is stale or not ours: reload the page and try again.")
