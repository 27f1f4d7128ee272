"""Send one HTTP request and read its whole answer, with limits of time and size."""

import base64
import hashlib
import os
import ssl
import time
import weakref
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx
from msgspec import Struct

from reconciler import __version__
from reconciler.fault_points import Step, reach
from reconciler.model.errors import StateUnavailable
from reconciler.proxies import proxy_for
from reconciler.service_url import is_loopback
from reconciler.stores.http_address import HttpAddress, origin

USERNAME: Final = "TF_HTTP_USERNAME"
PASSWORD: Final = "TF_HTTP_PASSWORD"  # noqa: S105 - the variable's name

_CONNECT_S: Final = 10.0
_LIMITS: Final = httpx.Limits(max_connections=1)
_WHOLE_TIMES: Final = 4
_LARGEST_BYTES: Final = 1024**3
_HEADERS: Final = {
    "accept": "application/json",
    # The body is compared byte for byte: no proxy may compress, cache or rewrite it.
    "accept-encoding": "identity",
    "cache-control": "no-cache",
    "user-agent": f"reconciler/{__version__}",
}


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

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
    """A client for the server of one state. It has one connection."""

    def __init__(self, address: HttpAddress) -> None:
        self._address = address

    def send(self, method: str, url: str, *, body: bytes = b"", lock_id: str = "") -> HttpAnswer:
        """Send a request once; return its answer. Raise httpx.TransportError, OSError or StateUnavailable.

        `lock_id` becomes the query parameter ID.
        """
        deadline_s = time.monotonic() + _WHOLE_TIMES * self._address.timeout_s
        target, headers = httpx.URL(url), {}
        if lock_id:
            target = target.copy_merge_params({"ID": lock_id})
        if body:
            digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest())
            headers = {"content-type": "application/json", "content-md5": digest.decode("ascii")}
        request = self._client.build_request(method, target, headers=headers, content=body or None)
        auth = self._credentials(url)
        reach(Step.STORE_CALL)
        try:
            with closing(self._client.send(request, auth=auth, stream=True)) as response:
                received = _read(response, deadline_s)
        except (httpx.InvalidURL, ValueError) as error:  # httpx raises these for malformed headers
            raise httpx.RemoteProtocolError(f"the answer cannot be read: {error}") from error
        reach(Step.STORE_CALLED)
        return HttpAnswer(status=response.status_code, headers=response.headers, body=received)

    @cached_property
    def _client(self) -> httpx.Client:
        timeout_s = self._address.timeout_s
        client = httpx.Client(
            headers=_HEADERS,
            verify=self._tls,
            mounts=self._mounts(),
            trust_env=False,
            timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
            limits=_LIMITS,
            follow_redirects=False,
        )
        weakref.finalize(self, client.close)
        return client

    def _mounts(self) -> dict[str, httpx.BaseTransport]:
        """Return a transport for each address that has a proxy in the environment."""
        urls = [urlsplit(address) for address in self._address.all]
        # No proxy for this machine: it could not reach it, and would see requests in plain http.
        proxies = {} if all(is_loopback(url.hostname or "") for url in urls) else getproxies()
        mounts: dict[str, httpx.BaseTransport] = {}
        for url in urls:
            if (proxy := proxy_for(url.geturl(), proxies)) is None:
                continue
            try:
                mounts[f"{url.scheme}://{url.netloc}"] = httpx.HTTPTransport(
                    verify=self._tls, proxy=httpx.URL(proxy.usable_url), limits=_LIMITS, trust_env=False
                )
            except (httpx.InvalidURL, ValueError, ImportError) as error:
                # Do not show the error: it may quote the proxy's password.
                remedy = "Write it as http://HOST:PORT (SOCKS is not supported), or unset it."
                raise self._unusable(f"the proxy in {proxy.variable} cannot be used", remedy) from error
        return mounts

    def _credentials(self, url: str) -> httpx.Auth | None:
        username, password = os.environ.get(USERNAME, ""), os.environ.get(PASSWORD, "")
        is_for = self._address.is_trusted and origin(url) == origin(self._address.address)
        try:
            return httpx.BasicAuth(username, password) if is_for and (username or password) else None
        except UnicodeEncodeError:
            # Not chained: the encoder's error holds the password.
            raise self._unusable(f"{USERNAME} or {PASSWORD} is not UTF-8", "Correct it.") from None

    @cached_property
    def _tls(self) -> ssl.SSLContext | bool:
        """The TLS context, made once: reading the certificate authorities takes longer than a request."""
        try:
            uses_tls = any(address.startswith("https:") for address in self._address.all)
            return httpx.create_ssl_context() if uses_tls else False
        except OSError as error:
            problem = f"the certificate authorities cannot be read: {error}"
            remedy = "Correct what SSL_CERT_FILE or SSL_CERT_DIR names, or unset it."
            raise self._unusable(problem, remedy) from error

    def _unusable(self, problem: str, remedy: str) -> StateUnavailable:
        message = f"cannot reach {self._address.location}: {problem}"
        return StateUnavailable(message, hint=f"{remedy} Nothing was sent.")


def _read(response: httpx.Response, deadline_s: float) -> bytes:
    received = bytearray()
    for chunk in response.iter_raw():
        received += chunk
        if time.monotonic() > deadline_s:
            raise httpx.ReadTimeout("it takes too long")
        if len(received) > _LARGEST_BYTES:
            raise httpx.ReadError(f"the answer is larger than {_LARGEST_BYTES // 1024**2} MiB")
    return bytes(received)
