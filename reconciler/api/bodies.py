"""Bodies of answers: read in full or not at all, and never larger in memory than one may be."""

import asyncio
import zlib
from typing import Final, cast

import httpx

from reconciler.api.answers import seen_sids

BODY_BYTES: Final = 1024 * 1024
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_TOO_LARGE: Final = f"the body is larger than {BODY_BYTES // 1024} KiB"


async def read_body(response: httpx.Response, *, within_s: float) -> tuple[bytes | None, str]:
    """The body, or None and why it could not be read; the status line that came before it still counts."""
    received = bytearray()
    try:
        async with asyncio.timeout(within_s):
            # `aiter_raw` looks at each part once more, and does nothing else that is of use here.
            async for chunk in cast("httpx.AsyncByteStream", response.stream):
                received += chunk
                if len(received) > BODY_BYTES:
                    return None, f"{_TOO_LARGE}{seen_sids(received)}"
    except (httpx.HTTPError, httpx.StreamError, OSError) as error:
        return None, f"the body could not be read{seen_sids(received)}: {describe(error)}"
    return decode(bytes(received), response.headers.get("content-encoding", ""))


def decode(received: bytes, encoding: str) -> tuple[bytes | None, str]:
    """What was compressed into `received`, or None and why that cannot be said.

    We ask for no encoding, but a proxy may choose one. httpx would decode as many as the header lists, each
    a thousand times larger than the one before; here it is one, and no more of it than a body may be.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return received, ""
        case "gzip" | "x-gzip" | "deflate":
            return _inflate(received)
        case other:
            return None, f"the body is encoded as {other}, which was not asked for"


def _inflate(received: bytes) -> tuple[bytes | None, str]:
    inflating = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        body = inflating.decompress(received, BODY_BYTES + 1)
    except zlib.error as error:
        return None, f"the body could not be decompressed: {error}"
    if len(body) > BODY_BYTES:
        return None, f"{_TOO_LARGE}{seen_sids(body)}"
    if not inflating.eof:
        return None, f"the compressed body is cut short{seen_sids(body)}"
    return body, ""


def describe(error: Exception) -> str:
    """`error` in one line: its kind, and what it says if it says anything."""
    kind = type(error).__name__
    return f"{kind}: {error}" if str(error) else kind
