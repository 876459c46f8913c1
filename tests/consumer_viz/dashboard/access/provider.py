"""A small OpenID Connect provider on loopback: real requests, real tokens; a test may spoil what it sends."""

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID = "desk"
KEY = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})


@dataclass
class Provider:
    """What it says of the person who signs in; `spoil` changes the claims before they are signed with `key`."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"preferred_username": "ana", "groups": ["fraud"]})
    key: RSAKey = field(default_factory=lambda: KEY)
    spoil: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    describes: dict[str, Any] = field(default_factory=dict)
    begun: dict[str, dict[str, str]] = field(default_factory=dict)
    sends_id_token: bool = True

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.describe),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", lambda _: JSONResponse({"keys": [KEY.as_dict(private=False)]})),
            ]
        )

    async def describe(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            }
            | self.describes
        )  # fmt: skip

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        code = f"code{len(self.begun)}"
        self.begun[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    async def token(self, request: Request) -> Response:
        form = await request.form()
        asked = self.begun.pop(str(form["code"]), None)
        if asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest()).rstrip(b"=")
        if challenge.decode() != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "1", "aud": CLIENT_ID, "iat": now, "exp": now + 300,
                  "nonce": asked["nonce"]} | self.claims  # fmt: skip
        token = {"access_token": "t", "token_type": "Bearer"}
        if self.sends_id_token:
            token["id_token"] = jwt.encode({"alg": "RS256", "kid": "one"}, self.spoil(claims), self.key)
        return JSONResponse(token)


@contextmanager
def running() -> Iterator[Provider]:
    """Serve a provider on a free port of loopback."""
    provider = Provider()
    server = uvicorn.Server(uvicorn.Config(provider.app(), log_level="error", timeout_graceful_shutdown=1, ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as door:
        provider.issuer = f"http://127.0.0.1:{door.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield provider
        finally:
            server.should_exit = True
            thread.join(20)
