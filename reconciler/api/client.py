"""The client. One call is one request: nothing is resent, redirected or cached here.

Requests go straight to the service through a transport of our own. Only where the environment names a proxy
for it does httpx's own client send them, through that. What httpcore does then by itself
was read in its source, and tests/faults tries it against real sockets: it tries again only what met a busy
connection, before the first byte (ConnectionNotAvailable); its `retries` (0 here) are for connecting; and
after a failed write it goes on to read an answer that may have come early. Each concurrent call has such a
client of its own, because the bookkeeping of a shared pool grows with the square of the calls that wait.
"""

import ssl
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache, partial
from types import TracebackType
from typing import Final, Self
from urllib.request import getproxies

import httpx

from reconciler import __version__
from reconciler.api.answers import classify, unanswered
from reconciler.api.direct_transport import DirectTransport
from reconciler.api.echoes import Sent
from reconciler.api.exchange import Exchange, Line
from reconciler.api.redaction import Redactor, describe
from reconciler.model.errors import ApiUnusable, UrlUnusable
from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.verdicts import NotSent, Verdict
from reconciler.proxies import Proxy, proxy_for
from reconciler.service_url import is_loopback

_CONNECT_S: Final = 10.0
_COURSES_AT_ONCE: Final = 256
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
        self._headers = httpx.Headers(_HEADERS | {"token": token})
        self._answer_s = timeout_s
        self._connect_s = min(_CONNECT_S, timeout_s)
        self._timeouts = httpx.Timeout(timeout_s, connect=self._connect_s).as_dict()
        # A proxy from the environment would see a token that is sent in the clear.
        may_use_proxies = url.scheme == "https" or not is_loopback(host)
        # Made once: reading the certificate authorities costs more than a request does.
        self._tls = _trusted_authorities() if url.scheme == "https" else None
        self._proxy = proxy_for(base_url, getproxies()) if may_use_proxies else None
        self._redactor = Redactor([token, *_credentials_of(self._proxy)])
        self._direct = DirectTransport(self._tls) if self._proxy is None else None
        self._clients: dict[Line, httpx.AsyncClient] = {}
        self._idle = [self._open_line()]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            await client.aclose()
        if self._direct is not None:
            await self._direct.aclose()

    def expect(self, calls: int) -> None:
        """Know how many exams still wait for their first call; soon some have a connection."""
        if self._direct is not None:
            self._direct.expect(calls)

    async def create(
        self, install_sid: InstallSid, course_sid: CourseSid, body: bytes, *, confidential: Sequence[str]
    ) -> Verdict:
        """Send one Create Exam call once and say what its answer means. Raises nothing but cancellation."""
        redactor = Redactor(confidential, beside=self._redactor)
        line = self._idle.pop() if self._idle else self._open_line()
        sent = Sent(install_sid=install_sid, course_sid=course_sid, body=body)
        exchange = Exchange(connect_s=_CONNECT_STEPS * self._connect_s, answer_s=self._answer_s)
        try:
            answer = await exchange.send(line, self._request(install_sid, course_sid, body))
        except Exception as error:  # noqa: BLE001 - httpx lets errors of ssl and anyio through; none may hide a doubt
            if exchange.is_connecting or isinstance(error, _WITHOUT_CONNECTION):
                verdict: Verdict = NotSent(reason=describe(error, redactor))
            else:
                verdict = unanswered(error, bytes(exchange.heard), sent=sent, redactor=redactor)
            line = await self._renewed(line)
        else:
            verdict = classify(answer, sent=sent, redactor=redactor)
        self._idle.append(line)
        return verdict

    def _request(self, install_sid: InstallSid, course_sid: CourseSid, body: bytes) -> httpx.Request:
        return httpx.Request(
            "POST",
            _parsed(f"{self._base_url}/v1/installs/{install_sid}/courses/{course_sid}/exams"),
            headers=self._headers,
            content=body,
            extensions={"timeout": self._timeouts},
        )

    def _open_line(self) -> Line:
        """Something that sends one request at a time."""
        if self._direct is not None:
            return self._direct.handle_async_request
        assert self._proxy is not None  # noqa: S101 - for the type checker
        try:
            client = httpx.AsyncClient(
                verify=self._tls or False,
                proxy=httpx.URL(self._proxy.usable_url),
                trust_env=False,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
                follow_redirects=False,
            )
        except (httpx.InvalidURL, ValueError, ImportError) as error:
            # What it says may quote the proxy's password.
            raise ApiUnusable(
                f"the proxy in {self._proxy.variable} cannot be used",
                hint="Write it as http://HOST:PORT (SOCKS will not do), or unset it. Nothing was sent.",
            ) from error
        line = partial(client.send, stream=True)
        self._clients[line] = client
        return line

    async def _renewed(self, line: Line) -> Line:
        """Return what takes the place of `line`, on which a request failed.

        Where TLS fails in a proxy's tunnel, httpcore keeps the connection and lets the next request wait for
        it for ever, without a step that would tell that nothing was sent.
        """
        client = self._clients.pop(line, None)
        if client is None:
            return line
        with suppress(Exception):
            await client.aclose()
        return self._open_line()


@lru_cache(maxsize=_COURSES_AT_ONCE)
def _parsed(url: str) -> httpx.URL:
    """`url`, read once: that takes as long as all the rest of a request, and a course has many exams."""
    return httpx.URL(url)


def _credentials_of(proxy: Proxy | None) -> list[str]:
    """Return the password in the proxy's URL, as it is written and as it is sent; empty without one."""
    with suppress(httpx.InvalidURL, ValueError):
        url = httpx.URL("" if proxy is None else proxy.url)
        if url.password:
            return [url.password, b64encode(url.userinfo).decode("ascii")]
    return []


def _trusted_authorities() -> ssl.SSLContext:
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        raise ApiUnusable(
            f"the certificate authorities cannot be read: {describe(error, Redactor([]))}",
            hint="Mend what SSL_CERT_FILE or SSL_CERT_DIR names, or unset it. Nothing was sent.",
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context
