"""Which proxy the environment names for a URL.

NO_PROXY is read as curl reads it. Ports and a leading `*.` are allowed too; unreadable entries are ignored.
May import: the standard library.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

_SEPARATORS: Final = re.compile(r"[,\s]+")
_ENTRY: Final = re.compile(
    r"(?:(?P<scheme>[a-z]+)://)?(?P<host>\[[^\[\]]+\]|[^\[\]:]+|[0-9a-f:.]+(?:/[0-9]+)?)(?::(?P<port>[0-9]+))?",
    re.IGNORECASE,
)
_PORTS: Final = {"http": 80, "https": 443}


class Proxy(Struct, frozen=True, kw_only=True):
    """A proxy. `url` may hold a password; `variable` is the environment variable that names it."""

    variable: str
    url: str

    @property
    def usable_url(self) -> str:
        """The URL. Raises ValueError unless it names a host and a possible port."""
        parts = urlsplit(self.url)
        if not parts.hostname or parts.port == 0:
            raise ValueError("no host, or port 0")
        return self.url


def proxy_for(url: str, proxies: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for requests to `url`, which is absolute and valid; None for a direct connection.

    `proxies` are as `urllib.request.getproxies` gives them: the values of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY
    and NO_PROXY under the keys `http`, `https`, `all` and `no`.
    """
    parts = urlsplit(url)
    if any(_leaves_out(entry, parts) for entry in _SEPARATORS.split(proxies.get("no", ""))):
        return None
    for kind in (parts.scheme, "all"):
        if said := proxies.get(kind, "").strip():
            return Proxy(variable=f"{kind.upper()}_PROXY", url=said if "://" in said else f"http://{said}")
    return None


def _leaves_out(entry: str, parts: SplitResult) -> bool:
    """Whether `entry` of NO_PROXY matches the URL of `parts`."""
    if entry == "*":
        return True
    found = _ENTRY.fullmatch(entry)
    if found is None:
        return False
    scheme, port = found["scheme"], found["port"]
    if scheme is not None and scheme.lower() not in {parts.scheme, "all"}:
        return False
    if port is not None and port != str(parts.port or _PORTS.get(parts.scheme)):
        return False
    return _is_within(_canonical(parts.hostname or ""), found["host"].strip("[]"))


def _is_within(host: str, entry: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        domain = _canonical(entry.removeprefix("*").removeprefix("."))
        return domain != "" and (host == domain or host.endswith(f".{domain}"))
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _canonical(host: str) -> str:
    """Return `host` in ASCII and lower case, without a final dot, for comparison."""
    try:
        return host.encode("idna").decode("ascii").lower().rstrip(".")
    except UnicodeError:
        return host.lower().rstrip(".")
