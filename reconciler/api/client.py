"""The client. One call is one request: nothing is resent, redirected or cached here.

httpx opens a connection before it sends, and tells the two apart: ConnectError, ConnectTimeout, PoolTimeout
and ProxyError (a refused CONNECT) come before a request's first byte, every other error may come after it.
Each concurrent call has an httpx client of its own, because the bookkeeping of a shared pool grows with the
square of the calls that wait for it.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import httpx

from reconciler import __version__
from reconciler.api.answers import Answer, classify, redact, request_id_in, seen_sids
from reconciler.api.credentials import is_loopback
from reconciler.model.errors import UrlUnusable
from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.verdicts import NotSent, Unknown, Verdict

_BODY_BYTES: Final = 1024 * 1024
_CONNECT_S: Final = 10.0
# A connection that idled longer may be closed by the far side just as we send on it, which would leave an
# exam in doubt for nothing; a fresh one costs a handshake.
_IDLE_S: Final = 2.0
_BEFORE_SENDING: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class HttpExamApi:
    """The exam service at a base URL; implements `ports.ExamApi`. Use it as an asynchronous context.

    `timeout_s` bounds the silence between two bytes, and with the time to connect on top, the whole call.
    """

    def __init__(self, base_url: str, token: str, *, timeout_s: float) -> None:
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL as error:
            raise UrlUnusable(
                f"the API URL {base_url!r} cannot be read: {error}", hint="Write it as https://HOST."
            ) from error
        self._base_url = base_url
        self._token = token
        self._timeout = httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        self._deadline_s = timeout_s + 2 * _CONNECT_S
        # A proxy from the environment would see a token that is sent in the clear.
        self._uses_proxies = url.scheme == "https" or not is_loopback(url.host)
        # Made once: reading the certificate authorities costs more than a request does.
        self._tls = httpx.create_ssl_context() if url.scheme == "https" else False
        self._idle: list[httpx.AsyncClient] = []
        self._all: list[httpx.AsyncClient] = []

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
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await _post(client, url, body)
        except _BEFORE_SENDING as error:
            verdict: Verdict = NotSent(reason=redact(_describe(error), hidden))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
            verdict = Unknown(status=None, reason=redact(f"no answer: {_describe(error)}", hidden))
        else:
            verdict = classify(answer, confidential=hidden)
        self._idle.append(client)
        return verdict

    def _open_client(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            headers={
                "token": self._token,
                "content-type": "application/json",
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": f"reconciler/{__version__}",
            },
            verify=self._tls,
            trust_env=self._uses_proxies,
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_S),
            follow_redirects=False,
        )
        self._all.append(client)
        return client


async def _post(client: httpx.AsyncClient, url: str, body: bytes) -> Answer:
    async with client.stream("POST", url, content=body) as response:
        received, fault = await _read_body(response)
        return Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            retry_after=response.headers.get("retry-after"),
            body=received,
            fault=fault,
            date=response.headers.get("date"),
            request_id=request_id_in(response.headers),
        )


async def _read_body(response: httpx.Response) -> tuple[bytes | None, str]:
    """The body, or None and why it could not be read; the status line that came before it still counts."""
    received = bytearray()
    try:
        async with asyncio.timeout(response.request.extensions["timeout"]["read"]):
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > _BODY_BYTES:
                    return None, f"the body is larger than {_BODY_BYTES // 1024} KiB{seen_sids(received)}"
    except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
        return None, f"the body could not be read: {_describe(error)}{seen_sids(received)}"
    return bytes(received), ""


def _describe(error: Exception) -> str:
    kind = type(error).__name__
    return f"{kind}: {error}" if str(error) else kind
