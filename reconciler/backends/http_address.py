"""Where a server of Terraform's HTTP protocol is asked for a state, and by which verbs."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from msgspec import Struct

from reconciler.backends.urls import StateUrl, read_state_url
from reconciler.model.errors import UsageError
from reconciler.service_url import is_loopback

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
    """The addresses and verbs of one state.

    `is_gitlab` tells a server whose manners are known: it refuses whoever does not hold the lock, locked or
    not, and answers a refused lock with the words of whoever asked, but the holder's ID.
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
        """Whether all of it is on this machine, where no proxy is asked."""
        return all(is_loopback(urlsplit(one).hostname or "") for one in self.all)

    @property
    def uses_tls(self) -> bool:
        """Whether any of it is to be asked by https."""
        return any(one.startswith("https:") for one in self.all)

    @property
    def all(self) -> tuple[str, str, str]:
        """Where the state is read and written, locked, and unlocked."""
        return self.address, self.lock_address, self.unlock_address


def read_address(url: str) -> HttpAddress:
    """What `url` and the options behind its # say. Raises UsageError."""
    read = read_state_url(url, options=_OPTIONS)
    address = urlunsplit(read.parts._replace(fragment=""))
    is_gitlab = _GITLAB.search(read.parts.path) is not None
    beside = urlunsplit(read.parts._replace(fragment="", path=f"{read.parts.path}/lock"))
    lock_address = read.options.get("lock-address", beside if is_gitlab else address)
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
    """Nothing, if credentials may be sent to `address`, and it holds none itself."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"an address of the state cannot be read: {error}", hint=_FORM) from error
    if parts.username is not None or any(_SECRET.search(name) for name, _ in parse_qsl(parts.query)):
        raise UsageError(
            "the state URL holds credentials",
            hint="Take them out: they would be seen in logs. Set TF_HTTP_USERNAME and TF_HTTP_PASSWORD.",
        )
    if parts.scheme not in {"http", "https"} or not host or parts.fragment:
        raise UsageError(f"{address!r} is no address of a state", hint=_FORM)
    read.refuse_plain_http(address)


def _method(options: Mapping[str, str], name: str, default: str) -> str:
    method = options.get(name, default)
    if not _METHOD.fullmatch(method):
        raise UsageError(
            f"the option {name} of the state URL is {method!r}",
            hint="Write a verb of HTTP in capitals, as PUT.",
        )
    return method
