"""Refusing a token or a URL before anything is sent to anybody. No message holds the token."""

import base64
import binascii
import ipaddress
import json
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from reconciler.model.errors import TokenUnusable, UrlUnusable

_TOKEN_HINT: Final = "Set SMARTERPROCTORING_TOKEN, or name a file with --token-file."  # noqa: S105 - prose
_JWT_PARTS: Final = 3


def check_token(token: str, now: datetime) -> None:
    """Nothing, if `token` may be sent: printable, and if it is a JWT with an `exp`, not past it.

    Raises TokenUnusable.
    """
    if not token:
        raise TokenUnusable("there is no API token", hint=_TOKEN_HINT)
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise TokenUnusable("the API token holds characters that no token has", hint=_TOKEN_HINT)
    expiry = _expiry_of(token)
    if expiry is not None and expiry <= now:
        raise TokenUnusable(
            f"the API token expired at {expiry:%Y-%m-%d %H:%M:%S} UTC",
            hint="Ask the vendor for a new token. Nothing was sent.",
        )


def _expiry_of(token: str) -> datetime | None:
    """The JWT's `exp` claim (RFC 7519 section 4.1.4); None where there is none to be read."""
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None


def is_loopback(host: str) -> bool:
    """Whether `host` can only mean this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_url(url: str, *, is_plain_http_allowed: bool) -> str:
    """The base URL `url` without a trailing slash, if it is one to send a token to.

    Raises UrlUnusable for anything but https, or http to loopback (or anywhere, if allowed).
    """
    hint = "Write it as https://HOST, for example with --api-url."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UrlUnusable(f"the API URL cannot be read: {error}", hint=hint) from error
    if parts.username is not None or parts.password is not None:
        raise UrlUnusable("the API URL holds credentials", hint="Give the token by itself; see --help.")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise UrlUnusable(f"the API URL {url!r} is not an absolute http(s) URL", hint=hint)
    if parts.scheme == "http" and not (is_plain_http_allowed or is_loopback(host)):
        raise UrlUnusable(
            f"the API URL {url!r} would send the token in the clear",
            hint="Use https. For a test server only: --allow-plain-http.",
        )
    return url.rstrip("/")
