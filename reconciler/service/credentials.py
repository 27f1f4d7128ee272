"""Checks of the API token before anything is sent. No message holds the token."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Final

from reconciler.model.destination import TOKEN_VARIABLE
from reconciler.model.errors import TokenUnusable
from reconciler.model.instants import instant_in_words

_JWT_PARTS: Final = 3


def check_token(token: str, now: datetime, *, source: str) -> None:
    """Raise TokenUnusable unless `token` is printable and, if it is a JWT with an `exp`, not past it.

    `source` is the variable or option that gave it.
    """
    if not token:
        raise TokenUnusable(
            "there is no API token",
            hint=f"Set {TOKEN_VARIABLE}, or use --token-file or --token-command. Nothing was sent.",
        )
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise TokenUnusable(
            f"the API token of {source} holds invalid characters",
            hint="It must be the token and nothing else. Nothing was sent.",
        )
    expiry = _expiry_of(token)
    if expiry is not None and expiry <= now:
        raise TokenUnusable(
            f"the API token of {source} expired at {instant_in_words(expiry)}",
            hint="Put a new one there: the vendor issues it. Nothing was sent.",
        )


def _expiry_of(token: str) -> datetime | None:
    """Return the expiry of a JWT, its `exp` (RFC 7519 section 4.1.4); None for other tokens."""
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None
