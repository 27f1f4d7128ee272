"""The addresses and HTTP methods of a state on a server for Terraform's HTTP protocol."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from msgspec import Struct

from reconciler.model.errors import UsageError
from reconciler.service_url import is_loopback
from reconciler.stores.urls import StateUrl, read_state_url

_OPTIONS: Final = frozenset(
    {
        "lock-address",
        "unlock-address",
        "lock-method",
        "unlock-method",
        "update-method",
        "allow-http",
        "timeout",
    }
)
_GITLAB: Final = re.compile(r"/api/v4/projects/[^/]+/terraform/state/[^/]+")
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_SECRET: Final = re.compile(r"token|passw|secret|key|signature", re.IGNORECASE)
_DEFAULT_TIMEOUT_S: Final = 30.0
_LONGEST_TIMEOUT_S: Final = 999.0
_FORM: Final = "Write it as https://HOST/PATH. See docs/backends/http.md."


class HttpAddress(Struct, frozen=True, kw_only=True):
    """The addresses and HTTP methods of one state.

    `is_gitlab` matters for two reasons. GitLab refuses an update without the lock, whether or not the state
    is locked. When it refuses a lock, its answer repeats what this run sent, but with the ID of the present
    holder.
    """

    location: str
    address: str
    lock_address: str
    unlock_address: str
    update_method: str
    lock_method: str
    unlock_method: str
    is_gitlab: bool
    timeout_s: float

    @property
    def is_local(self) -> bool:
        """Whether all addresses are on this machine, so that no proxy is used."""
        return all(is_loopback(urlsplit(one).hostname or "") for one in self.all)

    @property
    def uses_tls(self) -> bool:
        """Whether any address is https."""
        return any(one.startswith("https:") for one in self.all)

    @property
    def all(self) -> tuple[str, str, str]:
        """The addresses for reading and writing, locking, and unlocking."""
        return self.address, self.lock_address, self.unlock_address


def read_address(url: str) -> HttpAddress:
    """Return the addresses in `url` and its options, or raise UsageError."""
    read = read_state_url(url, options=_OPTIONS)
    address = urlunsplit(read.parts._replace(fragment=""))
    is_gitlab = _GITLAB.search(read.parts.path) is not None
    gitlab_lock = urlunsplit(read.parts._replace(fragment="", path=f"{read.parts.path}/lock"))
    lock_address = read.options.get("lock-address", gitlab_lock if is_gitlab else address)
    found = HttpAddress(
        location=read.location,
        address=address,
        lock_address=lock_address,
        unlock_address=read.options.get("unlock-address", lock_address),
        update_method=_method(read.options, "update-method", "POST"),
        lock_method=_method(read.options, "lock-method", "POST" if is_gitlab else "LOCK"),
        unlock_method=_method(read.options, "unlock-method", "DELETE" if is_gitlab else "UNLOCK"),
        is_gitlab=is_gitlab,
        timeout_s=read.seconds("timeout", otherwise=_DEFAULT_TIMEOUT_S, most=_LONGEST_TIMEOUT_S),
    )
    for one in (found.address, found.lock_address, found.unlock_address):
        _check(one, read)
    return found


def _check(address: str, read: StateUrl) -> None:
    """Raise UsageError if `address` is malformed, holds credentials, or may not be used without TLS."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"an address of the state cannot be read: {error}", hint=_FORM) from error
    if parts.username is not None or any(_SECRET.search(name) for name, _ in parse_qsl(parts.query)):
        raise UsageError(
            "the state URL holds credentials",
            hint="Remove them: they would be seen in logs. Set TF_HTTP_USERNAME and TF_HTTP_PASSWORD.",
        )
    if parts.scheme not in {"http", "https"} or not host or parts.fragment:
        raise UsageError(f"{address!r} is not an address of a state", hint=_FORM)
    read.refuse_plain_http(address)


def _method(options: Mapping[str, str], name: str, default: str) -> str:
    method = options.get(name, default)
    if not _METHOD.fullmatch(method):
        raise UsageError(
            f"the option {name} of the state URL is {method!r}",
            hint="Write an HTTP method in capitals, as PUT.",
        )
    return method
