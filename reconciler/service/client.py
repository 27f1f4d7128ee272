"""The client of the exam service. One call is one request: nothing is resent, redirected or cached.

Each request has its own httpx transport with one connection. A shared pool would be slow: its work grows with
the square of the number of waiting requests.
"""

import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from urllib.request import getproxies

import httpx

from reconciler import __version__
from reconciler.model.errors import ApiUnusable, UrlUnusable
from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.verdicts import NotSent, Verdict
from reconciler.proxies import Proxy, proxy_for
from reconciler.service.answers import ReceivedAnswer, classify, unanswered
from reconciler.service.exchange import CalledOff, Exchange
from reconciler.service.redaction import Redactor, describe, describe_own
from reconciler.service.request_match import Sent
from reconciler.service_url import is_loopback

_CONNECT_S: Final = 10.0
_CONNECT_STEPS: Final = 3  # TCP, a proxy's tunnel, TLS
_ONE_CONNECTION: Final = httpx.Limits(max_connections=1, max_keepalive_connections=0)
_NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_HEADERS: Final = {
    "content-type": "application/json",
    "accept": "application/json",
    "accept-encoding": "identity",
    "connection": "close",
    "user-agent": f"reconciler/{__version__}",
}


class HttpExamApi:
    """The exam service at a base URL; implements `ports.ExamApi`.

    `timeout_s` is the limit for the head of a response, and again for its body. Connecting has a limit of its
    own. Raises UrlUnusable or ApiUnusable if the URL, the proxy or the certificate authorities are unusable.
    """

    def __init__(self, base_url: str, token: str, *, timeout_s: float) -> None:
        try:
            url = httpx.URL(base_url)
            host = url.host
        except (httpx.InvalidURL, ValueError) as error:
            raise UrlUnusable(
                f"the API URL {base_url!r} cannot be read: {error}", hint="Write it as https://HOST."
            ) from error
        self._base_url = base_url
        self._headers = httpx.Headers(_HEADERS | {"token": token})
        self._answer_s = timeout_s
        self._connect_s = min(_CONNECT_S, timeout_s)
        self._timeouts = httpx.Timeout(timeout_s, connect=self._connect_s).as_dict()
        # A loopback URL without TLS is reached directly: a proxy from the environment would see the token.
        self._is_here = url.scheme == "http" and is_loopback(host)
        # Made once: reading the certificate authorities takes longer than a request.
        self._tls = _trusted_authorities() if url.scheme == "https" else _NO_AUTHORITIES
        self._proxy = None if self._is_here else proxy_for(base_url, getproxies())
        self._redactor = Redactor([token, *_credentials_of(self._proxy)])
        self._open_transport()  # so that an unusable proxy is reported before any intent is written

    async def create(
        self,
        install_sid: InstallSid,
        course_sid: CourseSid,
        body: bytes,
        *,
        confidential: Sequence[str],
        look: Callable[[], str | None],
    ) -> Verdict:
        """Send one Create Exam request, and return what the response means; see `ports.ExamApi`."""
        redactor = Redactor(confidential, beside=self._redactor)
        sent = Sent(install_sid=install_sid, course_sid=course_sid, body=body)
        exchange = Exchange(connect_s=_CONNECT_STEPS * self._connect_s, answer_s=self._answer_s, look=look)
        request = httpx.Request(
            "POST",
            f"{self._base_url}/v1/installs/{install_sid}/courses/{course_sid}/exams",
            headers=self._headers,
            content=body,
            extensions={"timeout": self._timeouts},
        )
        try:
            answer = await self._send(request, exchange)
        except CalledOff as called_off:
            return NotSent(reason=called_off.reason)
        except Exception as error:  # noqa: BLE001 - httpx lets errors of ssl and anyio through; each may leave an exam in doubt
            if exchange.was_not_sent:
                # What this machine says of connecting quotes nobody; a short secret may be a word of it.
                is_own = isinstance(error, httpx.ConnectError) and not exchange.heard
                return NotSent(reason=(describe_own if is_own else describe)(error, redactor))
            return unanswered(error, bytes(exchange.heard), sent=sent, redactor=redactor)
        return classify(answer, sent=sent, redactor=redactor)

    async def _send(self, request: httpx.Request, exchange: Exchange) -> ReceivedAnswer:
        """Send `request` as `exchange` does. If this machine cannot connect to itself, the error asks why."""
        try:
            return await exchange.send(self._open_transport(), request)
        except httpx.ConnectError as error:
            if not self._is_here:
                raise
            raise httpx.ConnectError(f"is `reconciler sandbox` running? {error}") from error

    def _open_transport(self) -> httpx.AsyncHTTPTransport:
        """Return a transport for one request. It connects when the request is sent."""
        try:
            return httpx.AsyncHTTPTransport(
                verify=self._tls,
                proxy=None if self._proxy is None else httpx.URL(self._proxy.usable_url),
                trust_env=False,
                limits=_ONE_CONNECTION,
            )
        except (httpx.InvalidURL, ValueError, ImportError) as error:
            variable = "" if self._proxy is None else self._proxy.variable
            # The error's text may quote the proxy's password.
            raise ApiUnusable(
                f"the proxy in {variable} cannot be used",
                hint="Write it as http://HOST:PORT (SOCKS is not supported), or unset it. Nothing was sent.",
            ) from error


def _credentials_of(proxy: Proxy | None) -> list[str]:
    """Return the password in the proxy's URL, in plain text and as base64 with the user; empty if none."""
    with suppress(httpx.InvalidURL, ValueError):
        url = httpx.URL("" if proxy is None else proxy.url)
        if url.password:
            return [url.password, b64encode(url.userinfo).decode("ascii")]
    return []


def _trusted_authorities() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ApiUnusable(
            f"the certificate authorities cannot be read: {describe(error, Redactor([]))}",
            hint="Correct the files that SSL_CERT_FILE or SSL_CERT_DIR name, or unset it. Nothing was sent.",
        ) from error
