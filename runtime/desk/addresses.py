"""Which addresses may carry secrets: those with TLS, and loopback."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_https_or_loopback(address: str) -> bool:
    """Say whether an address is https, or http on this machine's loopback.

    >>> [is_https_or_loopback(a) for a in ("https://pay.example/x", "http://127.0.0.1:80", "http://[::1]/")]
    [True, True, True]
    >>> [is_https_or_loopback(a) for a in ("http://pay.example", "http://127.0.0.1.evil.example", "ftp://127.0.0.1")]
    [False, False, False]
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme != "http":
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
