"""Sign in by a reverse proxy's headers: it knows who asks, and shows by a secret that the request came through it.

The pages are served on loopback, where any user of the machine can reach them. So the proxy's address proves nothing:
only who knows the secret may name a person.
"""

import secrets
import threading

from fastapi import APIRouter, Request
from pydantic import SecretStr
from starlette.responses import PlainTextResponse, Response

from consumer_viz.dashboard.access.rights import RoleMap
from consumer_viz.dashboard.access.sign_in import MAX_NAME_CHARS, Login

SECRET_HEADER = "X-Playproof-Proxy-Secret"
ONLY_BY_PROXY = (
    "These pages are reached through their reverse proxy only: open its address. If you see this there, the proxy does "
    "not send the secret or one name (docs/sign-in.md)."
)


class ProxySignIn:
    """Admits whom the proxy names, with the role of their name or groups."""

    open_paths: tuple[str, ...] = ()

    def __init__(self, secret: SecretStr, name_header: str, groups_header: str, roles: RoleMap) -> None:
        self._secret = secret.get_secret_value().encode()
        self._name_header, self._groups_header, self._roles = name_header, groups_header, roles
        self._logins: dict[str, Login] = {}
        self._lock = threading.Lock()

    def admit(self, request: Request) -> Login | Response:
        """Return the login of the person whom the proxy names."""
        sent = request.headers.getlist(SECRET_HEADER)
        names = [" ".join(_text(name).split()) for name in request.headers.getlist(self._name_header)]
        is_ours = len(sent) == 1 and secrets.compare_digest(sent[0].encode(), self._secret)
        # two names: one of them is what the browser sent, and the proxy did not take it away
        if not is_ours or len(names) != 1 or not names[0] or len(names[0]) > MAX_NAME_CHARS:
            return PlainTextResponse(ONLY_BY_PROXY, 403)
        sent_groups = map(_text, request.headers.getlist(self._groups_header))
        groups = [group.strip() for text in sent_groups for group in text.split(",")]
        role = self._roles.role(names[0], groups)
        if role is None:
            return PlainTextResponse(f"{names[0]} has no role here: PLAYPROOF_ROLES names who has one.", 403)
        with self._lock:
            login = self._logins.get(names[0])
            if login is None or login.role != role:
                login = Login(names[0], role=role, is_identified=True)
                self._logins[names[0]] = login
        return login

    def router(self) -> APIRouter:
        """Return no route: people sign in at the proxy."""
        return APIRouter()


def _text(header: str) -> str:
    """Read a header as UTF-8, which proxies send names in; it comes as Latin-1, and stays so where it is no UTF-8.

    >>> _text("Zo\\u00c3\\u00ab"), _text("Zo\\u00eb")
    ('Zoë', 'Zoë')
    """
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
