"""Sign in with OpenID Connect: the provider says who it is, by authorization code with PKCE, state and nonce.

Authlib asks the provider and checks the ID token: signature, issuer, audience, times, nonce. Here is only what is ours:
which name and role it gives, and how long that lasts.
"""

import secrets
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import APIRouter, Request
from joserfc.errors import JoseError
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from consumer_viz.dashboard.access.rights import RoleMap
from consumer_viz.dashboard.access.sign_in import MAX_NAME_CHARS, Login, Logins, own_path

with warnings.catch_warnings():
    import authlib.deprecate  # noqa: F401 - sets a filter of its own, which the next line is to win over

    warnings.simplefilter("ignore")  # it would rather have httpx2, which the locked set lacks
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.starlette_client import OAuth
    from authlib.oidc.core import CodeIDToken

SIGN_IN, CALLBACK = "/sign-in", "/sign-in/callback"
STATE_COOKIE = "playproof_sign_in"
SESSION_S = 8 * 3600
"""Seconds after which a person signs in again, a working day: a role that was taken away ends by then."""
ATTEMPT_S = 600
"""Seconds that a person has to sign in at the provider."""
MAX_ATTEMPTS = 1000
LEEWAY_S = 60
"""Seconds by which the provider's clock may differ from ours."""
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Of signatures: with keys that only the provider has."""
ASK_AGAIN = "\nOpen the pages again to sign in once more."


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """How to reach an OpenID Connect provider, and which of its claims are name and groups."""

    issuer: str
    client_id: str
    client_secret: str
    public_address: str
    """Under which browsers reach the pages; the provider sends them back to it."""
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"


@dataclass
class _Attempt:
    """A sign-in that began: what Authlib keeps between the two requests, and the page that was asked for."""

    back: str
    began_s: float
    session: dict[str, Any] = field(default_factory=dict)


class ProviderSignIn:
    """Admits who signed in at the provider, until SESSION_S later."""

    open_paths: tuple[str, ...] = (SIGN_IN, CALLBACK)

    def __init__(
        self,
        settings: ProviderSettings,
        roles: RoleMap,
        cookie: str = "playproof",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.cookie = cookie
        self._settings, self._roles, self._clock = settings, roles, clock
        self._logins = Logins()
        self._until_s: dict[str, float] = {}
        self._attempts: dict[str, _Attempt] = {}
        oauth = OAuth()
        oauth.register(
            "provider", client_id=settings.client_id, client_secret=settings.client_secret or None,
            server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "trust_env": False},
        )  # fmt: skip
        self._client = oauth.provider

    def admit(self, request: Request) -> Login | Response:
        """Return the login of a request's cookie, or lead to the sign-in."""
        cookie = request.cookies.get(self.cookie)
        login = self._logins.get(cookie)
        if login and cookie and self._until_s[cookie] > self._clock():
            return login
        if request.method == "GET" and request.headers.get("hx-request") is None:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(f"{SIGN_IN}?{httpx.QueryParams(back=own_path(request.url.path) + query)}", 303)
        return PlainTextResponse("Your sign-in has ended. Reload the page to sign in again.", 401)

    async def begin(self, request: Request, back: str) -> Response:
        """Send the browser to the provider."""
        now = self._clock()
        self._attempts = {key: each for key, each in self._attempts.items() if now - each.began_s < ATTEMPT_S}
        if len(self._attempts) >= MAX_ATTEMPTS:
            return PlainTextResponse("Too many people sign in just now: try again in a minute.", 503)
        attempt = _Attempt(own_path(back), now)
        key = secrets.token_urlsafe(24)
        self._attempts[key] = attempt
        request.scope["session"] = attempt.session
        callback = self._settings.public_address.rstrip("/") + CALLBACK
        try:
            await self._check_provider()
            answer: Response = await self._client.authorize_redirect(request, callback)
        except (httpx.HTTPError, ValueError, KeyError, RuntimeError, OAuthError) as error:
            return _unreachable(self._settings.issuer, error)
        # a cookie that comes back with the browser from the provider: strict ones do not
        answer.set_cookie(STATE_COOKIE, key, ATTEMPT_S, path=SIGN_IN, httponly=True, secure=True, samesite="lax")
        return answer

    async def finish(self, request: Request) -> Response:
        """Take the browser back from the provider: check what it brings, give it a cookie of ours."""
        attempt = self._attempts.pop(request.cookies.get(STATE_COOKIE, ""), None)
        if attempt is None or self._clock() - attempt.began_s >= ATTEMPT_S:
            return PlainTextResponse("This sign-in was not begun here, or took too long." + ASK_AGAIN, 403)
        request.scope["session"] = attempt.session
        issuer, client_id = self._settings.issuer, self._settings.client_id
        needed: dict[str, dict[str, Any]] = {
            "iss": {"essential": True, "values": [issuer]}, "aud": {"essential": True, "values": [client_id]},
            "exp": {"essential": True}, "iat": {"essential": True}, "nonce": {"essential": True},
            "sub": {"essential": True},
        }  # fmt: skip
        try:
            await self._check_provider()
            token = await self._client.authorize_access_token(
                request, claims_options=needed, claims_cls=CodeIDToken, leeway=LEEWAY_S
            )
        except (OAuthError, JoseError) as error:
            return PlainTextResponse(f"The provider's answer was not accepted ({_short(error)})." + ASK_AGAIN, 403)
        except (httpx.HTTPError, ValueError, KeyError, RuntimeError) as error:
            return _unreachable(issuer, error)
        claims = token.get("userinfo")
        if not claims:
            return PlainTextResponse("The provider sent no ID token." + ASK_AGAIN, 403)
        return self._welcome(claims, attempt.back)

    async def _check_provider(self) -> None:
        """Read the provider's description; raise ValueError where it is another's.

        Only signatures with keys that the provider alone has are accepted, whatever else it offers.
        """
        described = await self._client.load_server_metadata()
        if described.get("issuer") != self._settings.issuer:
            raise ValueError(f"it calls itself {described.get('issuer')}")
        offered = described.get("id_token_signing_alg_values_supported") or []
        described["id_token_signing_alg_values_supported"] = [a for a in offered if a in ALGORITHMS] or ALGORITHMS[:1]

    def _welcome(self, claims: dict[str, Any], back: str) -> Response:
        name, groups = claims.get(self._settings.name_claim), claims.get(self._settings.groups_claim) or []
        is_name = isinstance(name, str) and 0 < len(name.strip()) <= MAX_NAME_CHARS
        if not is_name:
            claim = self._settings.name_claim
            return PlainTextResponse(f"Your ID token has no claim {claim} of 1 to {MAX_NAME_CHARS} characters.", 403)
        name = " ".join(str(name).split())
        role = self._roles.role(name, [str(group) for group in groups] if isinstance(groups, list) else [])
        if role is None:
            return PlainTextResponse(f"{name} has no role here: PLAYPROOF_ROLES names who has one.", 403)
        now = self._clock()
        ended = [cookie for cookie, until_s in self._until_s.items() if until_s <= now]
        self._logins.remove(ended)
        for cookie in ended:
            del self._until_s[cookie]
        cookie = self._logins.add(Login(name, role=role, is_identified=True))
        self._until_s[cookie] = now + SESSION_S
        answer = RedirectResponse(back, 303)
        answer.set_cookie(self.cookie, cookie, httponly=True, secure=True, samesite="lax")
        answer.delete_cookie(STATE_COOKIE, path=SIGN_IN)
        return answer

    def router(self) -> APIRouter:
        """Return the routes of the sign-in, which answer before anybody has signed in."""
        router = APIRouter()

        @router.get(SIGN_IN)
        async def begin(request: Request, back: str = "/queue") -> Response:
            """Begin to sign in."""
            return await self.begin(request, back)

        @router.get(CALLBACK)
        async def finish(request: Request) -> Response:
            """End the sign-in."""
            return await self.finish(request)

        return router


def _unreachable(issuer: str, error: Exception) -> Response:
    return PlainTextResponse(f"The identity provider {issuer} cannot be used just now ({_short(error)}).", 502)


def _short(error: Exception) -> str:
    """Return what went wrong in one short line, without a token that may be in it."""
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
