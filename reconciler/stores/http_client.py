"""Send one HTTP request and read its whole answer, with limits of time and size."""

import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from enum import Enum
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx
from msgspec import Struct, field

from reconciler import __version__
from reconciler.fault_points import Step, reach
from reconciler.model.errors import StateUnavailable
from reconciler.model.outside_text import tamed
from reconciler.proxies import Proxy, proxy_for
from reconciler.stores.http_address import HttpAddress

USERNAME: Final = "TF_HTTP_USERNAME"
PASSWORD: Final = "TF_HTTP_PASSWORD"  # noqa: S105 - the variable's name

_CONNECT_S: Final = 10.0
_LIMITS: Final = httpx.Limits(max_connections=1)
_WHOLE_TIMES: Final = 4
_LARGEST_BYTES: Final = 1024**3
_CHUNK_BYTES: Final = 256 * 1024
_HEADERS: Final = {
    "accept": "application/json",
    # The body is compared byte for byte: no proxy may compress, cache or rewrite it.
    "accept-encoding": "identity",
    "cache-control": "no-cache",
    "user-agent": f"reconciler/{__version__}",
}


class Resend(Enum):
    """Whether a request may be sent again if the server may have received it."""

    NEVER = "a second one could do harm"
    ALLOWED = "a second one has the same effect"


class HttpRequest(Struct, frozen=True, kw_only=True):
    """A request to send. `lock_id` becomes the query parameter ID."""

    method: str
    url: str
    resend: Resend
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lock_id: str | None = None


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """A whole answer. With `may_be_repeat` the server may have received the same request before."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    may_be_repeat: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the server reports success."""
        return self.status in {200, 201, 204}

    @property
    def is_page(self) -> bool:
        """Whether the body is an HTML page, as of a proxy or a sign-in.

        The content type cannot be used: small servers send text/html for everything.
        """
        return self.body.lstrip()[:1] == b"<"


class HttpClient:
    """A client for the server of one state."""

    def __init__(self, address: HttpAddress) -> None:
        self._address = address
        self._client: httpx.Client | None = None

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Use one connection within the context. It is closed at the end of the outermost one."""
        if self._client is not None:
            yield
            return
        with self._open_client() as client:
            self._client = client
            try:
                yield
            finally:
                self._client = None

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Send `request` once; return its answer. Raise httpx.TransportError, OSError or StateUnavailable."""
        with self.connected():
            assert self._client is not None  # noqa: S101 - for the type checker
            deadline_s = time.monotonic() + _WHOLE_TIMES * self._address.timeout_s
            built = self._build(self._client, request, deadline_s)
            reach(Step.STORE_CALL)
            try:
                with closing(self._client.send(built, stream=True)) as response:
                    body = _read(response, deadline_s)
            except (httpx.InvalidURL, ValueError) as error:  # httpx raises these for malformed headers
                raise httpx.RemoteProtocolError(f"the answer cannot be read: {error}") from error
            reach(Step.STORE_CALLED)
        return HttpAnswer(status=response.status_code, headers=response.headers, body=body)

    @staticmethod
    def _build(client: httpx.Client, request: HttpRequest, deadline_s: float) -> httpx.Request:
        url = httpx.URL(request.url)
        if request.lock_id is not None:
            url = url.copy_merge_params({"ID": request.lock_id})
        if request.body is None:
            return client.build_request(request.method, url)
        headers = {
            "content-type": "application/json",
            "content-length": str(len(request.body)),
            **request.headers,
        }
        return client.build_request(
            request.method, url, headers=headers, content=_chunks(request.body, deadline_s)
        )

    def _open_client(self) -> httpx.Client:
        timeout_s, credentials = self._address.timeout_s, self._credentials()
        self._check_addresses()
        return httpx.Client(
            headers=_HEADERS,
            auth=credentials,
            verify=self._tls,
            mounts=self._mounts(),
            trust_env=False,
            timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
            limits=_LIMITS,
            follow_redirects=False,
        )

    def _check_addresses(self) -> None:
        try:
            for address in self._address.all:
                _ = httpx.URL(address).host  # httpx parses the host only here
        except (httpx.InvalidURL, ValueError) as error:
            raise StateUnavailable(
                f"cannot reach {self._address.location}: an address cannot be read: {tamed(str(error))}",
                hint="Check the state URL. Nothing was sent.",
                location=self._address.location,
            ) from error

    def _mounts(self) -> dict[str, httpx.BaseTransport]:
        """Return a transport for each address that has a proxy in the environment."""
        # No proxy for this machine: it could not reach it, and would see requests in plain http.
        proxies = {} if self._address.is_local else getproxies()
        mounts: dict[str, httpx.BaseTransport] = {}
        for address in self._address.all:
            proxy, parts = proxy_for(address, proxies), urlsplit(address)
            if proxy is not None:
                mounts[f"{parts.scheme}://{parts.netloc}"] = self._through(proxy)
        return mounts

    def _through(self, proxy: Proxy) -> httpx.BaseTransport:
        try:
            return httpx.HTTPTransport(
                verify=self._tls, proxy=httpx.URL(proxy.usable_url), limits=_LIMITS, trust_env=False
            )
        except (httpx.InvalidURL, ValueError, ImportError) as error:
            # Do not show the error: it may quote the proxy's password.
            raise StateUnavailable(
                f"cannot reach {self._address.location}: the proxy in {proxy.variable} cannot be used",
                hint="Write it as http://HOST:PORT (SOCKS is not supported), or unset it. Nothing was sent.",
                location=self._address.location,
            ) from error

    def _credentials(self) -> httpx.Auth | None:
        username, password = os.environ.get(USERNAME, ""), os.environ.get(PASSWORD, "")
        try:
            return httpx.BasicAuth(username, password) if username or password else None
        except UnicodeEncodeError:
            # Not chained: the encoder's error holds the password.
            raise StateUnavailable(
                f"{USERNAME} or {PASSWORD} is not UTF-8",
                hint="Correct it. Nothing was sent.",
                location=self._address.location,
            ) from None

    @cached_property
    def _tls(self) -> ssl.SSLContext | bool:
        """The TLS context, made once: reading the certificate authorities takes longer than a request."""
        if not self._address.uses_tls:
            return False
        try:
            return httpx.create_ssl_context()
        except OSError as error:
            raise StateUnavailable(
                f"cannot reach {self._address.location}: the certificate authorities cannot be read: {error}",
                hint="Correct what SSL_CERT_FILE or SSL_CERT_DIR names, or unset it. Nothing was sent.",
                location=self._address.location,
            ) from error


def _chunks(body: bytes, deadline_s: float) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK_BYTES):
        _check_time(deadline_s)
        yield body[start : start + _CHUNK_BYTES]


def _read(response: httpx.Response, deadline_s: float) -> bytes:
    received = bytearray()
    for chunk in response.iter_raw():
        _check_time(deadline_s)
        received += chunk
        if len(received) > _LARGEST_BYTES:
            raise httpx.ReadError(f"the answer is larger than {_LARGEST_BYTES // 1024**2} MiB")
    return bytes(received)


def _check_time(deadline_s: float) -> None:
    if time.monotonic() > deadline_s:
        raise httpx.ReadTimeout("it takes too long")
