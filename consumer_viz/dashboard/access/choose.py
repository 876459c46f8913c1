"""Choose how people sign in, by the settings."""

from urllib.parse import urlsplit

from consumer_viz.dashboard.access.proxy import ProxySignIn
from consumer_viz.dashboard.access.rights import RoleMap
from consumer_viz.dashboard.access.sign_in import SignIn, TokenSignIn
from runtime.desk.addresses import is_https_or_loopback
from runtime.settings import SettingError, Settings

TOKEN, HEADER, OIDC = "token", "header", "oidc"
_NEEDED = {
    HEADER: ("public_address", "proxy_secret", "roles"),
    OIDC: ("public_address", "oidc_issuer", "oidc_client_id", "roles"),
}
MIN_SECRET_CHARS = 16


def choose_sign_in(settings: Settings, default_name: str, cookie: str) -> SignIn:
    """Return the way to sign in that is set, a token by default. Raises SettingError, RoleSettingError."""
    if settings.sign_in == TOKEN:
        return TokenSignIn(default_name, cookie=cookie)
    _check(settings)
    roles = RoleMap.parse(settings.roles)
    if settings.sign_in == HEADER:
        return ProxySignIn(settings.proxy_secret, settings.identity_header, settings.groups_header, roles)
    from consumer_viz.dashboard.access.provider import ProviderSettings, ProviderSignIn

    provider = ProviderSettings(
        settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret.get_secret_value(),
        settings.public_address, settings.oidc_name_claim, settings.oidc_groups_claim,
    )  # fmt: skip
    return ProviderSignIn(provider, roles, cookie)


def _check(settings: Settings) -> None:
    kind = settings.sign_in
    secret = settings.proxy_secret.get_secret_value()
    missing = [name for name in _NEEDED[kind] if not (secret if name == "proxy_secret" else getattr(settings, name))]
    if missing:
        names = " and ".join(f"PLAYPROOF_{name.upper()}" for name in missing)
        raise SettingError(f"PLAYPROOF_SIGN_IN={kind} needs {names}: docs/sign-in.md shows a whole example")
    if kind == HEADER and len(secret) < MIN_SECRET_CHARS:
        raise SettingError(
            f"PLAYPROOF_PROXY_SECRET has under {MIN_SECRET_CHARS} characters: make one with  openssl rand -hex 32"
        )
    for name in ("public_address", "oidc_issuer") if kind == OIDC else ("public_address",):
        address = getattr(settings, name)
        if not is_https_or_loopback(address):
            raise SettingError(
                f"PLAYPROOF_{name.upper()}: {address!r} is neither https:// nor on this machine's loopback"
            )
    if urlsplit(settings.public_address).path.strip("/"):
        raise SettingError("PLAYPROOF_PUBLIC_ADDRESS has a path: the pages need an address of their own")
