"""Settings of the analyst's pages: who signs in how, money that needs two people, holds of streams."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class DeskSettings(BaseSettings):
    """What the owner of the analyst's pages may set."""

    second_review_eur: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Euros at risk from which a confirmed case or ring needs a second person; None: no case does."""
    hold_days: int = Field(default=90, ge=1, le=3660)
    """Days after which the hold of a confirmed case's streams ends by itself."""
    auto_hold_score: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    """Score from which a flagged session's streams are held before anybody decided; None: none are."""
    auto_hold_days: int = Field(default=14, ge=1, le=3660)
    """Days after which an automatic hold ends by itself."""
    auto_review_share: float = Field(default=0.05, ge=0, le=1, allow_inf_nan=False)
    """Share of the automatically held accounts that are reviewed without their score."""
    webhook_url: str = ""
    """Address that gets each action, https or on loopback; empty: none."""
    webhook_secret: SecretStr = SecretStr("")
    """Key of the webhook's signatures; never shown."""
    sign_in: Literal["token", "header", "oidc"] = "token"
    """How people sign in: with the printed token, by a reverse proxy's header, or at an OpenID Connect provider."""
    public_address: str = ""
    """Address under which browsers reach the pages, through a reverse proxy."""
    roles: str = ""
    """Who has which role: `name=role; @group=role; *=role`."""
    proxy_secret: SecretStr = SecretStr("")
    """What the reverse proxy sends with each request; never shown."""
    identity_header: str = Field(default="X-Forwarded-User", min_length=1)
    """Header in which the reverse proxy names the person."""
    groups_header: str = Field(default="X-Forwarded-Groups", min_length=1)
    """Header in which it names their groups, with commas between."""
    oidc_issuer: str = ""
    """Issuer of the OpenID Connect provider."""
    oidc_client_id: str = ""
    """Our client id at the provider."""
    oidc_client_secret: SecretStr = SecretStr("")
    """Our client secret at the provider; empty for a public client; never shown."""
    oidc_name_claim: str = Field(default="preferred_username", min_length=1)
    """Claim of the ID token that signs decisions."""
    oidc_groups_claim: str = Field(default="groups", min_length=1)
    """Claim of the ID token with the person's groups."""


EXPECTED = {
    "second_review_eur": "is no sum of euros, 0 or more",
    "hold_days": "is no whole number of days (1–3660)",
    "auto_hold_score": "is no score over 0 and up to 1",
    "auto_hold_days": "is no whole number of days (1–3660)",
    "auto_review_share": "is no share from 0 to 1",
    "sign_in": "is none of token, header, oidc",
}
"""What a value that cannot be used should be."""
