"""The client. One call is one request: nothing is resent, redirected or cached here.

What httpcore does by itself was read in its source, and tests/faults tries it against real sockets: it tries
again only what met a busy connection, before the first byte (ConnectionNotAvailable); its `retries` (0 here)
are for connecting; and after a failed write it goes on to read an answer that may have come early.

Each concurrent call has an httpx client of its own, because the bookkeeping of a shared pool grows with the
square of the calls that wait for it.
"""

import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import httpx

from reconciler import __version__
from reconciler.api.answers import classify, shorten
from reconciler.api.bodies import describe
from reconciler.api.credentials import is_loopback
from reconciler.api.exchange import Exchange
from reconciler.model.errors import ApiUnusable, UrlUnusable
from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.verdicts import NotSent, Unknown, Verdict

_CONNECT_S: Final = 10.0
_CONNECT_STEPS: Final = 3  # TCP, a proxy's tunnel, TLS
# Raised by the pool itself, which has then no connection to send on.
_WITHOUT_CONNECTION: Final = (httpx.PoolTimeout, httpx.UnsupportedProtocol)
_HEADERS: Final = {
    "content-type": "application/json",
    "accept": "application/json",
    "accept-encoding": "identity",
    "connection": "close",
    "user-agent": f"reconciler/{__version__}",
}


class HttpExamApi:
    """The exam service at a base URL; implements `ports.ExamApi`. Use it as an asynchronous context.

    `timeout_s` bounds the wait for the head of an answer, and again that for its body; connecting has bounds
    of its own. Raises UrlUnusable or ApiUnusable where no call can be made.
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
        self._token = token
        self._answer_s = timeout_s
        self._connect_s = min(_CONNECT_S, timeout_s)
        # A proxy from the environment would see a token that is sent in the clear.
        self._uses_proxies = url.scheme == "https" or not is_loopback(host)
        # Made once: reading the certificate authorities costs more than a request does.
        self._tls = _trusted_authorities() if url.scheme == "https" else False
        self._all: list[httpx.AsyncClient] = []
        self._idle = [self._open_client()]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._all:
            await client.aclose()

    async def create(
        self, install_sid: InstallSid, course_sid: CourseSid, body: bytes, *, confidential: Sequence[str]
    ) -> Verdict:
        """Send one Create Exam call once and say what its answer means. Raises nothing but cancellation."""
        url = f"{self._base_url}/v1/installs/{install_sid}/courses/{course_sid}/exams"
        hidden = (*confidential, self._token)
        client = self._idle.pop() if self._idle else self._open_client()
        exchange = Exchange(connect_s=_CONNECT_STEPS * self._connect_s, answer_s=self._answer_s)
        try:
            answer = await exchange.post(client, url, body)
        except Exception as error:  # noqa: BLE001 - httpx lets errors of ssl and anyio through; none may hide a doubt
            if exchange.is_connecting or isinstance(error, _WITHOUT_CONNECTION):
                verdict: Verdict = NotSent(reason=shorten(describe(error), hidden))
            else:
                verdict = Unknown(status=None, reason=shorten(f"no answer: {describe(error)}", hidden))
        else:
            verdict = classify(answer, confidential=hidden)
        self._idle.append(client)
        return verdict

    def _open_client(self) -> httpx.AsyncClient:
        try:
            client = httpx.AsyncClient(
                headers=_HEADERS | {"token": self._token},
                verify=self._tls,
                trust_env=self._uses_proxies,
                timeout=httpx.Timeout(self._answer_s, connect=self._connect_s),
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
                follow_redirects=False,
            )
        except (httpx.InvalidURL, ValueError, ImportError) as error:
            # What it says may quote the proxy's password.
            raise ApiUnusable(
                "the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names cannot be used",
                hint="Write it as http://HOST:PORT (SOCKS will not do), or unset it. Nothing was sent.",
            ) from error
        self._all.append(client)
        return client


def _trusted_authorities() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ApiUnusable(
            f"the certificate authorities cannot be read: {describe(error)}",
            hint="Mend what SSL_CERT_FILE or SSL_CERT_DIR names, or unset it. Nothing was sent.",
        ) from error
