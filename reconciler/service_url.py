"""Base URLs of exam services: choose one, normalise it, and check that a token may be sent there.

May import: `model`.
"""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from reconciler.model.destination import URL_VARIABLE, NamedBy, ServiceUrl
from reconciler.model.errors import UrlUnusable

DEFAULT: Final = "https://api.smarterproctoring.com"

_HINT: Final = "Write it as https://HOST, for example with --api-url."
_SPELLING_HINT: Final = (
    "Write host and path in plain letters, digits and hyphens; a host with other letters as its xn-- form."
)
_USUAL_PORTS: Final = {"http": 80, "https": 443}
_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
_PATH: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")


def choose(
    *, option: str | None, environment: str | None, variable: str | None, bound: str | None
) -> ServiceUrl:
    """Return the service to use: the first argument that is not None, else production.

    `bound` is the service at which the state's exams are. Raises UrlUnusable for an invalid URL.
    """
    if option is not None:
        return ServiceUrl(url=normalised(option), named_by=NamedBy.CHOICE)
    ambient = None if variable is None else normalised(variable)
    if environment is not None:
        url = normalised(environment)
        contradiction = None if ambient == url else ambient
        return ServiceUrl(url=url, named_by=NamedBy.CHOICE, contradiction=contradiction)
    if ambient is not None:
        return ServiceUrl(url=ambient, named_by=NamedBy.VARIABLE)
    if bound is not None:
        return ServiceUrl(url=bound, named_by=NamedBy.STATE)
    return ServiceUrl(url=DEFAULT, named_by=NamedBy.DEFAULT)


def normalised(url: str) -> str:
    """Return `url` with lower-case scheme and host, and without a default port or a final slash.

    Raises UrlUnusable unless it is an absolute http(s) URL without query, fragment and credentials.
    """
    parts, port = _split(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    shown_port = "" if port in {None, _USUAL_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{host}{shown_port}{parts.path.rstrip('/')}"


def check(service: ServiceUrl, *, is_plain_http_allowed: bool) -> str:
    """Return the base URL of `service` if a token may be sent there; else raise UrlUnusable.

    A service that only the state names must be production. Otherwise anyone who can write to the state's
    store could have the token sent to a server of their own.
    """
    if service.named_by is NamedBy.STATE and service.url != DEFAULT:
        raise UrlUnusable(
            f"only the state names the service {service.url}",
            hint="Nothing was sent. If it is correct, name it: with apiUrl in reconciler.yaml, with "
            f"--api-url, or with {URL_VARIABLE}.",
        )
    return check_url(service.url, is_plain_http_allowed=is_plain_http_allowed)


def check_url(url: str, *, is_plain_http_allowed: bool) -> str:
    """Return the base URL `url`, normalised, if a token may be sent there.

    Raises UrlUnusable unless it is https, http to loopback, or http with `is_plain_http_allowed`.
    """
    parts, _ = _split(url)
    if parts.scheme == "http" and not (is_plain_http_allowed or is_loopback(parts.hostname or "")):
        raise UrlUnusable(
            f"the API URL {url!r} would send the token in the clear",
            hint="Use https. For a test server only: --allow-plain-http.",
        )
    return normalised(url)


def is_loopback(host: str) -> bool:
    """Whether `host` is a loopback address or `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def may_be_one_service(first: str, second: str) -> bool:
    """Whether one service may be at both base URLs: both are on this machine, or neither is."""
    return is_on_this_machine(first) is is_on_this_machine(second)


def is_on_this_machine(url: str) -> bool:
    """Whether the base URL `url` leads to this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def _split(url: str) -> tuple[SplitResult, int | None]:
    """Return the parts of `url`, and its port. Raises UrlUnusable."""
    text = url.strip(" \t\r\n")
    try:
        url.encode()  # an argument may hold bytes that are not UTF-8; state could not keep it
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        # The parser's message may quote a wrong port, which may be a password.
        raise UrlUnusable("the API URL cannot be read", hint=_HINT) from error
    if parts.username is not None or parts.password is not None:
        raise UrlUnusable("the API URL holds credentials", hint="Give the token by itself; see --help.")
    if parts.scheme not in _USUAL_PORTS or not host or parts.query or parts.fragment:
        raise UrlUnusable("the API URL is not an absolute http(s) URL without a query", hint=_HINT)
    if not _is_what_it_looks_like(text, host, parts.path):
        raise UrlUnusable("the API URL holds characters that can be mistaken for others", hint=_SPELLING_HINT)
    return parts, port


def _is_what_it_looks_like(text: str, host: str, path: str) -> bool:
    """Whether a reviewer can see from the URL `text` where requests go.

    Letters of other alphabets may look like Latin ones, white space and control characters are invisible, and
    `..` changes the path that is shown.
    """
    return (
        text.isascii()
        and text.isprintable()
        and _HOST.fullmatch(host) is not None
        and _PATH.fullmatch(path) is not None
        and {".", ".."}.isdisjoint(path.split("/"))
    )
