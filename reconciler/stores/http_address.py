"""The addresses and HTTP methods of a state on a server for Terraform's HTTP protocol."""

import os
import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx
from msgspec import Struct

from reconciler.model.errors import UsageError
from reconciler.model.outside_text import tamed
from reconciler.stores.urls import StateUrl, read_state_url

_OPTIONS: Final = frozenset({"update-method", "allow-http", "timeout"}).union(
    f"{what}-{of}" for what in ("lock", "unlock") for of in ("address", "method")
)
_GITLAB: Final = re.compile(r"/api/v4/projects/[^/]+/terraform/state/[^/]+")
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_SECRET: Final = re.compile(r"token|passw|secret|key|signature", re.IGNORECASE)
_DEFAULT_TIMEOUT_S: Final = 30.0
_LONGEST_TIMEOUT_S: Final = 999.0
_FORM: Final = "Write it as https://HOST/PATH. See `reconciler explain stores/http`."

TRUSTED: Final = "TF_HTTP_ADDRESS"
"""The variable that names the server for which the credentials in the environment are."""


class HttpAddress(Struct, frozen=True, kw_only=True):
    """The addresses and HTTP methods of one state.

    `is_gitlab` matters because GitLab refuses an update without the lock even if nobody holds the lock.
    `is_trusted` means that the credentials in the environment are for the server of `address`.
    """

    location: str
    address: str
    lock_address: str
    unlock_address: str
    update_method: str
    lock_method: str
    unlock_method: str
    is_gitlab: bool
    is_trusted: bool
    timeout_s: float

    @property
    def all(self) -> tuple[str, str, str]:
        """The addresses for reading and writing, locking, and unlocking."""
        return self.address, self.lock_address, self.unlock_address


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of `url`. Raise httpx.InvalidURL or ValueError if it cannot be read."""
    read = httpx.URL(url)
    return read.scheme, read.host, read.port


def read_address(url: str, *, is_typed: bool) -> HttpAddress:
    """Return the addresses in `url` and its options, or raise UsageError.

    `is_typed` means that the URL comes from the command line, and not from a file that others may change.
    """
    read = read_state_url(url, options=_OPTIONS)
    address = urlunsplit(read.parts._replace(fragment=""))
    is_gitlab = _GITLAB.search(read.parts.path) is not None
    gitlab_lock = urlunsplit(read.parts._replace(fragment="", path=f"{read.parts.path}/lock"))
    lock_address = read.options.get("lock-address", gitlab_lock if is_gitlab else address)
    unlock_address = read.options.get("unlock-address", lock_address)
    for one in (address, lock_address, unlock_address):
        _check(one, read)
    return HttpAddress(
        location=read.location,
        address=address,
        lock_address=lock_address,
        unlock_address=unlock_address,
        update_method=_method(read, "update-method", "POST"),
        lock_method=_method(read, "lock-method", "POST" if is_gitlab else "LOCK"),
        unlock_method=_method(read, "unlock-method", "DELETE" if is_gitlab else "UNLOCK"),
        is_gitlab=is_gitlab,
        is_trusted=is_typed or _is_named(address),
        timeout_s=read.seconds("timeout", otherwise=_DEFAULT_TIMEOUT_S, most=_LONGEST_TIMEOUT_S),
    )


def _is_named(address: str) -> bool:
    """Return whether the environment says that its credentials are for the server of `address`."""
    try:
        return origin(os.environ.get(TRUSTED, "")) == origin(address)
    except (httpx.InvalidURL, ValueError):
        return False


def _check(address: str, read: StateUrl) -> None:
    """Raise UsageError if `address` is malformed, holds credentials, or may not be used without TLS."""
    try:
        url = httpx.URL(address)
        host = urlsplit(address).hostname and url.host  # each finds faults that the other does not
    except (httpx.InvalidURL, ValueError) as error:
        problem = f"an address of the state cannot be read: {tamed(str(error))}"
        raise UsageError(problem, hint=_FORM) from error
    if url.userinfo or any(_SECRET.search(name) for name, _ in parse_qsl(url.query.decode())):
        raise UsageError(
            "the state URL holds credentials",
            hint="Remove them: they would be seen in logs. Set TF_HTTP_USERNAME and TF_HTTP_PASSWORD.",
        )
    if url.scheme not in {"http", "https"} or not host or url.fragment:
        raise UsageError(f"{address!r} is not an address of a state", hint=_FORM)
    read.refuse_plain_http(address)


def _method(read: StateUrl, name: str, default: str) -> str:
    method = read.options.get(name, default)
    if not _METHOD.fullmatch(method):
        raise UsageError(
            f"the option {name} of the state URL is {method!r}",
            hint="Write an HTTP method in capitals, as PUT.",
        )
    return method
